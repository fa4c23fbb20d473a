//! Where to look next: screening, and then one look after the other, each where the expected saving is largest.

use std::collections::{BTreeMap, BTreeSet};

use crate::experiment::find::Configuration;
use crate::experiment::find::desk::Desk;
use crate::experiment::find::expectation::{Expectation, Kept, Lesson};
use crate::experiment::find::margin::{CLEAR, margin};
use crate::experiment::find::neighbours::{anywhere, neighbours, ways};
use crate::experiment::find::place::{p99_s, place};
use crate::experiment::pipeline::Settings;
use crate::experiment::plan::Dimension;
use crate::experiment::run::Interruption;
use crate::experiment::study::Verdict;
use crate::experiment::verdict::{CAUTION, judged};
use crate::random::{Purpose, Seed, Stream};
use crate::statistics::kriging::{Kind, Prediction};
use crate::statistics::latin_hypercube::latin_hypercube;

/// Looks of a screening for each dimension (Loeppky, Sacks & Welch, Technometrics 2009).
const SCREENED_PER_DIMENSION: usize = 10;
/// Spaces up to this size are thought of as a whole.
const SMALL: f64 = 2_000.0;
/// In larger ones: configurations around which neighbours are thought of, and strangers.
const CENTRES: usize = 4;
const STRANGERS: usize = 100;
/// Expected saving, as a share of the price, that is not worth a look any more.
const SMALLEST_SAVING: f64 = 0.002;
/// The likelihood that a configuration meets the objectives which is not worth a look where nothing does so far.
const SMALLEST_HOPE: f64 = 0.005;
/// Where nothing meets the objectives so far, expectations are taken to be wrong by so much.
const BEWARE: f64 = 0.3;
/// A closer look takes so many times the requests of the one before.
const CLOSER: f64 = 4.0;
/// Unsure configurations that are weighed for a closer look, the cheapest first.
const WEIGHED: usize = 2_000;

/// What is known of a configuration that was looked at.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) standing_usd_per_hour: f64,
    /// How closely it was looked at: an index into the levels.
    level: usize,
    pub(super) verdict: Verdict,
    /// See [`margin`].
    pub(super) margin: Option<f64>,
    /// All told, requests and bytes included.
    pub(super) cost_usd_per_hour: Option<f64>,
    /// Of the point, which is not kept itself: there may be very many.
    pub(super) p99_s: Option<f64>,
    pub(super) place: Option<(f64, f64)>,
}

impl Known {
    /// What it costs as far as is known: what stands there at least.
    pub(super) fn price(&self) -> f64 {
        self.cost_usd_per_hour.unwrap_or(self.standing_usd_per_hour)
    }
}

pub(super) struct Search<'a> {
    pub(super) desk: Desk<'a>,
    dimensions: Vec<Dimension>,
    /// How closely configurations are looked at, the coarsest first.
    levels: Vec<Settings>,
    most_studies: usize,
    pub(super) known: BTreeMap<Configuration, Known>,
    stream: Stream,
    scales: Option<Kept>,
}

impl<'a> Search<'a> {
    pub(super) fn new(desk: Desk<'a>, most_studies: usize) -> Self {
        let settings = &desk.space.settings;
        let coarse = Settings { precision: 2.0 * settings.precision, bias: 2.0 * settings.bias, ..settings.clone() };
        let levels = vec![settings.glance(), coarse, settings.clone()];
        let stream = Seed::new(settings.seed, 0).stream(Purpose::named("find"));
        let dimensions = desk.space.dimensions();
        Self { dimensions, levels, most_studies, known: BTreeMap::new(), stream, scales: None, desk }
    }

    /// A first look at configurations from all over the space.
    pub(super) fn screen(&mut self) -> Result<(), Interruption> {
        let wanted = (SCREENED_PER_DIMENSION * self.moving()).clamp(4, (self.most_studies / 2).max(4));
        let mut screened = BTreeSet::new();
        // Constraints forbid some, and in small spaces some are the same: further samples fill up what is missing.
        for round in 0..8 {
            let seed = self.levels[0].seed.wrapping_add(round);
            for point in latin_hypercube(wanted, self.dimensions.len(), seed) {
                let index = |(share, dimension): (&f64, &Dimension)| (share * dimension.values as f64) as usize;
                let configuration: Configuration = point.iter().zip(&self.dimensions).map(index).collect();
                if screened.len() < wanted && self.desk.standing_usd_per_hour(&configuration).is_some() {
                    screened.insert(configuration);
                }
            }
        }
        let screened: Vec<Configuration> = screened.into_iter().collect();
        self.look(&screened, 0)
    }

    /// Dimensions with more than one value.
    fn moving(&self) -> usize {
        self.dimensions.iter().filter(|dimension| dimension.values > 1).count()
    }

    /// Looks where it promises most, until nothing promises anything.
    pub(super) fn improve(&mut self) -> Result<(), Interruption> {
        while (self.desk.studies as usize) < self.most_studies {
            let Some((configuration, level)) = self.most_promising() else { break };
            self.look(&[configuration], level)?;
        }
        // Whatever was learnt may be wrong, and where the looks are spent the search may have ended anywhere. So these steps
        // come on top of the looks that were granted; they may at most double them.
        let most = self.desk.studies.saturating_add(self.most_studies as u64);
        while self.desk.studies < most
            && let Some(configuration) = self.unseen_beside_the_best()
        {
            self.look(&[configuration], 0)?;
        }
        Ok(())
    }

    fn look(&mut self, configurations: &[Configuration], level: usize) -> Result<(), Interruption> {
        let objectives = &self.desk.space.objectives;
        let operation = self.desk.space.settings.operation.as_deref().unwrap_or("all");
        for (configuration, finding) in self.desk.study(configurations, &self.levels[level])? {
            let standing_usd_per_hour = self.desk.standing_usd_per_hour(&configuration).unwrap_or(f64::INFINITY);
            let point = finding.point;
            let margin = margin(objectives, &point);
            // Numbers may be doubted and still be far beyond all doubt.
            let is_clear = point.refusal.is_some() && margin.is_some_and(|margin| margin < -CLEAR);
            let verdict = if is_clear { Verdict::Missed } else { judged(objectives, &point, CAUTION).0 };
            self.known.insert(
                configuration,
                Known {
                    standing_usd_per_hour,
                    level,
                    verdict,
                    margin,
                    cost_usd_per_hour: point.cost_usd_per_hour.map(|cost| cost.value),
                    p99_s: p99_s(&point, operation),
                    place: place(&point, operation),
                },
            );
        }
        Ok(())
    }

    /// The price of the cheapest that surely meets the objectives.
    fn ceiling(&self) -> Option<f64> {
        let met = self.known.values().filter(|known| known.verdict == Verdict::Met);
        met.map(Known::price).min_by(f64::total_cmp)
    }

    /// The configuration to look at next, and how closely; `None` where nothing is worth it.
    fn most_promising(&mut self) -> Option<(Configuration, usize)> {
        let ceiling = self.ceiling();
        let mut best: Option<(f64, Configuration, usize)> = None;
        let mut consider = |worth: f64, configuration: &Configuration, level: usize| {
            if best.as_ref().is_none_or(|(most, ..)| worth > *most) {
                best = Some((worth, configuration.clone(), level));
            }
        };
        // What was learnt may be wrong. Where every configuration can be weighed, looks that were granted are spent.
        let least = match ceiling {
            _ if self.desk.space.size() <= SMALL => 0.0,
            Some(ceiling) => SMALLEST_SAVING * ceiling,
            None => SMALLEST_HOPE,
        };
        // What a look may bring: the likelihood of meeting the objectives, times what that would save.
        let hope = |expected: Prediction, price: f64| match ceiling {
            Some(ceiling) => expected.probability_positive() * (ceiling - price).max(0.0),
            None => {
                let standard_deviation = expected.standard_deviation.max(BEWARE);
                Prediction { standard_deviation, ..expected }.probability_positive()
            }
        };
        let Some(expectation) = self.expectation() else {
            // With nothing to learn from, all that is left is to look somewhere.
            return self.pool(ceiling).into_iter().next().map(|configuration| (configuration, 0));
        };
        // Nothing is hoped for beyond what there is to save, however likely it is.
        let is_hopeless = |price: f64| ceiling.is_some_and(|ceiling| (ceiling - price).max(0.0) < least);
        for configuration in self.pool(ceiling) {
            let standing = self.desk.standing_usd_per_hour(&configuration).unwrap_or(f64::INFINITY);
            if is_hopeless(standing) {
                continue;
            }
            let coordinates = self.coordinates(&configuration);
            let price = standing + expectation.usage_usd_per_hour(&coordinates);
            let hope = hope(expectation.margin.predict(&coordinates), price);
            if hope >= least {
                consider(hope, &configuration, 0);
            }
        }
        for (configuration, known) in self.unsure(&is_hopeless) {
            let hope = hope(expectation.margin.predict(&self.coordinates(configuration)), known.price());
            if hope >= least {
                consider(hope / CLOSER.powi(known.level as i32 + 1), configuration, known.level + 1);
            }
        }
        best.map(|(_, configuration, level)| (configuration, level))
    }

    /// What is unsure and can be looked at more closely, in the order of the knobs; of very many the cheapest.
    fn unsure(&self, is_hopeless: &dyn Fn(f64) -> bool) -> Vec<(&Configuration, &Known)> {
        let is_open = |(_, known): &(&Configuration, &Known)| {
            let may_be_closer = known.verdict == Verdict::Unsure && known.level + 1 < self.levels.len();
            may_be_closer && !is_hopeless(known.price())
        };
        let mut open: Vec<(&Configuration, &Known)> = self.known.iter().filter(is_open).collect();
        if open.len() > WEIGHED {
            open.sort_by(|(a, one), (b, other)| one.price().total_cmp(&other.price()).then_with(|| a.cmp(b)));
            open.truncate(WEIGHED);
            open.sort_by_key(|(configuration, _)| *configuration);
        }
        open
    }

    /// The next cheaper value of a knob of the best, if nobody has looked at it.
    fn unseen_beside_the_best(&mut self) -> Option<Configuration> {
        let met = self.known.iter().filter(|(_, known)| known.verdict == Verdict::Met);
        let (best, known) = met.min_by(|(_, one), (_, other)| one.price().total_cmp(&other.price()))?;
        let (best, ceiling) = (best.clone(), known.price());
        for way in ways(&best, &self.dimensions) {
            let is_cheaper =
                |one: &Configuration| self.desk.standing_usd_per_hour(one).is_some_and(|price| price < ceiling);
            if let Some(next) = way.into_iter().find(is_cheaper).filter(|one| !self.known.contains_key(one)) {
                return Some(next);
            }
        }
        None
    }

    /// Configurations nobody has looked at that may cost less than the ceiling.
    fn pool(&mut self, ceiling: Option<f64>) -> Vec<Configuration> {
        let mut pool: BTreeSet<Configuration> = BTreeSet::new();
        if self.desk.space.size() <= SMALL {
            let mut all: Vec<Configuration> = vec![Vec::new()];
            for dimension in &self.dimensions {
                let longer = |known: &Configuration, value| [known.as_slice(), &[value]].concat();
                all =
                    all.iter().flat_map(|known| (0..dimension.values).map(move |value| longer(known, value))).collect();
            }
            pool.extend(all);
        } else {
            for centre in self.centres() {
                pool.extend(neighbours(&centre, &self.dimensions));
            }
            for _ in 0..STRANGERS {
                pool.insert(anywhere(&self.dimensions, &mut self.stream));
            }
        }
        let is_open = |configuration: &Configuration| {
            let standing = self.desk.standing_usd_per_hour(configuration);
            let is_cheap = standing.is_some_and(|price| ceiling.is_none_or(|ceiling| price < ceiling));
            is_cheap && !self.known.contains_key(configuration)
        };
        pool.into_iter().filter(is_open).collect()
    }

    /// What differs little from a configuration, was not looked at and meets the objectives more likely than not, with what
    /// it is expected to cost.
    pub(super) fn likely_around(&mut self, centre: &[usize]) -> Vec<(f64, Configuration)> {
        let Some(expectation) = self.expectation() else { return Vec::new() };
        let mut likely = Vec::new();
        for configuration in neighbours(centre, &self.dimensions) {
            let standing = self.desk.standing_usd_per_hour(&configuration);
            let Some(standing) = standing.filter(|_| !self.known.contains_key(&configuration)) else { continue };
            let coordinates = self.coordinates(&configuration);
            if expectation.margin.predict(&coordinates).mean > 0.0 {
                likely.push((standing + expectation.usage_usd_per_hour(&coordinates), configuration));
            }
        }
        likely
    }

    /// The best so far: what meets the objectives or may, the cheapest first; then what comes nearest.
    fn centres(&self) -> Vec<Configuration> {
        let mut all: Vec<(&Configuration, &Known)> = self.known.iter().collect();
        let rank = |known: &Known| match known.verdict {
            Verdict::Met | Verdict::Unsure => (0, known.price()),
            Verdict::Missed => (1, -known.margin.unwrap_or(f64::NEG_INFINITY)),
        };
        all.sort_by(|(_, one), (_, other)| {
            let (one, other) = (rank(one), rank(other));
            one.0.cmp(&other.0).then(one.1.total_cmp(&other.1))
        });
        all.into_iter().take(CENTRES).map(|(configuration, _)| configuration.clone()).collect()
    }

    /// A configuration as a point of the unit cube.
    fn coordinates(&self, configuration: &[usize]) -> Vec<f64> {
        let coordinate = |(index, dimension): (&usize, &Dimension)| match dimension.is_ordered {
            true => *index as f64 / (dimension.values - 1).max(1) as f64,
            false => *index as f64,
        };
        configuration.iter().zip(&self.dimensions).map(coordinate).collect()
    }

    /// What the looks so far let expect.
    fn expectation(&mut self) -> Option<Expectation> {
        let kinds: Vec<Kind> =
            self.dimensions.iter().map(|one| if one.is_ordered { Kind::Number } else { Kind::Name }).collect();
        let lesson = |(configuration, known): (&Configuration, &Known)| Lesson {
            coordinates: self.coordinates(configuration),
            margin: known.margin,
            usage_usd_per_hour: known.cost_usd_per_hour.map(|cost| cost - known.standing_usd_per_hour),
        };
        let looks: Vec<Lesson> = self.known.iter().map(lesson).collect();
        Expectation::learn(&kinds, &looks, &mut self.scales)
    }
}
