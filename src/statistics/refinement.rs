//! Where a curve of latency against load needs another point.
//!
//! Between two points a reader sees a straight line. How far it may be from the curve follows from how much the slope
//! changes at its ends: with a second derivative of at most `c` the error in the middle of a stretch of width `h` is at most
//! `c h^2 / 8` (Davis, *Interpolation and Approximation*, 1963, ch. 3). Both axes are taken as logarithms, so that no unit
//! matters, errors are shares of the latency, and the slope at the knee is 1 ([`crate::statistics::knee`]).
//!
//! The next point goes to the middle of the stretch with the largest error, as long as that is worth telling. Where a curve
//! ends because latency grows without bound, what is not known is the load at which it does.

use crate::statistics::knee::Told;

/// What a further load must be.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Loads are whole numbers, such as users.
    pub is_whole: bool,
    /// Share of the latency by which a line may be wrong.
    pub tolerance: f64,
}

/// A load and the logarithm of its latency, or infinity where latency grows without bound.
#[derive(Clone, Copy, Debug)]
struct Knot {
    load: f64,
    height: f64,
}

/// The load at which a curve, in ascending order of load, should be looked at next; `None` where straight lines are good
/// enough everywhere. A load with `None` was looked at in vain, and splits its stretch all the same.
pub fn next_load(curve: &[(f64, Option<Told>)], wanted: Wanted) -> Option<f64> {
    let knots: Vec<Knot> = curve.iter().filter_map(|(load, told)| knot(*load, (*told)?)).collect();
    let mut worst: Option<(f64, f64)> = None;
    for (left, ends) in knots.windows(2).enumerate() {
        let (from, to) = (ends[0].load, ends[1].load);
        let error = error(&knots, left);
        let loads: Vec<f64> = curve.iter().map(|(load, _)| *load).filter(|load| (from..=to).contains(load)).collect();
        for part in loads.windows(2) {
            let share = (part[1] / part[0]).ln() / (to / from).ln();
            let error = error * share * share;
            let is_worse = error > worst.map_or(wanted.tolerance, |(most, _)| most);
            if let Some(middle) = middle(part[0], part[1], wanted.is_whole).filter(|_| is_worse) {
                worst = Some((error, middle));
            }
        }
    }
    worst.map(|(_, load)| load)
}

fn knot(load: f64, told: Told) -> Option<Knot> {
    let height = match told {
        Told::Unbounded => f64::INFINITY,
        Told::Latency { value, .. } => Some(value.ln()).filter(|height| height.is_finite())?,
    };
    (load.is_finite() && load > 0.0).then_some(Knot { load, height })
}

/// How far the straight line from one knot to the next may be from the curve.
fn error(knots: &[Knot], left: usize) -> f64 {
    let (from, to) = (knots[left], knots[left + 1]);
    let width = (to.load / from.load).ln();
    match (from.height.is_finite(), to.height.is_finite()) {
        // As if latency grew like the load up to where it has no bound, half of the way on average.
        (true, false) | (false, true) => return width / 2.0,
        (false, false) => return 0.0,
        (true, true) => {}
    }
    let slope = |from: usize| {
        let (from, to) = (knots.get(from)?, knots.get(from + 1)?);
        Some((to.height - from.height) / (to.load / from.load).ln()).filter(|slope| slope.is_finite())
    };
    let curvature = |middle: usize| {
        let (before, after) = (knots.get(middle.checked_sub(1)?)?, knots.get(middle + 1)?);
        Some(2.0 * (slope(middle)? - slope(middle - 1)?).abs() / (after.load / before.load).ln())
    };
    let rise = (to.height - from.height).abs();
    let Some(most) = [curvature(left), curvature(left + 1)].into_iter().flatten().reduce(f64::max) else {
        // A line that stands alone says nothing of how the curve bends: it may be as far off as it rises.
        return rise / 2.0;
    };
    let turns = left.checked_sub(1).and_then(slope).zip(slope(left + 1)).is_some_and(|(one, other)| one * other < 0.0);
    let error = most * width * width / 8.0;
    // Where a curve only rises, or only falls, it stays between the ends.
    if turns { error } else { error.min(rise / 2.0) }
}

/// The roundest number in the middle third between two loads; `None` if there is no room for one.
fn middle(from: f64, to: f64, is_whole: bool) -> Option<f64> {
    let third = (to / from).ln() / 3.0;
    let (low, high) = (from * third.exp(), to * (-third).exp());
    let centre = (from * to).sqrt();
    if is_whole && to - from < 1.5 {
        return None;
    }
    let largest = to.log10().ceil() as i32;
    for exponent in (largest - 15..=largest).rev() {
        // Units of 5, 2 and 1 times a power of ten, the larger first.
        for digit in [5.0, 2.0, 1.0] {
            let unit = |count: f64| {
                let size = 10f64.powi(exponent.abs());
                if exponent >= 0 { count * digit * size } else { count * digit / size }
            };
            let candidate = unit((centre / unit(1.0)).round());
            if is_whole && exponent < 0 {
                return Some(centre.round().clamp(from.floor() + 1.0, to.ceil() - 1.0));
            }
            if (low..=high).contains(&candidate) && from < candidate && candidate < to {
                return Some(candidate);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: Wanted = Wanted { is_whole: false, tolerance: 0.05 };

    fn told(value: f64) -> Option<Told> {
        Some(if value.is_finite() { Told::Latency { value, low: value, high: value } } else { Told::Unbounded })
    }

    /// Loads that are looked at one after the other until lines are good enough, in that order.
    fn refined(loads: &[f64], wanted: Wanted, latency: impl Fn(f64) -> f64) -> Vec<f64> {
        let mut curve: Vec<(f64, Option<Told>)> = loads.iter().map(|load| (*load, told(latency(*load)))).collect();
        let mut further = Vec::new();
        while let Some(load) = next_load(&curve, wanted) {
            assert!(further.len() < 100, "{further:?}");
            assert!(curve.iter().all(|(known, _)| *known != load), "{load} is looked at twice");
            curve.push((load, told(latency(load))));
            curve.sort_by(|one, other| one.0.total_cmp(&other.0));
            further.push(load);
        }
        further
    }

    /// The largest distance between the lines and the curve, as a share of the latency.
    fn distance(loads: &[f64], latency: impl Fn(f64) -> f64) -> f64 {
        let mut loads = loads.to_vec();
        loads.sort_by(f64::total_cmp);
        let stretch = |ends: &[f64]| {
            let (from, to) = (ends[0], ends[1]);
            let off = |share: f64| {
                let load = from * (to / from).powf(share);
                let line = latency(from).ln() + share * (latency(to) / latency(from)).ln();
                (latency(load).ln() - line).abs()
            };
            (1..20).map(|share| off(f64::from(share) / 20.0)).fold(0.0, f64::max)
        };
        loads.windows(2).map(stretch).fold(0.0, f64::max)
    }

    /// M/M/1 up to 95%: as many points as were added by the rule show the curve better than an even grid does.
    #[test]
    fn points_go_to_where_the_curve_bends() {
        let latency = |load: f64| 1.0 / (1.0 - load);
        let first = [0.05, 0.5, 0.95];
        let further = refined(&first, WANTED, latency);
        let all = [&first[..], &further].concat();
        // The curvature is seen from outside, which misses a little of it.
        assert!(distance(&all, latency) < 1.5 * WANTED.tolerance, "{further:?}");
        let even: Vec<f64> = (0..all.len()).map(|at| 0.05 + 0.9 * at as f64 / (all.len() - 1) as f64).collect();
        assert!(distance(&even, latency) > 1.5 * distance(&all, latency), "{further:?}");
        let steep = further.iter().filter(|load| **load > 0.5).count();
        assert!(2 * steep > further.len(), "more of them where it is steep: {further:?}");
    }

    /// A closed workload bends once, sharply, at 1,000 users: that is where points gather.
    #[test]
    fn points_gather_at_a_kink() {
        let latency = |users: f64| 0.1_f64.max(users / 1_000.0 - 0.9);
        let further = refined(&[100.0, 300.0, 1_000.0, 3_000.0, 5_000.0], WANTED, latency);
        assert!(further.iter().all(|load| *load > 300.0), "flat is flat: {further:?}");
        let further = refined(&[100.0, 600.0, 3_000.0, 5_000.0], Wanted { is_whole: true, ..WANTED }, latency);
        let near = further.iter().filter(|load| (800.0..1_500.0).contains(*load)).count();
        assert!(near >= 3 && further.iter().all(|load| load.fract() == 0.0), "{further:?}");
    }

    /// Where a load is not held, what is looked for is the heaviest that is.
    #[test]
    fn the_end_of_a_curve_is_found() {
        let latency = |load: f64| if load < 137.0 { 1.0 } else { f64::INFINITY };
        let further = refined(&[50.0, 100.0, 200.0, 400.0], WANTED, latency);
        let (held, lost): (Vec<f64>, Vec<f64>) = further.iter().partition(|load| **load < 137.0);
        let (held, lost) = (held.into_iter().fold(100.0, f64::max), lost.into_iter().fold(200.0, f64::min));
        assert!(lost / held < 1.11 && further.len() < 6, "{further:?}");
        assert!(further.iter().all(|load| *load < 200.0), "{further:?}");
    }

    #[test]
    fn straight_lines_need_no_further_point() {
        assert!(refined(&[1.0, 2.0, 8.0, 30.0], WANTED, |_| 3.0).is_empty());
        assert!(refined(&[1.0, 2.0, 8.0, 30.0], WANTED, |load| load * load).is_empty());
        assert!(refined(&[1.0], WANTED, |load| load).is_empty());
        assert!(refined(&[1.0, 2.0, 3.0], WANTED, |_| f64::INFINITY).is_empty());
        let wide = Wanted { tolerance: 0.5, ..WANTED };
        assert!(refined(&[0.1, 0.3, 0.5, 0.7], wide, |load| 1.0 / (1.0 - load)).is_empty(), "within the tolerance");
    }

    #[test]
    fn a_load_that_was_looked_at_in_vain_is_not_looked_at_again() {
        let steep = |load: f64| told(load.exp());
        let curve = [(1.0, steep(1.0)), (2.0, None), (8.0, steep(8.0))];
        assert_eq!(next_load(&curve, WANTED), Some(5.0));
        let curve = [(1.0, steep(1.0)), (2.0, None), (4.0, None), (8.0, steep(8.0))];
        let next = next_load(&curve, WANTED).expect("a load");
        assert!(next > 1.0 && curve.iter().all(|(load, _)| *load != next), "{next}");
        let curve: Vec<_> = (0..=70).map(|step| 1.03_f64.powi(step)).map(|load| (load, None)).collect();
        let ends = [&[(0.9, steep(0.9))], &curve[..], &[(8.0, steep(8.0))]].concat();
        assert_eq!(next_load(&ends, WANTED), None, "there must be an end to it");
        assert_eq!(next_load(&curve, WANTED), None, "nothing is known");
        assert_eq!(next_load(&[(0.0, steep(1.0)), (-1.0, steep(2.0)), (f64::NAN, steep(3.0))], WANTED), None);
        assert_eq!(next_load(&[], WANTED), None);
    }

    #[test]
    fn middles_are_round() {
        assert_eq!(middle(5_000.0, 7_500.0, true), Some(6_000.0));
        assert_eq!(middle(10_000.0, 50_000.0, true), Some(20_000.0));
        assert_eq!(middle(0.5, 0.9, false), Some(0.7));
        assert_eq!(middle(1.0, 2.0, true), None);
        assert_eq!(middle(1.0, 3.0, true), Some(2.0));
        assert_eq!(middle(3.0, 5.0, true), Some(4.0));
        assert_eq!(middle(1e-7, 3e-7, false), Some(2e-7));
        for (from, to) in [(1.0, 1.0 + 1e-15), (1e300, 1e301), (1e-300, 1e-299), (7.0, 7.0)] {
            let found = middle(from, to, false);
            assert!(found.is_none_or(|middle| from < middle && middle < to), "{from} {to} {found:?}");
        }
    }
}
