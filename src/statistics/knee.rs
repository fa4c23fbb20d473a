//! Where a curve of latency against load bends.
//!
//! Kleinrock (*Power and deterministic rules of thumb for probabilistic problems in computer communications*, ICC 1979)
//! calls load over latency the power of a system. It grows while more load costs little latency, and falls once latency
//! grows faster than the load: the knee is where it is largest, which is where a ray from the origin touches the curve. No
//! parameter is needed, and the units of either axis do not matter.

/// What is known of the latency at one load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Told {
    /// A value and its interval.
    Latency { value: f64, low: f64, high: f64 },
    /// Latency grows without end.
    Unbounded,
}

/// Load over latency.
#[derive(Clone, Copy)]
struct Power {
    value: f64,
    low: f64,
    high: f64,
}

/// Where power is largest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Knee {
    /// The load among those of the curve.
    pub load: f64,
    /// The loads between which the largest power is, whatever the curve does between its points.
    pub low: f64,
    pub high: f64,
}

/// The knee of a curve, whose points may come in any order; none where power is still growing, or falls from the start.
///
/// If power rises to one maximum and falls behind it, the maximum is between the last load before it and the first load
/// behind it at which power is clearly lower, that is, at which the intervals do not meet.
pub fn knee(curve: &[(f64, Told)]) -> Option<Knee> {
    let mut powers: Vec<(f64, Power)> = curve.iter().filter_map(|(load, told)| power(*load, *told)).collect();
    powers.sort_by(|one, other| one.0.total_cmp(&other.0));
    let most = |best: usize, next: usize| if powers[next].1.value > powers[best].1.value { next } else { best };
    let top = (0..powers.len()).reduce(most)?;
    let is_lower = |(_, power): &&(f64, Power)| power.high < powers[top].1.low;
    let below = powers[..top].iter().rev().find(is_lower)?;
    let above = powers[top + 1..].iter().find(is_lower)?;
    Some(Knee { load: powers[top].0, low: below.0, high: above.0 })
}

fn power(load: f64, told: Told) -> Option<(f64, Power)> {
    if !(load.is_finite() && load > 0.0) {
        return None;
    }
    match told {
        Told::Unbounded => Some((load, Power { value: 0.0, low: 0.0, high: 0.0 })),
        Told::Latency { value, low, high } if value > 0.0 && low.is_finite() && high.is_finite() => {
            let over = |latency: f64| if latency > 0.0 { load / latency } else { f64::INFINITY };
            Some((load, Power { value: over(value), low: over(high), high: over(low) }))
        }
        Told::Latency { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(value: f64, relative: f64) -> Told {
        Told::Latency { value, low: value * (1.0 - relative), high: value * (1.0 + relative) }
    }

    fn curve(loads: &[f64], relative: f64, latency: impl Fn(f64) -> f64) -> Vec<(f64, Told)> {
        loads.iter().map(|load| (*load, around(latency(*load), relative))).collect()
    }

    /// The power of M/M/1, load x (1 - load), is largest at half of the capacity.
    #[test]
    fn one_server_bends_at_half_its_capacity() {
        let loads = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
        let found = knee(&curve(&loads, 0.001, |load| 1.0 / (1.0 - load)));
        assert_eq!(found, Some(Knee { load: 0.5, low: 0.4, high: 0.6 }));
        // Wider intervals tell less.
        let found = knee(&curve(&loads, 0.05, |load| 1.0 / (1.0 - load))).expect("a knee");
        assert!(found.low < 0.4 && found.high > 0.6, "{found:?}");
    }

    /// A closed workload: flat up to the saturation at 1,000 users, then a straight line.
    #[test]
    fn a_closed_workload_bends_where_it_saturates() {
        let loads = [100.0, 300.0, 900.0, 1_500.0, 3_000.0];
        let found = knee(&curve(&loads, 0.05, |users| 0.1_f64.max(users / 1_000.0 - 0.9)));
        assert_eq!(found.map(|knee| (knee.low, knee.high)), Some((300.0, 1_500.0)));
    }

    #[test]
    fn an_unstable_load_is_beyond_the_knee() {
        let mut points = curve(&[1.0, 2.0, 3.0], 0.01, |_| 1.0);
        assert_eq!(knee(&points), None, "a flat curve does not bend");
        points.push((4.0, Told::Unbounded));
        assert_eq!(knee(&points), Some(Knee { load: 3.0, low: 2.0, high: 4.0 }));
        points.reverse();
        assert_eq!(knee(&points), Some(Knee { load: 3.0, low: 2.0, high: 4.0 }));
    }

    #[test]
    fn no_knee_is_made_up() {
        assert_eq!(knee(&[]), None);
        assert_eq!(knee(&curve(&[1.0, 2.0, 3.0], 0.01, |load| load * load)), None, "bent before the first load");
        assert_eq!(knee(&curve(&[1.0, 2.0, 3.0], 0.9, |load| 1.0 / (3.5 - load))), None, "too uncertain");
        assert_eq!(knee(&curve(&[1.0, 2.0, 3.0], 0.01, |load| 1.0 / load)), None, "more of it is faster");
        assert_eq!(knee(&[(0.0, around(1.0, 0.1)), (f64::NAN, around(1.0, 0.1)), (1.0, around(f64::NAN, 0.1))]), None);
    }
}
