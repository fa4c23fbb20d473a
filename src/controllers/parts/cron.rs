//! Times of the week as cron writes them: `minute hour day-of-month month day-of-week`.
//!
//! Time zero of a run is Monday, midnight. A run has no date, so the day of the month and the month are `*`; everything else is as in
//! crontab(5): lists, ranges, steps, names of days, Sunday as 0 and as 7, and `@hourly`, `@daily`, `@midnight`, `@weekly`.

/// Minutes of a week.
pub const WEEK: u32 = 7 * 24 * 60;
/// Nanoseconds of a minute.
pub const MINUTE_NS: u64 = 60_000_000_000;

const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// A schedule: the minutes, hours and days at which it is due, a bit for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cron {
    minutes: u64,
    hours: u64,
    /// From Sunday on.
    days: u64,
}

impl Cron {
    /// Reads a schedule.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = match text.trim() {
            "@hourly" => "0 * * * *",
            "@daily" | "@midnight" => "0 0 * * *",
            "@weekly" => "0 0 * * 0",
            text => text,
        };
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let &[minutes, hours, day_of_month, month, days] = fields.as_slice() else {
            return Err(format!("a schedule has five fields, this one has {}", fields.len()));
        };
        for (name, field) in [("day of the month", day_of_month), ("month", month)] {
            if !matches!(field, "*" | "?") {
                return Err(format!("a run has weeks and no date, so the {name} cannot be \"{field}\""));
            }
        }
        let days = set("day of the week", days, 0, 7)?;
        Ok(Self {
            minutes: set("minute", minutes, 0, 59)?,
            hours: set("hour", hours, 0, 23)?,
            // Sunday is the day before the first and after the last.
            days: (days | days >> 7) & 0x7f,
        })
    }

    /// Whether it is due in this minute of the week, which begins on Monday.
    pub fn is_due(self, minute: u32) -> bool {
        let (day, hour) = (minute / 1_440 + 1, minute / 60 % 24);
        let has = |set: u64, bit: u32| set >> bit & 1 == 1;
        has(self.minutes, minute % 60) && has(self.hours, hour) && has(self.days, day % 7)
    }

    /// The minutes of the week at which it is due, in order.
    pub fn moments(self) -> impl Iterator<Item = u32> {
        (0..WEEK).filter(move |minute| self.is_due(*minute))
    }

    /// Minutes since it was last due, that minute included; every schedule is due once in a week.
    pub fn minutes_since(self, minute: u32) -> u32 {
        (0..WEEK).find(|back| self.is_due((minute + WEEK - back) % WEEK)).unwrap_or(WEEK)
    }
}

/// The values of a field, a bit for each.
fn set(name: &str, field: &str, least: u32, most: u32) -> Result<u64, String> {
    let mut found = 0;
    for part in field.split(',') {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let step_by = match step {
            None => 1,
            Some(step) => step.parse().ok().filter(|step| *step > 0).ok_or_else(|| format!("\"{step}\" is no step"))?,
        };
        let (from, to) = match range.split_once('-') {
            // Sunday is there once.
            _ if matches!(range, "*" | "?") => (least, if most == 7 { 6 } else { most }),
            Some((from, to)) => (value(name, from, least, most)?, value(name, to, least, most)?),
            // A step from one value on goes to the end.
            None => {
                let from = value(name, range, least, most)?;
                (from, if step.is_some() { most } else { from })
            }
        };
        if from > to {
            return Err(format!("the range \"{range}\" of the {name} runs backwards"));
        }
        (from..=to).step_by(step_by).for_each(|value| found |= 1 << value);
    }
    Ok(found)
}

/// One value of a field: a number, or the name of a day.
fn value(name: &str, text: &str, least: u32, most: u32) -> Result<u32, String> {
    let day = DAYS.iter().position(|day| most == 7 && text.eq_ignore_ascii_case(day));
    let found = day.map(|day| day as u32).or_else(|| text.parse().ok());
    found
        .filter(|value| (least..=most).contains(value))
        .ok_or_else(|| format!("the {name} is between {least} and {most}, not \"{text}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(text: &str) -> Vec<u32> {
        Cron::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).moments().collect()
    }

    const fn at(day: u32, hour: u32, minute: u32) -> u32 {
        (day * 24 + hour) * 60 + minute
    }

    #[test]
    fn schedules_are_due_when_crontab_says() {
        assert_eq!(moments("0 7 * * 1-5"), [0, 1, 2, 3, 4].map(|day| at(day, 7, 0)));
        assert_eq!(moments("0 7 * * mon-FRI"), moments("0 7 ? * 1,2,3,4,5"));
        assert_eq!(moments("30 9,17 * * 0"), [at(6, 9, 30), at(6, 17, 30)]);
        assert_eq!(moments("30 9,17 * * 7"), moments("30 9,17 * * sun"));
        assert_eq!(moments("0 0 * * 5-7"), [4, 5, 6].map(|day| at(day, 0, 0)), "from Friday to Sunday");
        assert_eq!(moments("*/20 8 * * 3"), [0, 20, 40].map(|minute| at(2, 8, minute)));
        assert_eq!(moments("50/5 8 * * 3"), [50, 55].map(|minute| at(2, 8, minute)));
        assert_eq!(moments("0 0-23/6 * * 2"), [0, 6, 12, 18].map(|hour| at(1, hour, 0)));
        assert_eq!(moments("* * * * *").len(), WEEK as usize);
        assert_eq!(moments("0 0 * * */3"), [at(2, 0, 0), at(5, 0, 0), at(6, 0, 0)], "Wednesday, Saturday, Sunday");
        assert_eq!(moments("@hourly").len(), 7 * 24);
        assert_eq!((moments("@daily").len(), moments("@weekly")), (7, vec![at(6, 0, 0)]));
    }

    #[test]
    fn the_last_time_may_lie_in_the_week_before() {
        let friday = Cron::parse("0 17 * * 5").expect("a schedule");
        assert_eq!(friday.minutes_since(at(4, 17, 0)), 0);
        assert_eq!(friday.minutes_since(at(4, 18, 30)), 90);
        assert_eq!(friday.minutes_since(at(0, 0, 0)), 7 * 60 + 2 * 1_440);
        assert_eq!(friday.minutes_since(at(4, 16, 59)), WEEK - 1);
    }

    #[test]
    fn what_is_no_schedule_is_told() {
        for (text, says) in [
            ("0 7 * *", "five fields, this one has 4"),
            ("", "this one has 0"),
            ("60 7 * * *", "the minute is between 0 and 59, not \"60\""),
            ("0 24 * * *", "the hour is between 0 and 23"),
            ("0 7 1 * *", "no date, so the day of the month cannot be \"1\""),
            ("0 7 * jan *", "the month cannot be \"jan\""),
            ("0 7 * * 8", "the day of the week is between 0 and 7"),
            ("0 7 * * fri-mon", "runs backwards"),
            ("*/0 7 * * *", "\"0\" is no step"),
            ("0 mon * * *", "not \"mon\""),
            ("- 7 * * *", "not \"\""),
            ("1-2-3 7 * * *", "not \"2-3\""),
            (", 7 * * *", "not \"\""),
        ] {
            let found = Cron::parse(text).expect_err(text);
            assert!(found.contains(says), "{text}: {found}");
        }
    }
}
