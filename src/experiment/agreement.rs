//! Theory beside simulation: whether what closed forms say of a model is what its simulation found.

use serde::Serialize;

use crate::experiment::study::{Interval, Point};
use crate::theory::{self, Kind, Part, Prediction, Quantity};

/// What theory says of a point, and how that compares.
#[derive(Clone, Debug, Serialize)]
pub struct Theory {
    pub predictions: Vec<Compared>,
    /// Parts without a closed form.
    pub without: Vec<Without>,
}

/// One number of theory beside the one of simulation.
#[derive(Clone, Debug, Serialize)]
pub struct Compared {
    /// `node` or `operation`.
    pub part: &'static str,
    pub name: String,
    /// The key under which results have it; the unit is its last word.
    pub quantity: &'static str,
    pub formula: String,
    /// `exact`, `approximation`, `upper_bound`, `lower_bound` or `unstable`.
    pub kind: &'static str,
    /// In the unit of the quantity; if unstable, the share of its capacity that the part would need.
    pub theory: f64,
    pub simulated: Option<Interval>,
    /// Theory over simulation, less 1.
    pub difference_ratio: Option<f64>,
    pub verdict: Option<Agreement>,
}

/// Whether both say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    /// Theory lies in the interval of simulation, or on the right side of a bound.
    Agrees,
    /// Theory lies outside of the interval by less than its half width, as it does by chance once in twenty times.
    Close,
    /// Chance is hardly an explanation.
    Differs,
}

/// A part without a closed form, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Without {
    pub part: &'static str,
    pub name: String,
    pub reason: String,
}

/// Theory and simulation are told apart no finer than this, relatively: durations are whole nanoseconds.
const FINEST: f64 = 1e-6;

/// Puts theory and simulation side by side.
pub fn compare(theory: &theory::Theory, point: &Point) -> Theory {
    let without = theory.silences.iter().map(|silence| Without {
        part: kind_of_part(&silence.part),
        name: silence.part.name().to_owned(),
        reason: silence.reason.clone(),
    });
    Theory {
        predictions: theory.predictions.iter().map(|one| compared(one, point)).collect(),
        without: without.collect(),
    }
}

fn compared(prediction: &Prediction, point: &Point) -> Compared {
    let simulated = simulated(prediction, point);
    let ratio = simulated.map(|found| prediction.value / found.value - 1.0).filter(|ratio| ratio.is_finite());
    let is_unstable = prediction.kind == Kind::Unstable;
    Compared {
        part: kind_of_part(&prediction.part),
        name: prediction.part.name().to_owned(),
        quantity: key(prediction),
        formula: prediction.formula.clone(),
        kind: match prediction.kind {
            Kind::Exact => "exact",
            Kind::Approximation => "approximation",
            Kind::UpperBound => "upper_bound",
            Kind::LowerBound => "lower_bound",
            Kind::Unstable => "unstable",
        },
        theory: prediction.value,
        simulated,
        difference_ratio: ratio.filter(|_| !is_unstable),
        verdict: simulated.and_then(|found| verdict(prediction, found)),
    }
}

fn verdict(prediction: &Prediction, found: Interval) -> Option<Agreement> {
    let value = prediction.value;
    let slack = value.abs() * FINEST;
    // How far theory lies outside of the interval.
    let (below, above) = (found.low - slack - value, value - found.high - slack);
    let beyond = match prediction.kind {
        Kind::Exact => below.max(above),
        Kind::UpperBound => below,
        Kind::LowerBound => above,
        Kind::Approximation | Kind::Unstable => return None,
    };
    let half_width = (found.high - found.low) / 2.0;
    Some(if beyond <= 0.0 {
        Agreement::Agrees
    } else if beyond <= half_width {
        Agreement::Close
    } else {
        Agreement::Differs
    })
}

fn kind_of_part(part: &Part) -> &'static str {
    match part {
        Part::Node(_) => "node",
        Part::Operation(_) => "operation",
    }
}

/// The key of a quantity in results, which differs between nodes and operations.
fn key(prediction: &Prediction) -> &'static str {
    let is_node = matches!(prediction.part, Part::Node(_));
    match prediction.quantity {
        Quantity::Utilization => "utilization",
        Quantity::Throughput => "throughput_per_s",
        Quantity::ErrorRatio => "error_ratio",
        Quantity::WaitMean => "wait_mean_s",
        Quantity::WaitP99 => "wait_p99_s",
        Quantity::LatencyMean if is_node => "latency_mean_s",
        Quantity::LatencyMean => "mean_s",
        Quantity::LatencyP50 => "p50_s",
        Quantity::LatencyP95 => "p95_s",
        Quantity::LatencyP99 if is_node => "latency_p99_s",
        Quantity::LatencyP99 => "p99_s",
    }
}

fn simulated(prediction: &Prediction, point: &Point) -> Option<Interval> {
    match &prediction.part {
        Part::Node(name) => {
            let node = point.nodes.iter().find(|node| node.name == *name)?;
            match prediction.quantity {
                Quantity::Utilization => node.utilization,
                Quantity::Throughput => node.throughput_per_s,
                Quantity::ErrorRatio => node.error_ratio,
                Quantity::WaitMean => node.wait_mean_s,
                Quantity::WaitP99 => node.wait_p99_s,
                Quantity::LatencyMean => node.latency_mean_s,
                Quantity::LatencyP99 => node.latency_p99_s,
                Quantity::LatencyP50 | Quantity::LatencyP95 => None,
            }
        }
        Part::Operation(name) => {
            let operation = point.operations.iter().find(|operation| operation.name == *name)?;
            match prediction.quantity {
                Quantity::Throughput => operation.throughput_per_s,
                Quantity::ErrorRatio => operation.error_ratio,
                Quantity::LatencyMean => operation.mean_s,
                Quantity::LatencyP50 => operation.p50_s,
                Quantity::LatencyP95 => operation.p95_s,
                Quantity::LatencyP99 => operation.p99_s,
                Quantity::Utilization | Quantity::WaitMean | Quantity::WaitP99 => None,
            }
        }
    }
}
