//! What a sensitivity study found, as plain data: SI base units, unit last.

use schemars::JsonSchema;
use serde::Serialize;

use crate::experiment::study::{Interval, Verdict};
use crate::model::assumptions::Provenance;

/// How far the assumptions of a model carry the verdict on its variants, at one load.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Sensitivity {
    pub load: f64,
    /// Points of the Latin hypercube, the same for all series.
    pub draws: u32,
    /// How each draw was studied: relative half width of p99 that was aimed at, and independent runs.
    pub precision: f64,
    pub replications: u32,
    /// The operation whose p99 is looked at, or `"all"`.
    pub operation: String,
    /// Assumptions that are not varied because the experiment itself moves them.
    pub moved_paths: Vec<String>,
    pub series: Vec<SeriesSensitivity>,
    /// Which series to choose; none of a single one.
    pub decision: Option<Decision>,
}

/// One series under all draws.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SeriesSensitivity {
    /// The series: a variant at one combination of the further axes.
    pub variant: String,
    /// With everything as it is written.
    pub written: Written,
    /// Share of the draws with a verdict in which every objective is met, with Wilson's 95% interval.
    pub met_ratio: Option<Interval>,
    /// Draws in which one of the objectives cannot be told from its limit; the told value decides.
    pub unsure_draws: u32,
    /// Draws that cannot hold the load. They meet no objective, and their p99 counts as the largest.
    pub unstable_draws: u32,
    /// Draws without a verdict, for another reason; they are in no share and no correlation.
    pub untold_draws: u32,
    /// The codes of those reasons, and how many draws each has.
    pub untold_reasons: Vec<Reason>,
    /// Of p99 over the draws: what not knowing the inputs does.
    pub p99_s: Option<Spread>,
    /// What was varied, what moves p99 most first.
    pub assumptions: Vec<Effect>,
}

/// A point with everything as it is written, at the experiment's own precision.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Written {
    pub verdict: Verdict,
    /// With the interval of the simulation.
    pub p99_s: Option<Interval>,
    pub refusal: Option<String>,
}

/// Why draws have no verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reason {
    /// The code of a refusal, or `imprecise` where there was a point but no number that was precise enough.
    pub code: String,
    pub draws: u32,
}

/// Quantiles over the draws; `None` where so many draws are unstable that the quantile lies among them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Spread {
    pub p05: Option<f64>,
    pub p50: Option<f64>,
    pub p95: Option<f64>,
}

/// What was assumed, between which ends it was varied, and what that does to one series.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Effect {
    #[serde(flatten)]
    pub assumption: Assumption,
    /// Spearman's rank correlation between the assumption and p99 over the draws; `None` where one of them does not vary.
    pub correlation: Option<f64>,
    /// The same after what all other assumptions explain has been taken out; as above where there are too few draws for that.
    pub partial_correlation: Option<f64>,
    /// Of the test that there is no partial correlation, corrected by Holm for all assumptions of this series.
    pub p_value: Option<f64>,
    /// Whether chance is no explanation, at 5% for all assumptions together.
    pub is_real: bool,
    /// Median of p99 over the draws in the lower and in the upper third of the range; `None` where it is unstable.
    pub low_third_p99_s: Option<f64>,
    pub high_third_p99_s: Option<f64>,
    /// What it does to the verdict; `None` if all draws agree.
    pub verdict: Option<Split>,
}

impl Effect {
    /// Whether the medians of the thirds go the way of the partial correlation. With few draws the other assumptions may hide
    /// what this one does, and then the medians would tell the opposite.
    pub fn shows_its_direction(&self) -> bool {
        match (self.low_third_p99_s, self.high_third_p99_s, self.partial_correlation) {
            (Some(low), Some(high), Some(correlation)) => (high - low) * correlation >= 0.0,
            _ => true,
        }
    }
}

/// What was varied.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Assumption {
    /// Into the model.
    pub path: String,
    /// The path in short, for people.
    pub name: String,
    pub provenance: Provenance,
    /// Whether the model says so; what it does not mention is taken for a guess.
    pub is_declared: bool,
    /// Whether the numbers below multiply what is written; if not, they are values in SI base units.
    pub is_factor: bool,
    pub low: f64,
    /// Half of the draws lie below.
    pub middle: f64,
    pub high: f64,
}

/// How often all objectives are met in either half of an assumption's range.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Split {
    pub lower_half_met_ratio: Interval,
    pub upper_half_met_ratio: Interval,
    /// Of the test that the verdict does not depend on the assumption, corrected by Holm.
    pub p_value: f64,
    /// Whether it does, at 5% for all assumptions of the series together.
    pub decides: bool,
}

/// Which series is the cheapest of those that meet all objectives. Of equally cheap ones it is the first. Shares are of the
/// draws that tell it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Decision {
    /// Every series, in the experiment's order.
    pub choices: Vec<Choice>,
    /// Share of the draws in which none meets all objectives.
    pub none_ratio: Interval,
    /// Draws in which a series without a verdict may be the cheapest; they are in no share and no test.
    pub untold_draws: u32,
    /// What the choice depends on at 5% after Holm's correction, what decides most first.
    pub deciding: Vec<Deciding>,
}

/// How often one series is the one to choose.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Choice {
    pub variant: String,
    pub cheapest_ratio: Interval,
}

/// An assumption that decides which series to choose.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Deciding {
    #[serde(flatten)]
    pub assumption: Assumption,
    /// Of the analysis of covariance of ranks, beside all other assumptions (of Kruskal and Wallis's test where there are too
    /// few draws for that), corrected by Holm for all assumptions.
    pub p_value: f64,
    /// What is chosen most often in the lower and in the upper half of the range.
    pub lower_half: HalfChoice,
    pub upper_half: HalfChoice,
}

/// What is chosen most often, and how often; no variant if none meets all objectives.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct HalfChoice {
    pub variant: Option<String>,
    pub ratio: f64,
}
