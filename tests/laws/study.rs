//! Independent replications of one model, and what is measured over them.

use forescale::diagnostic::{Diagnostics, Document};
use forescale::engine::record::{NodeRecord, Record};
use forescale::engine::simulation::{Limits, Simulation};
use forescale::model::{Compiled, Edit, Model, compile, patch, read};
use forescale::random::Seed;
use forescale::statistics::estimate::{
    Estimate, mean_interval, ratio_interval, sectioning_interval, student_t_quantile,
};
use forescale::statistics::histogram::LatencyHistogram;
use forescale::techniques::AnyNode;
use rayon::prelude::*;

/// Independent runs behind every number.
pub const REPLICATIONS: usize = 40;

/// The share of each run that is thrown away, because it began with empty queues.
pub const WARM_UP: f64 = 0.2;

/// Nanoseconds in a unit of theory's time.
pub const UNIT_NS: f64 = 1e6;

/// A measured number and its standard error.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    pub value: f64,
    pub standard_error: f64,
}

impl Measured {
    /// Back from a confidence interval to the standard error that it was made of.
    fn of(estimate: Option<Estimate>, replications: usize) -> Self {
        let estimate = estimate.expect("enough replications, and no division by zero");
        let t = student_t_quantile(0.975, replications as f64 - 1.0).expect("a quantile of Student's law");
        Self { value: estimate.value, standard_error: estimate.half_width / t }
    }

    /// The mean of what each replication gave.
    pub fn mean(samples: &[f64]) -> Self {
        Self::of(mean_interval(samples), samples.len())
    }

    /// In a unit that is this many times larger.
    pub fn over(self, unit: f64) -> Self {
        Self { value: self.value / unit, standard_error: self.standard_error / unit }
    }

    /// Less a constant.
    pub fn minus(self, constant: f64) -> Self {
        Self { value: self.value - constant, ..self }
    }
}

/// Reads a model of this repository and edits it; a mistake in one is a mistake of ours.
pub fn model(name: &str, edits: &[(&str, &str)]) -> Compiled {
    let path = format!("models/theory/{name}.ron");
    let text = std::fs::read_to_string(&path).expect("tests run at the root of the repository");
    let edits: Vec<Edit> = edits
        .iter()
        .map(|(path, value)| Edit::from_argument("--set", &format!("{path}={value}")).expect("a path and a value"))
        .collect();
    let document = patch(&Document::new(path, text), &edits).unwrap_or_else(|found| panic!("{name}: {found:?}"));
    let mut diagnostics = Diagnostics::new();
    let read: Option<Model> = read(&document, &mut diagnostics);
    let model = read.unwrap_or_else(|| panic!("{name}: {diagnostics:?}"));
    compile(&model, &document, ".".as_ref()).unwrap_or_else(|found| panic!("{name}: {found:?}"))
}

/// The seed of a study follows from its name, so that nobody can choose a lucky one.
fn seed(name: &str) -> u64 {
    name.bytes().fold(0, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)))
}

/// Runs `use_it` on each replication, in parallel, and audits every node afterwards.
pub fn replicate<T: Send>(
    compiled: &Compiled,
    name: &str,
    replications: usize,
    use_it: impl Fn(usize, &mut Simulation<AnyNode>) -> T + Sync,
) -> Vec<T> {
    (0..replications)
        .into_par_iter()
        .map(|replication| {
            let mut simulation = compiled.simulation(Seed::new(seed(name), replication as u64), Limits::default());
            let result = use_it(replication, &mut simulation);
            simulation.audit().unwrap_or_else(|broken| panic!("{name}, {replication}: {broken:?}"));
            result
        })
        .collect()
}

/// The replications of one model after warm-up.
pub struct Study {
    names: Vec<String>,
    windows: Vec<Record>,
}

impl Study {
    /// Runs the model for this many of theory's units of time in each replication.
    pub fn run(name: &str, compiled: &Compiled, units: f64) -> Self {
        Self::run_windows(name, compiled, REPLICATIONS, |_| (WARM_UP * units, units))
    }

    /// As [`Study::run`], with a window of its own, from and to in units of time, for each replication.
    pub fn run_windows(
        name: &str,
        compiled: &Compiled,
        replications: usize,
        window: impl Fn(usize) -> (f64, f64) + Sync,
    ) -> Self {
        let windows = replicate(compiled, name, replications, |replication, simulation| {
            let (start, end) = window(replication);
            simulation.run_until((start * UNIT_NS) as u64).expect("the warm-up ends");
            simulation.take_record();
            simulation.run_until((end * UNIT_NS) as u64).expect("the run ends");
            simulation.take_record()
        });
        Self { names: compiled.descriptions.iter().map(|node| node.name.clone()).collect(), windows }
    }

    fn nodes(&self, name: &str) -> Vec<&NodeRecord> {
        let index = self.names.iter().position(|known| known == name).expect("a node of the model");
        self.windows.iter().map(|window| &window.nodes[index]).collect()
    }

    /// A ratio of two sums, for example time spent over requests.
    pub fn ratio(
        &self,
        node: &str,
        numerator: impl Fn(&NodeRecord) -> f64,
        denominator: impl Fn(&NodeRecord) -> f64,
    ) -> Measured {
        let nodes = self.nodes(node);
        let numerators: Vec<f64> = nodes.iter().map(|node| numerator(node)).collect();
        let denominators: Vec<f64> = nodes.iter().map(|node| denominator(node)).collect();
        Measured::of(ratio_interval(&numerators, &denominators), nodes.len())
    }

    /// A time average, or a rate per unit of time.
    pub fn per_time(&self, node: &str, count: impl Fn(&NodeRecord) -> f64) -> Measured {
        let values: Vec<f64> = self
            .nodes(node)
            .iter()
            .zip(&self.windows)
            .map(|(node, window)| count(node) * UNIT_NS / (window.end_ns - window.start_ns) as f64)
            .collect();
        Measured::mean(&values)
    }

    /// The mean number present.
    pub fn present(&self, node: &str) -> Measured {
        self.per_time(node, |node| node.counters.in_system_ns as f64 / UNIT_NS)
    }

    /// The mean number that wait.
    pub fn waiting(&self, node: &str) -> Measured {
        self.per_time(node, |node| node.counters.waiting_ns as f64 / UNIT_NS)
    }

    /// Busy cores over cores.
    pub fn utilization(&self, node: &str) -> Measured {
        self.ratio(node, |node| node.counters.busy_ns as f64, |node| node.counters.capacity_ns as f64)
    }

    /// Successes per unit of time.
    pub fn throughput(&self, node: &str) -> Measured {
        self.per_time(node, |node| node.counters.completed as f64)
    }

    /// Failures over all answers.
    pub fn failure_ratio(&self, node: &str) -> Measured {
        self.ratio(
            node,
            |node| node.counters.failed as f64,
            |node| (node.counters.completed + node.counters.failed) as f64,
        )
    }

    /// A share that only this technique has.
    pub fn share(&self, node: &str, name: &str) -> Measured {
        let share =
            |node: &NodeRecord| *node.shares.iter().find(|share| share.name == name).expect("the share is there");
        self.ratio(node, |node| share(node).numerator as f64, |node| share(node).denominator as f64)
    }

    /// The mean of a histogram.
    pub fn mean(&self, node: &str, which: fn(&NodeRecord) -> &LatencyHistogram) -> Measured {
        self.ratio(node, |node| which(node).sum_ns() as f64, |node| which(node).count() as f64).over(UNIT_NS)
    }

    /// A quantile of all replications together, with the error that sectioning gives.
    pub fn quantile(&self, node: &str, which: fn(&NodeRecord) -> &LatencyHistogram, quantile: f64) -> Measured {
        self.pooled(node, which, |histogram| histogram.quantile_ns(quantile).expect("values")).over(UNIT_NS)
    }

    /// The share of values above zero.
    pub fn above_zero(&self, node: &str, which: fn(&NodeRecord) -> &LatencyHistogram) -> Measured {
        self.pooled(node, which, |histogram| histogram.share_above(0).expect("values"))
    }

    /// The variance, from the share above each of many thresholds: `E[X^2]` is the integral of `2 x P(X > x)`.
    pub fn variance(&self, node: &str, which: fn(&NodeRecord) -> &LatencyHistogram) -> Measured {
        let variance = |histogram: &LatencyHistogram| {
            let mut squares = 0.0;
            let mut low = 0.0_f64;
            let mut high = 1e3;
            let largest = histogram.max_ns().expect("values") as f64;
            while low < largest {
                let above = histogram.share_above(f64::midpoint(low, high) as u64).expect("values");
                squares += above * (high * high - low * low);
                (low, high) = (high, high * 1.02);
            }
            squares - histogram.mean_ns().expect("values").powi(2)
        };
        self.pooled(node, which, variance).over(UNIT_NS * UNIT_NS)
    }

    fn pooled(
        &self,
        node: &str,
        which: fn(&NodeRecord) -> &LatencyHistogram,
        statistic: impl Fn(&LatencyHistogram) -> f64 + Sync,
    ) -> Measured {
        let nodes = self.nodes(node);
        let mut pool = LatencyHistogram::default();
        for node in &nodes {
            pool.merge(which(node));
        }
        let each: Vec<f64> = nodes.par_iter().map(|node| statistic(which(node))).collect();
        Measured::of(sectioning_interval(statistic(&pool), &each), nodes.len())
    }
}

/// Time in system as clients see it.
pub fn latency(clients: &NodeRecord) -> &LatencyHistogram {
    &clients.operations[0].latency
}

/// Time in system of the clients' second operation.
pub fn second_latency(clients: &NodeRecord) -> &LatencyHistogram {
    &clients.operations[1].latency
}

/// Time before service in a node.
pub fn wait(node: &NodeRecord) -> &LatencyHistogram {
    &node.wait
}

/// Units of time in which all replications together send this many million requests, at this rate per unit of time.
pub fn units(millions: f64, rate: f64) -> f64 {
    millions * 1e6 / REPLICATIONS as f64 / rate
}
