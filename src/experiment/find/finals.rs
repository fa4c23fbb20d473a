//! The last rounds, at replications that the search has not seen: halving, the winner, the runner-up, and the front.

use std::collections::BTreeMap;

use crate::experiment::compare::difference;
use crate::experiment::find::margin::{CLEAR, margin};
use crate::experiment::find::place::{p99_s, place};
use crate::experiment::find::search::{Known, Search};
use crate::experiment::find::{Choice, Configuration, Found, RunnerUp, Studied};
use crate::experiment::finding::Finding;
use crate::experiment::metric::Metric;
use crate::experiment::pipeline::Settings;
use crate::experiment::run::Interruption;
use crate::experiment::study::Verdict;
use crate::experiment::verdict::{CAUTION, judged};
use crate::random::mix;

/// Configurations in a last round.
const FINALISTS: usize = 8;
/// Configurations that are looked at more precisely than was asked for.
const REFINED: usize = 4;
/// Last rounds at most, where those of one round all turn out to miss the objectives.
const ROUNDS: usize = 4;
/// Configurations of the front that are studied again.
const FRONT: usize = 8;

/// Decides among what a search has left.
pub(super) fn finals(search: Search<'_>) -> Result<Found, Interruption> {
    let mut finals = Finals::new(search);
    for _ in 0..ROUNDS {
        let finalists = finals.finalists();
        if finalists.is_empty() || finals.halve(finalists)? {
            break;
        }
    }
    // The front comes before the decision: what is studied for it may turn out to win, and so may what was to be second.
    finals.study_front()?;
    let (mut winner, mut runner_up) = (None, None);
    for _ in 0..ROUNDS {
        finals.refine()?;
        winner = finals.cheapest(Verdict::Met, &|_| true);
        let Some(best) = &winner else { break };
        finals.study(std::slice::from_ref(best), 1)?;
        runner_up = finals.runner_up(best)?;
        if finals.cheapest(Verdict::Met, &|_| true) == winner {
            break;
        }
    }
    let ceiling = winner.as_ref().and_then(|winner| finals.price(winner)).unwrap_or(f64::INFINITY);
    let unsure = finals.all(Verdict::Unsure, &|price| price < ceiling);
    let nearest = match winner {
        Some(_) => None,
        None => finals.nearest()?,
    };
    let front = finals.front();
    let undecided = finals.undecided(ceiling);
    let studied = finals.studied();
    let choose = |configuration: &Configuration| finals.choice(configuration);
    Ok(Found {
        load: finals.search.desk.load,
        configurations: finals.search.desk.space.size(),
        looked_at: finals.looked_at(),
        studies: finals.search.desk.studies,
        requests: finals.search.desk.requests,
        seed: finals.levels[0].seed,
        operation: finals.operation().to_owned(),
        winner: winner.as_ref().and_then(choose),
        runner_up: winner.as_ref().zip(runner_up).and_then(|(winner, second)| finals.beside(winner, &second)),
        unsure: unsure.iter().filter_map(choose).collect(),
        undecided,
        nearest: nearest.as_ref().and_then(choose),
        front: front.iter().filter_map(choose).collect(),
        studied,
    })
}

struct Finals<'a> {
    search: Search<'a>,
    /// Coarse, as wanted, and finer and finer than wanted; all with a seed of their own.
    levels: [Settings; 4],
    /// What was studied with that seed: at which level, and what was found.
    table: BTreeMap<Configuration, (usize, Finding)>,
}

impl<'a> Finals<'a> {
    fn new(search: Search<'a>) -> Self {
        let wanted = &search.desk.space.settings;
        // 53 bits, so that every reader of JSON can tell it.
        let seed = mix(wanted.seed ^ 0xF17A_15EE_D000_0000) >> 11;
        let level = |factor: f64| Settings {
            seed,
            precision: factor * wanted.precision,
            bias: factor * wanted.bias,
            ..wanted.clone()
        };
        let levels = [2.0, 1.0, 0.5, 0.25].map(level);
        Self { search, levels, table: BTreeMap::new() }
    }

    /// Studies what was not studied as closely already.
    fn study(&mut self, configurations: &[Configuration], level: usize) -> Result<(), Interruption> {
        let is_open = |one: &&Configuration| self.table.get(*one).is_none_or(|(known, _)| *known < level);
        let open: Vec<Configuration> = configurations.iter().filter(is_open).cloned().collect();
        for (configuration, finding) in self.search.desk.study(&open, &self.levels[level])? {
            self.table.insert(configuration, (level, finding));
        }
        Ok(())
    }

    /// The operation whose p99 is looked at, or all together.
    fn operation(&self) -> &str {
        self.search.desk.space.settings.operation.as_deref().unwrap_or("all")
    }

    /// How many configurations were looked at: by the search, and what only the last rounds thought of.
    fn looked_at(&self) -> u64 {
        let only_here = self.table.keys().filter(|one| !self.search.known.contains_key(*one));
        (self.search.known.len() + only_here.count()) as u64
    }

    fn verdict(&self, configuration: &[usize]) -> Verdict {
        let objectives = &self.search.desk.space.objectives;
        self.table.get(configuration).map_or(Verdict::Unsure, |(_, one)| judged(objectives, &one.point, CAUTION).0)
    }

    fn price(&self, configuration: &[usize]) -> Option<f64> {
        let told = self.table.get(configuration).and_then(|(_, finding)| finding.point.cost_usd_per_hour);
        told.map(|cost| cost.value).or_else(|| self.search.known.get(configuration).map(Known::price))
    }

    /// What was studied here with this verdict, the cheapest first.
    fn all(&self, verdict: Verdict, price: &dyn Fn(f64) -> bool) -> Vec<Configuration> {
        let with = |one: &&Configuration| self.verdict(one) == verdict && self.price(one).is_some_and(price);
        let mut all: Vec<Configuration> = self.table.keys().filter(with).cloned().collect();
        self.sort(&mut all);
        all
    }

    fn cheapest(&self, verdict: Verdict, price: &dyn Fn(f64) -> bool) -> Option<Configuration> {
        self.all(verdict, price).into_iter().next()
    }

    /// The cheapest first; of equal price, the fastest.
    fn sort(&self, configurations: &mut [Configuration]) {
        let rank = |one: &Configuration| {
            let p99_s = match self.table.get(one) {
                Some((_, finding)) => p99_s(&finding.point, self.operation()),
                None => self.search.known.get(one).and_then(|known| known.p99_s),
            };
            (rounded(self.price(one).unwrap_or(f64::INFINITY)), p99_s.unwrap_or(f64::INFINITY))
        };
        let mut ranked: Vec<((f64, f64), Configuration)> =
            configurations.iter().map(|one| (rank(one), one.clone())).collect();
        ranked.sort_by(|(one, a), (other, b)| {
            one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)).then_with(|| a.cmp(b))
        });
        configurations.iter_mut().zip(ranked).for_each(|(place, (_, one))| *place = one);
    }

    /// The cheapest that the search found to meet the objectives, and what is unsure below the second of them.
    fn finalists(&self) -> Vec<Configuration> {
        let open = |verdict: Verdict| {
            let with =
                |(one, known): &(&Configuration, &Known)| known.verdict == verdict && !self.table.contains_key(*one);
            let mut open: Vec<Configuration> =
                self.search.known.iter().filter(with).map(|(one, _)| one.clone()).collect();
            self.sort(&mut open);
            open
        };
        let met = open(Verdict::Met);
        let ceiling = met.get(1).or(met.first()).and_then(|one| self.price(one)).unwrap_or(f64::INFINITY);
        let unsure =
            open(Verdict::Unsure).into_iter().filter(|one| self.price(one).is_some_and(|price| price < ceiling));
        let mut finalists: Vec<Configuration> = unsure.take(FINALISTS - 2).collect();
        finalists.extend(met.into_iter().take(FINALISTS - finalists.len()));
        self.sort(&mut finalists);
        finalists
    }

    /// Looks at finalists more and more closely, fewer and fewer; whether one of them meets the objectives.
    fn halve(&mut self, mut finalists: Vec<Configuration>) -> Result<bool, Interruption> {
        self.study(&finalists, 0)?;
        finalists.retain(|one| self.verdict(one) != Verdict::Missed);
        self.sort(&mut finalists);
        let half = finalists.len().div_ceil(2).max(2);
        // The dearer half goes, but for two that meet the objectives.
        let surest: Vec<Configuration> =
            finalists.iter().filter(|one| self.verdict(one) == Verdict::Met).take(2).cloned().collect();
        let dearer = finalists.split_off(half.min(finalists.len()));
        finalists.extend(dearer.into_iter().filter(|one| surest.contains(one)));
        self.study(&finalists, 1)?;
        self.refine()?;
        Ok(self.cheapest(Verdict::Met, &|_| true).is_some())
    }

    /// Looks as closely as it gets at the cheapest that are unsure and would be cheaper than what meets the objectives.
    fn refine(&mut self) -> Result<(), Interruption> {
        for level in 1..self.levels.len() {
            let met = self.cheapest(Verdict::Met, &|_| true);
            let ceiling = met.and_then(|one| self.price(&one)).unwrap_or(f64::INFINITY);
            let mut unsure = self.all(Verdict::Unsure, &|price| price < ceiling);
            unsure.truncate(REFINED);
            self.study(&unsure, level)?;
        }
        Ok(())
    }

    /// The next cheapest configuration that meets the objectives: of what was looked at, and of what is near the winner and
    /// probably does so.
    fn runner_up(&mut self, winner: &Configuration) -> Result<Option<Configuration>, Interruption> {
        let likely = self.search.likely_around(winner);
        for _ in 0..2 * ROUNDS {
            let is_open = |one: &Configuration| !self.table.contains_key(one);
            let met = self.all(Verdict::Met, &|_| true).into_iter().filter(|one| one != winner);
            let looked_at = self.finalists().into_iter();
            let known = met.chain(looked_at).filter_map(|one| Some((self.price(&one)?, one)));
            let likely = likely.iter().filter(|(_, one)| is_open(one)).cloned();
            let next =
                known.chain(likely).min_by(|one, other| one.0.total_cmp(&other.0).then_with(|| one.1.cmp(&other.1)));
            let Some((_, next)) = next else { return Ok(None) };
            self.study(std::slice::from_ref(&next), 1)?;
            if self.verdict(&next) == Verdict::Met {
                return Ok(Some(next));
            }
        }
        Ok(None)
    }

    /// How many others may meet the objectives for less than this price, and were looked at only coarsely.
    fn undecided(&self, ceiling: f64) -> u64 {
        let is_open = |(one, known): &(&Configuration, &Known)| {
            let may_meet = known.verdict != Verdict::Missed && known.margin.is_none_or(|margin| margin > -CLEAR);
            may_meet && known.price() < ceiling && !self.table.contains_key(*one)
        };
        self.search.known.iter().filter(is_open).count() as u64
    }

    /// What comes nearest to the objectives, where nothing meets them.
    fn nearest(&mut self) -> Result<Option<Configuration>, Interruption> {
        let objectives = &self.search.desk.space.objectives;
        for _ in 0..FINALISTS {
            let margin_of = |one: &Configuration, known: &Known| match self.table.get(one) {
                Some((_, finding)) => margin(objectives, &finding.point),
                None => known.margin,
            };
            let known = self.search.known.iter();
            let best = largest(known.filter_map(|(one, known)| Some((margin_of(one, known)?, one))));
            let Some(best) = best else { return Ok(None) };
            if self.table.get(&best).is_some_and(|(level, _)| *level >= 1) {
                break;
            }
            self.study(std::slice::from_ref(&best), 1)?;
        }
        let studied = self.table.iter().filter(|(_, (level, _))| *level >= 1);
        Ok(largest(studied.filter_map(|(one, (_, finding))| Some((margin(objectives, &finding.point)?, one)))))
    }

    /// Studies what seems to be had neither faster nor cheaper, of all that was looked at.
    fn study_front(&mut self) -> Result<(), Interruption> {
        let looked_at = self.search.known.iter();
        let placed = looked_at.filter_map(|(one, known)| Some((known.place?, one.clone())));
        let chosen = spread(efficient(placed.collect()), FRONT);
        self.study(&chosen, 1)
    }

    /// What cannot be had both faster and cheaper, of what was studied as precisely as was asked for.
    fn front(&self) -> Vec<Configuration> {
        let studied = self.table.iter().filter(|(_, (level, _))| *level >= 1);
        let placed =
            studied.filter_map(|(one, (_, finding))| Some((place(&finding.point, self.operation())?, one.clone())));
        efficient(placed.collect())
    }

    /// Everything that was studied as precisely as was asked for, the cheapest first.
    fn studied(&self) -> Vec<Studied> {
        let mut all: Vec<Configuration> =
            self.table.iter().filter(|(_, (level, _))| *level >= 1).map(|(one, _)| one.clone()).collect();
        self.sort(&mut all);
        let told = |choice: Choice| Studied {
            p99_s: Metric::P99.told(&choice.point, self.operation()),
            name: choice.name,
            variant: choice.variant,
            settings: choice.settings,
            verdict: choice.verdict,
            refusal: choice.point.refusal.map(|refusal| refusal.code),
            cost_usd_per_hour: choice.point.cost_usd_per_hour,
            objectives: choice.point.objectives,
        };
        all.iter().filter_map(|one| self.choice(one)).map(told).collect()
    }

    fn choice(&self, configuration: &Configuration) -> Option<Choice> {
        let (_, finding) = self.table.get(configuration)?;
        let series = self.search.desk.space.series(configuration);
        let mut point = finding.point.clone();
        point.objectives = self.search.desk.space.objectives.iter().map(|one| one.judge(&finding.point)).collect();
        Some(Choice {
            name: series.name,
            variant: series.variant,
            settings: series.settings,
            verdict: self.verdict(configuration),
            point,
        })
    }

    fn beside(&self, winner: &Configuration, second: &Configuration) -> Option<RunnerUp> {
        let ((_, before), (_, after)) = (self.table.get(winner)?, self.table.get(second)?);
        let of = |metric| difference(before, after, self.operation(), metric).map(|(difference, _)| difference);
        Some(RunnerUp {
            choice: self.choice(second)?,
            p99_difference_s: of(Metric::P99),
            cost_difference_usd_per_hour: of(Metric::CostPerHour),
        })
    }
}

/// The configuration of the largest margin.
fn largest<'c>(margins: impl Iterator<Item = (f64, &'c Configuration)>) -> Option<Configuration> {
    let best = margins.max_by(|(one, a), (other, b)| one.total_cmp(other).then_with(|| b.cmp(a)));
    best.map(|(_, one)| one.clone())
}

/// A price to four digits: what requests cost on top is an estimate too, and less than that apart is the same.
fn rounded(price: f64) -> f64 {
    format!("{price:.3e}").parse().unwrap_or(price)
}

/// Those of which no other is both cheaper and faster, the cheapest first.
fn efficient(mut all: Vec<((f64, f64), Configuration)>) -> Vec<Configuration> {
    all.sort_by(|(one, a), (other, b)| {
        one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)).then_with(|| a.cmp(b))
    });
    let mut fastest = f64::INFINITY;
    all.retain(|((_, p99_s), _)| {
        let is_faster = *p99_s < fastest;
        fastest = fastest.min(*p99_s);
        is_faster
    });
    all.into_iter().map(|(_, configuration)| configuration).collect()
}

/// So many of a list, both ends among them.
fn spread(all: Vec<Configuration>, most: usize) -> Vec<Configuration> {
    if all.len() <= most {
        return all;
    }
    (0..most).map(|index| all[index * (all.len() - 1) / (most - 1)].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_holds_what_nobody_beats_in_both() {
        let all = [(1.0, 9.0), (2.0, 5.0), (2.0, 6.0), (3.0, 7.0), (4.0, 1.0), (5.0, 1.0)];
        let all = all.into_iter().enumerate().map(|(index, place)| (place, vec![index])).collect();
        assert_eq!(efficient(all), vec![vec![0], vec![1], vec![4]]);
    }

    #[test]
    fn a_long_front_keeps_its_ends() {
        let all: Vec<Configuration> = (0..100).map(|index| vec![index]).collect();
        let few = spread(all, 8);
        assert_eq!((few.len(), few[0][0], few[7][0]), (8, 0, 99));
    }
}
