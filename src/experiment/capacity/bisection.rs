//! The highest load that meets a demand, by bisection with a judge who may be unsure.
//!
//! ```text
//! at the lower end:  missed -> halve it until met
//! at the upper end:  met    -> double it until missed
//! while the gap between the highest load that is met and the lowest that is missed is too wide:
//!     judge a load in the widest stretch that nobody has judged; unsure loads stay, and split the gap in two
//! ```
//!
//! A load is unsure when its estimate cannot be told from the limit however precisely it is studied. Around the true capacity
//! there is always such a stretch, and the search looks for its two ends instead of deciding by chance. What it returns is
//! an interval of loads: met below, missed above.

use crate::experiment::study::Verdict;

/// Where to look.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    pub from: f64,
    pub to: f64,
    /// Loads are whole numbers, such as users.
    pub is_whole: bool,
    /// The gap that is narrow enough, relative to the load.
    pub tolerance: f64,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq)]
pub struct Bracket {
    /// The highest load that meets the demand and has none below it that does not; `None` if not even the least one does.
    pub met: Option<f64>,
    /// The lowest load that does not; `None` if even the largest one meets it.
    pub missed: Option<f64>,
}

/// Halvings and doublings beyond the range that was given.
const EXTENSIONS: u32 = 10;

/// Searches a range; `judge` is asked once for each load.
///
/// # Errors
/// The first error of the judge.
pub fn search<E>(range: Range, mut judge: impl FnMut(f64) -> Result<Verdict, E>) -> Result<Bracket, E> {
    let rounded = |load: f64| if range.is_whole { load.round().max(1.0) } else { load };
    let (mut met, mut missed, mut unsure) = (None, None, Vec::new());
    let mut low = rounded(range.from);
    for _ in 0..=EXTENSIONS {
        match judge(low)? {
            Verdict::Met => met = Some(low),
            Verdict::Missed => missed = Some(low),
            Verdict::Unsure => unsure.push(low),
        }
        let lower = rounded(low / 2.0);
        if met.is_some() || lower >= low {
            break;
        }
        low = lower;
    }
    let mut high = rounded(range.to.max(range.from * 2.0));
    for _ in 0..=EXTENSIONS {
        if met.is_none() || missed.is_some() {
            break;
        }
        match judge(high)? {
            Verdict::Met => met = Some(high),
            Verdict::Missed => missed = Some(high),
            Verdict::Unsure => {
                // What lies beyond a load of which nothing is known is not known either.
                unsure.push(high);
                break;
            }
        }
        high = rounded(high * 2.0);
    }
    unsure.sort_by(f64::total_cmp);
    let Some(mut low) = met else { return Ok(Bracket { met, missed }) };
    let above = unsure.iter().copied().find(|load| *load > low);
    let Some(mut high) = missed.or(above) else { return Ok(Bracket { met, missed }) };
    while let Some(load) = next(low, high, &unsure, range) {
        match judge(load)? {
            Verdict::Met => low = load,
            Verdict::Missed => {
                high = load;
                missed = Some(load);
            }
            Verdict::Unsure => {
                unsure.push(load);
                unsure.sort_by(f64::total_cmp);
            }
        }
    }
    Ok(Bracket { met: Some(low), missed })
}

/// The load to judge next: in the middle of the wider of the two outer stretches between `low` and `high` that are split
/// by unsure loads; `None` where both are narrow enough.
fn next(low: f64, high: f64, unsure: &[f64], range: Range) -> Option<f64> {
    let inside = || unsure.iter().copied().filter(|load| (low..=high).contains(load));
    let stretches = match (inside().next(), inside().next_back()) {
        (Some(first), Some(last)) => vec![(low, first), (last, high)],
        _ => vec![(low, high)],
    };
    let middle = |(from, to): (f64, f64)| {
        let middle = (from * to).sqrt();
        if range.is_whole { middle.round().clamp(from + 1.0, (to - 1.0).max(from + 1.0)) } else { middle }
    };
    let is_wide = |&(from, to): &(f64, f64)| to / from > 1.0 + range.tolerance && (!range.is_whole || to - from > 1.0);
    stretches.into_iter().filter(is_wide).max_by(|a, b| (a.1 / a.0).total_cmp(&(b.1 / b.0))).map(middle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    /// Searches where the truth is known up to a share that nobody can tell.
    fn found(truth: f64, blur: f64, range: Range) -> (Bracket, Vec<f64>) {
        let mut asked = Vec::new();
        let judge = |load: f64| {
            asked.push(load);
            Ok::<_, Infallible>(match load / truth {
                share if share < 1.0 - blur => Verdict::Met,
                share if share > 1.0 + blur => Verdict::Missed,
                _ => Verdict::Unsure,
            })
        };
        let Ok(bracket) = search(range, judge);
        (bracket, asked)
    }

    const RANGE: Range = Range { from: 100.0, to: 1_000.0, is_whole: false, tolerance: 0.01 };

    #[test]
    fn the_bracket_holds_the_truth_and_is_narrow() {
        for truth in [101.0, 217.0, 555.5, 999.0, 20.0, 5_000.0] {
            let (bracket, asked) = found(truth, 0.0, RANGE);
            let (met, missed) = (bracket.met.expect("an end"), bracket.missed.expect("an end"));
            assert!(met <= truth && truth <= missed && missed / met <= 1.01, "{truth}: {bracket:?}");
            assert!(asked.len() < 20, "{truth}: {asked:?}");
        }
    }

    #[test]
    fn what_cannot_be_told_stays_inside() {
        for truth in [217.0, 555.5, 1_900.0] {
            let (bracket, asked) = found(truth, 0.04, RANGE);
            let (met, missed) = (bracket.met.expect("an end"), bracket.missed.expect("an end"));
            assert!(met < 0.96 * truth && missed > 1.04 * truth, "{truth}: {bracket:?}");
            assert!(missed / met < 1.04 / 0.96 * 1.03, "{truth}: {bracket:?}");
            assert!(asked.len() < 30, "{truth}: {asked:?}");
        }
    }

    #[test]
    fn whole_loads_end_with_neighbours() {
        let range = Range { is_whole: true, from: 1.0, to: 64.0, tolerance: 0.0 };
        let (bracket, asked) = found(11.4, 0.0, range);
        assert_eq!((bracket.met, bracket.missed), (Some(11.0), Some(12.0)), "{asked:?}");
        assert!(asked.iter().all(|load| load.fract() == 0.0));
        let mut once = asked.clone();
        once.sort_by(f64::total_cmp);
        once.dedup();
        assert_eq!(once.len(), asked.len(), "no load is judged twice: {asked:?}");
    }

    #[test]
    fn ends_that_are_not_there_are_told() {
        assert_eq!(found(1e9, 0.0, RANGE).0, Bracket { met: Some(1_024_000.0), missed: None });
        let (bracket, asked) = found(0.5, 0.0, Range { is_whole: true, ..RANGE });
        assert_eq!((bracket.met, bracket.missed), (None, Some(1.0)), "{asked:?}");
    }

    #[test]
    fn nobody_looks_beyond_what_cannot_be_judged() {
        let mut asked = Vec::new();
        let judge = |load: f64| {
            asked.push(load);
            Ok::<_, Infallible>(if load < 300.0 { Verdict::Met } else { Verdict::Unsure })
        };
        let Ok(bracket) = search(RANGE, judge);
        assert_eq!(bracket.missed, None);
        assert!(bracket.met.is_some_and(|met| met > 290.0 && met < 300.0), "{bracket:?}");
        assert!(asked.iter().all(|load| *load <= 1_000.0) && asked.len() < 20, "{asked:?}");
    }

    #[test]
    fn a_judge_who_never_knows_does_not_keep_anybody_for_ever() {
        let mut asked = 0;
        let judge = |_| {
            asked += 1;
            Ok::<_, Infallible>(Verdict::Unsure)
        };
        let Ok(bracket) = search(RANGE, judge);
        assert_eq!(bracket, Bracket { met: None, missed: None });
        assert!(asked < 15);
    }
}
