//! Where a curve of latency against load needs another point.
//!
//! Between two points a reader sees a straight line. How far it may be from the curve follows from how much the slope
//! changes at its ends: if the whole change `s` happens at one place between them, a stretch of width `w` is off by `s w / 4`
//! at most. Both axes are taken as logarithms, so that no unit matters, errors are shares of the latency, and the slope at
//! the knee is 1 ([`crate::statistics::knee`]).
//!
//! The next point goes to the middle of the stretch with the largest error, as long as that is worth telling. Where a curve
//! ends because latency grows without bound, or cannot be told any more, what is not known is the load at which it does.

use crate::statistics::knee::Told;

/// What a further load must be.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Loads are whole numbers, such as users.
    pub is_whole: bool,
    /// Share of the latency by which a line may be wrong.
    pub tolerance: f64,
}

/// Three points may lie on a line by chance. One that rises is believed to this share of its rise.
const DOUBT: f64 = 1.0 / 16.0;

/// A load and the logarithm of its latency with its interval; infinite where the curve ends.
#[derive(Clone, Copy, Debug)]
struct Knot {
    load: f64,
    height: f64,
    low: f64,
    high: f64,
}

/// The load at which a curve, in ascending order of load, should be looked at next; `None` where straight lines are good
/// enough everywhere. A load with `None` was looked at in vain: it splits its stretch, or ends the curve.
pub fn next_load(curve: &[(f64, Option<Told>)], wanted: Wanted) -> Option<f64> {
    let is_told = |(_, told): &(f64, Option<Told>)| matches!(told, Some(Told::Latency { .. }));
    // Beyond the last latency that can be told, the first load is as good as any.
    let end = (curve.iter().rposition(is_told)? + 2).min(curve.len());
    let last = |index: usize| if index + 1 == end { Some(Told::Unbounded) } else { None };
    let curve = curve[..end].iter().enumerate().map(|(index, (load, told))| (*load, told.or_else(|| last(index))));
    let curve: Vec<(f64, Option<Told>)> = curve.collect();
    let knots: Vec<Knot> = curve.iter().filter_map(|(load, told)| knot(*load, (*told)?)).collect();
    let mut worst: Option<(f64, f64)> = None;
    for (left, ends) in knots.windows(2).enumerate() {
        let (from, to) = (ends[0].load, ends[1].load);
        let loads: Vec<f64> = curve.iter().map(|(load, _)| *load).filter(|load| (from..=to).contains(load)).collect();
        for part in loads.windows(2) {
            let error = error(&knots, left, (part[1] / part[0]).ln());
            let is_worse = error > worst.map_or(wanted.tolerance, |(most, _)| most);
            if let Some(middle) = middle(part[0], part[1], wanted.is_whole).filter(|_| is_worse) {
                worst = Some((error, middle));
            }
        }
    }
    worst.map(|(_, load)| load)
}

fn knot(load: f64, told: Told) -> Option<Knot> {
    if !(load.is_finite() && load > 0.0) {
        return None;
    }
    let knot = |height: f64, low: f64, high: f64| Knot { load, height, low, high };
    match told {
        Told::Unbounded => Some(knot(f64::INFINITY, f64::INFINITY, f64::INFINITY)),
        Told::Latency { value, low, high } => {
            let is_finite = value.ln().is_finite();
            is_finite.then(|| knot(value.ln(), low.max(0.0).ln(), high.ln()))
        }
    }
}

/// How far the straight line from one knot to the next may be from the curve, over a part of it that is so wide.
fn error(knots: &[Knot], left: usize, width: f64) -> f64 {
    let (from, to) = (knots[left], knots[left + 1]);
    match (from.height.is_finite(), to.height.is_finite()) {
        // As if latency grew like the load up to where it has no bound, half of the way on average.
        (true, false) | (false, true) => return width / 2.0,
        (false, false) => return 0.0,
        (true, true) => {}
    }
    let whole_width = (to.load / from.load).ln();
    let rise = (to.height - from.height).abs();
    let slope = |from: usize| {
        let (from, to) = (knots.get(from)?, knots.get(from + 1)?);
        Some((to.height - from.height) / (to.load / from.load).ln()).filter(|slope| slope.is_finite())
    };
    let (before, own, after) = (left.checked_sub(1).and_then(slope), slope(left), slope(left + 1));
    let change = |one: Option<f64>, other: Option<f64>| Some((one? - other?).abs());
    let bend = match [change(before, own), change(own, after)].into_iter().flatten().reduce(f64::max) {
        Some(most) => most * whole_width / 4.0,
        // A line that stands alone says nothing of how the curve bends.
        None => rise / 2.0,
    };
    // Where a curve only rises, or only falls, it stays between the ends.
    let turns = before.zip(after).is_some_and(|(one, other)| one * other < 0.0)
        && left > 0
        && differ(&knots[left - 1], &from)
        && differ(&to, &knots[left + 2]);
    let error = if turns { bend } else { bend.min(rise / 2.0) };
    let share = width / whole_width;
    error.max(rise * DOUBT) * share * share
}

/// Whether one latency is for sure not the other.
fn differ(one: &Knot, other: &Knot) -> bool {
    one.high < other.low || other.high < one.low
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
        assert!(distance(&all, latency) < WANTED.tolerance, "{further:?}");
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
        assert!(refined(&[1.0, 2.0, 3.0, 5.0], WANTED, |load| load).is_empty());
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
        let ends = [&[(0.98, steep(0.98))], &curve[..], &[(8.0, steep(8.0))]].concat();
        assert_eq!(next_load(&ends, WANTED), None, "there must be an end to it");
        assert_eq!(next_load(&curve, WANTED), None, "nothing is known");
        assert_eq!(next_load(&[(0.0, steep(1.0)), (-1.0, steep(2.0)), (f64::NAN, steep(3.0))], WANTED), None);
        assert_eq!(next_load(&[], WANTED), None);
    }

    /// A latency that can no longer be told ends the curve like one that has no bound: the nearest of such loads.
    #[test]
    fn the_last_load_that_can_be_told_is_found() {
        let mut curve =
            vec![(50.0, told(1.0)), (100.0, told(1.1)), (200.0, None), (400.0, None), (800.0, told(f64::INFINITY))];
        let mut further = Vec::new();
        while let Some(load) = next_load(&curve, WANTED) {
            assert!(further.len() < 20, "{further:?}");
            curve.push((load, if load < 170.0 { told(1.1) } else { None }));
            curve.sort_by(|one, other| one.0.total_cmp(&other.0));
            further.push(load);
        }
        let (held, lost): (Vec<f64>, Vec<f64>) = further.iter().partition(|load| **load < 170.0);
        let (held, lost) = (held.into_iter().fold(100.0, f64::max), lost.into_iter().fold(200.0, f64::min));
        assert!(lost / held < 1.11 && further.len() < 6, "{further:?}");
    }

    /// Three points on one line hide a bend between them.
    #[test]
    fn a_line_that_rises_is_looked_at_once_more() {
        let users = |users: f64| 0.1_f64.max(users / 100.0 - 0.9);
        let straight = (users(1_000.0) / users(10.0)).powf(0.5);
        let curve = [(10.0, told(users(10.0))), (100.0, told(0.1 * straight)), (1_000.0, told(users(1_000.0)))];
        assert!(next_load(&curve, WANTED).is_some());
    }

    /// Wherever a curve bends and whichever loads are listed: when lines seem good enough they are, within a factor of two.
    #[test]
    fn lines_that_seem_good_enough_are() {
        let step = |load: f64| 10f64.powf(1.0 / (1.0 + (-(load / 300.0_f64).ln() / 0.05).exp()));
        // Mean value analysis after Schweitzer: 10 ms of service, 1 s of thinking.
        let closed = |users: f64| {
            let better = |latency: f64| 0.01 * (1.0 + (users - 1.0) * latency / (latency + 1.0));
            (0..400).fold(0.01, |latency, _| 0.5 * (latency + better(latency)))
        };
        type Curve<'a> = (&'a dyn Fn(f64) -> f64, f64, f64);
        let curves: [Curve<'_>; 4] = [
            (&|load: f64| 1.0 / (1.0 - load), 0.02, 0.95),
            (&closed, 5.0, 2_000.0),
            (&|users: f64| 0.1_f64.max(users / 1_000.0 - 0.9), 100.0, 6_000.0),
            (&step, 30.0, 3_000.0),
        ];
        let (mut all, mut wrong, mut points) = (0, 0, 0);
        for (latency, from, to) in curves {
            for trial in 0..120_u32 {
                // Shares of the way that look like chance: multiples of the golden ratio.
                let share = |index: u32| (f64::from(7 * trial + index) * 0.618_033_988_75).fract();
                let inner = (1..=trial % 4).map(|index| from * (to / from).powf(share(index)));
                let mut loads: Vec<f64> = [from * 1.3_f64.powf(share(5)), to].into_iter().chain(inner).collect();
                loads.sort_by(f64::total_cmp);
                let wanted = Wanted { tolerance: if trial % 2 == 0 { 0.05 } else { 0.1 }, ..WANTED };
                let further = refined(&loads, wanted, latency);
                points += further.len();
                all += 1;
                wrong += usize::from(distance(&[loads, further].concat(), latency) > 2.0 * wanted.tolerance);
            }
        }
        assert!(50 * wrong <= all && points < 16 * all, "{wrong} of {all} are wrong, {points} points");
    }

    /// What is level up to its intervals is not looked at for its noise.
    #[test]
    fn noise_is_not_followed() {
        let noisy = [1.0, 1.03, 0.98, 1.02, 0.97, 1.01, 1.03, 0.99];
        let around = |value: f64| Some(Told::Latency { value, low: 0.95 * value, high: 1.05 * value });
        let loads = [1.0, 1.3, 1.4, 4.0, 4.2, 9.0, 30.0, 31.0];
        let curve: Vec<_> = loads.into_iter().zip(noisy.map(around)).collect();
        assert_eq!(next_load(&curve, WANTED), None);
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
