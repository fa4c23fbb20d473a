//! Alarms: so many of the last values of a metric lie beyond a threshold.

use std::collections::VecDeque;

use serde::Deserialize;

use crate::controllers::parts::datapoints::Datapoint;

/// On which side of the threshold a value breaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Comparison {
    GreaterThanThreshold,
    GreaterThanOrEqualToThreshold,
    LessThanThreshold,
    LessThanOrEqualToThreshold,
}

impl Comparison {
    /// Whether the alarm is about too much, not about too little.
    pub fn is_upward(self) -> bool {
        matches!(self, Self::GreaterThanThreshold | Self::GreaterThanOrEqualToThreshold)
    }

    fn breaches(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::GreaterThanThreshold => value > threshold,
            Self::GreaterThanOrEqualToThreshold => value >= threshold,
            Self::LessThanThreshold => value < threshold,
            Self::LessThanOrEqualToThreshold => value <= threshold,
        }
    }
}

/// An alarm and the values that it looks at. Periods without a value are passed over, as CloudWatch does unless it is told
/// what missing data mean.
#[derive(Clone, Debug)]
pub struct Alarm {
    comparison: Comparison,
    pub threshold: f64,
    evaluation_periods: usize,
    datapoints_to_alarm: usize,
    recent: VecDeque<Datapoint>,
}

impl Alarm {
    /// An alarm when this many of so many values breach the threshold.
    pub fn new(comparison: Comparison, threshold: f64, datapoints_to_alarm: u32, evaluation_periods: u32) -> Self {
        let (datapoints_to_alarm, evaluation_periods) = (datapoints_to_alarm as usize, evaluation_periods as usize);
        Self { comparison, threshold, evaluation_periods, datapoints_to_alarm, recent: VecDeque::new() }
    }

    /// One more value.
    pub fn push(&mut self, datapoint: Datapoint) {
        self.recent.push_back(datapoint);
        if self.recent.len() > self.evaluation_periods {
            self.recent.pop_front();
        }
    }

    /// Whether it goes off.
    pub fn is_on(&self) -> bool {
        let breaching = self.recent.iter().filter(|one| self.comparison.breaches(one.value, self.threshold));
        breaching.count() >= self.datapoints_to_alarm
    }

    /// The values that it looks at, the last one at the end.
    pub fn recent(&self) -> impl DoubleEndedIterator<Item = &Datapoint> {
        self.recent.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(alarm: &mut Alarm, values: &[f64]) -> Vec<bool> {
        let tell = |value: &f64| {
            alarm.push(Datapoint { value: *value, instances: 1 });
            alarm.is_on()
        };
        values.iter().map(tell).collect()
    }

    #[test]
    fn all_of_the_last_values_must_breach() {
        let mut alarm = Alarm::new(Comparison::GreaterThanThreshold, 1.0, 3, 3);
        let expected = [false, false, false, false, false, true, true, false];
        assert_eq!(told(&mut alarm, &[2.0, 2.0, 1.0, 2.0, 2.0, 2.0, 2.0, 0.0]), expected);
    }

    #[test]
    fn some_of_the_last_values_are_enough() {
        let mut alarm = Alarm::new(Comparison::LessThanOrEqualToThreshold, 1.0, 2, 3);
        assert_eq!(told(&mut alarm, &[1.0, 2.0, 1.0, 2.0, 2.0, 2.0]), [false, false, true, false, false, false]);
    }
}
