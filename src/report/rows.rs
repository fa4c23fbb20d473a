//! The cells of tables.

use std::collections::BTreeSet;

use crate::experiment::agreement::{Agreement, Compared, Theory};
use crate::experiment::metric::Metric;
use crate::experiment::study::{
    Comparison, Constraint, Event, FurtherAxis, Interval, Measure, Node, Operation, Point, Study, Variant,
};
use crate::experiment::study::{Judgement, Objective, Verdict};
use crate::price::HOURS_PER_MONTH;

use super::format::{ABSENT, Quantity};
use super::shards::{is_shard, worth_a_row};
use super::text::one_line;

/// A table of text.
pub(super) struct Rows {
    pub(super) header: Vec<String>,
    /// Leading columns that hold names; the others hold numbers.
    pub(super) names: usize,
    pub(super) rows: Vec<Vec<String>>,
}

impl Rows {
    pub(super) fn new(header: &[&str], names: usize, rows: Vec<Vec<String>>) -> Self {
        let header = header.iter().map(|title| one_line(title)).collect();
        Self { header, names, rows }.without_empty_columns()
    }

    /// Leaves out columns of numbers in which no row has one.
    fn without_empty_columns(mut self) -> Self {
        let is_kept = |column: usize| {
            column < self.names || self.rows.iter().any(|row| row.get(column).is_some_and(|cell| cell != ABSENT))
        };
        let kept: Vec<bool> = (0..self.header.len()).map(is_kept).collect();
        let keep = |cells: &mut Vec<String>| {
            let mut kept = kept.iter();
            cells.retain(|_| kept.next().copied().unwrap_or(false));
        };
        keep(&mut self.header);
        self.rows.iter_mut().for_each(keep);
        self
    }
}

/// One row for each series and load.
pub(super) fn study(study: &Study) -> Rows {
    let axes = study.axes.iter().map(|axis| with_unit(&axis.label, axis.unit.as_deref()));
    let mut header = vec!["Variant".to_owned()];
    header.extend(axes);
    header.push(with_unit(&study.axis.label, study.axis.unit.as_deref()));
    let cells = ["Throughput", "p50", "p95", "p99", "Errors", "Busiest", "Cost per hour", "Cost per million"];
    header.extend(cells.map(str::to_owned));
    header.extend(study.objectives.iter().map(|objective| objective.name.clone()));
    let rows = study.variants.iter().flat_map(|series| {
        series.points.iter().map(|point| {
            let variant = if study.axes.is_empty() { &series.name } else { &series.variant };
            let setting =
                |axis: &FurtherAxis| series.settings.get(&axis.name).map_or(ABSENT.into(), |one| one_line(one));
            let mut row = vec![one_line(variant)];
            row.extend(study.axes.iter().map(setting));
            row.push(Quantity::Count.tick(point.load, point.load));
            row.extend(point_cells(study, point));
            row.extend(judgement_cells(study, point));
            row
        })
    });
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    Rows::new(&header, 1 + study.axes.len(), rows.collect())
}

/// What is measured, and in which unit if anybody said so.
pub(super) fn with_unit(label: &str, unit: Option<&str>) -> String {
    unit.map_or_else(|| label.to_owned(), |unit| format!("{label} ({unit})"))
}

/// The verdict on each objective, with what was found where no other cell of the row tells it.
fn judgement_cells(study: &Study, point: &Point) -> Vec<String> {
    let told = |objective: &Objective| match objective.quantity {
        Metric::CostPerHour | Metric::CostPerMillion => true,
        Metric::P999 | Metric::OutsideObjectives | Metric::Recovery | Metric::LostRequests => false,
        _ => objective.operation == study.operation,
    };
    let cell = |(objective, judgement): (&Objective, &Judgement)| {
        let verdict = match judgement.verdict {
            Verdict::Met => "met",
            Verdict::Missed => "missed",
            Verdict::Unsure => "unsure",
        };
        match judgement.estimate.filter(|_| !told(objective)) {
            Some(estimate) => format!("{verdict}: {}", quantity(objective.quantity).interval(estimate)),
            None => verdict.to_owned(),
        }
    };
    study.objectives.iter().zip(&point.objectives).map(cell).collect()
}

/// How values of a metric are written.
pub(super) fn quantity(metric: Metric) -> Quantity {
    match metric {
        Metric::Mean | Metric::P50 | Metric::P95 | Metric::P99 | Metric::P999 => Quantity::Seconds,
        Metric::ErrorRatio | Metric::Availability => Quantity::Ratio,
        Metric::Throughput => Quantity::PerSecond,
        Metric::CostPerHour | Metric::CostPerMillion => Quantity::Dollars,
        Metric::OutsideObjectives | Metric::Recovery => Quantity::Seconds,
        Metric::LostRequests => Quantity::Count,
    }
}

/// What each variant makes of the baseline: one row for each variant and load at which both have numbers.
pub(super) fn differences(study: &Study) -> Rows {
    let load = with_unit(&study.axis.label, study.axis.unit.as_deref());
    let header = [
        "Variant",
        load.as_str(),
        "Mean",
        "p99",
        "Errors",
        "Cost per month",
        "Cost per million",
        "Outside objectives",
        "Recovery",
        "Lost requests",
    ];
    let columns = [
        Metric::Mean,
        Metric::P99,
        Metric::ErrorRatio,
        Metric::CostPerHour,
        Metric::CostPerMillion,
        Metric::OutsideObjectives,
        Metric::Recovery,
        Metric::LostRequests,
    ];
    let cell = |one: &Comparison| {
        let factor = if one.metric == Metric::CostPerHour { HOURS_PER_MONTH } else { 1.0 };
        let Interval { value, low, high } = one.difference;
        let difference = Interval { value: value * factor, low: low * factor, high: high * factor };
        let text = quantity(one.metric).difference(difference);
        if one.is_real { text } else { format!("({text})") }
    };
    let row = |variant: &Variant, load: f64| {
        let of = |metric: Metric| {
            let is_it = |one: &&Comparison| one.metric == metric && one.load == load && one.variant == variant.name;
            study.comparisons.iter().find(is_it)
        };
        let found = columns.map(of);
        let cells = found.iter().map(|one| one.map_or_else(|| ABSENT.to_owned(), &cell));
        let names = [one_line(&variant.name), Quantity::Count.tick(load, load)];
        found.iter().any(Option::is_some).then(|| names.into_iter().chain(cells).collect())
    };
    let rows = study
        .variants
        .iter()
        .flat_map(|variant| variant.points.iter().filter_map(move |point| row(variant, point.load)));
    Rows::new(&header, 1, rows.collect())
}

/// What came of each series over the time of a study of a given length: one row for each point that tells something of it.
pub(super) fn over_time(study: &Study) -> Rows {
    let load = with_unit(&study.axis.label, study.axis.unit.as_deref());
    let header = ["Variant", load.as_str(), "Outside objectives", "Recovery", "Lost requests", "Replica-hours"];
    // Of the nodes that scale in any of the variants, so that those in which they do not can be held against these.
    let points = study.variants.iter().flat_map(|variant| &variant.points);
    let scaling = points.flat_map(|point| point.nodes.iter().filter(|node| changing_replicas(node).is_some()));
    let scaling: BTreeSet<&str> = scaling.map(|node| node.name.as_str()).collect();
    let row = |(variant, point): (&Variant, &Point)| {
        let told = |metric: Metric| quantity(metric).optional(metric.told(point, "all"));
        let nodes = point.nodes.iter().filter(|node| scaling.contains(node.name.as_str()));
        let hours: Vec<f64> = nodes.filter_map(|node| Some(node.replica_hours?.value)).collect();
        let cells = [
            told(Metric::OutsideObjectives),
            told(Metric::Recovery),
            told(Metric::LostRequests),
            if hours.is_empty() { ABSENT.to_owned() } else { Quantity::Count.value(hours.iter().sum()) },
        ];
        let names = [one_line(&variant.name), Quantity::Count.tick(point.load, point.load)];
        let is_told = !point.windows.is_empty() && cells.iter().any(|cell| cell != ABSENT);
        is_told.then(|| names.into_iter().chain(cells).collect())
    };
    let points = study.variants.iter().flat_map(|variant| variant.points.iter().map(move |point| (variant, point)));
    Rows::new(&header, 1, points.filter_map(row).collect())
}

/// How many replicas a node has, unless it is the number that stands in the model.
fn changing_replicas(node: &Node) -> Option<Interval> {
    node.replicas.filter(|replicas| replicas.low < replicas.high || replicas.value.fract() != 0.0)
}

/// What a study's row says of its point; of a refused point only why there is nothing to say.
fn point_cells(study: &Study, point: &Point) -> [String; 8] {
    let mut cells = [const { String::new() }; 8].map(|_| ABSENT.to_owned());
    if let Some(refusal) = &point.refusal {
        cells[0] = one_line(&refusal.code.replace('_', " "));
        return cells;
    }
    if let Some(watched) = watched(study, point) {
        cells[0] = Quantity::PerSecond.optional(watched.throughput_per_s);
        cells[1] = Quantity::Seconds.optional(watched.p50_s);
        cells[2] = Quantity::Seconds.optional(watched.p95_s);
        cells[3] = Quantity::Seconds.optional(watched.p99_s);
        cells[4] = Quantity::Ratio.optional(watched.error_ratio);
    }
    if let Some((name, utilization)) = busiest(point) {
        cells[5] = format!("{name} {}", Quantity::Ratio.interval(utilization));
    }
    cells[6] = Quantity::Dollars.optional(point.cost_usd_per_hour);
    cells[7] = Quantity::Dollars.optional(point.cost_usd_per_million_requests);
    cells
}

/// What the clients saw of the operation that the study looks at.
pub(super) fn watched<'a>(study: &Study, point: &'a Point) -> Option<&'a Operation> {
    point.operations.iter().find(|operation| operation.name == study.operation).or_else(|| point.operations.first())
}

/// ` of ` and the operation that the study looks at, or nothing for all together.
pub(super) fn of_watched(study: &Study) -> String {
    if study.operation == "all" { String::new() } else { format!(" of {}", one_line(&study.operation)) }
}

/// What can be exhausted and how much of it is in use: the cores of each node, under the node's name, and the places of
/// limited number in it, such as `web workers` or `database connections`.
pub(super) fn utilizations(point: &Point) -> impl Iterator<Item = (String, Interval)> {
    point.nodes.iter().filter(|node| !is_shard(point, node)).flat_map(|node| {
        let cores = node.utilization.map(|estimate| (one_line(&node.name), estimate));
        let places = node.measures.iter().filter_map(|measure| {
            let place = measure.name.strip_suffix("_utilization_ratio")?;
            // There is one hottest shard, and there are several of all else.
            let plural = if place == "hottest_shard" { "" } else { "s" };
            Some((one_line(&format!("{} {}{plural}", node.name, place.replace('_', " "))), measure.estimate))
        });
        cores.into_iter().chain(places)
    })
}

/// Cores as busy as this have hardly anything left to give.
const EXHAUSTED: f64 = 0.95;

/// What is used most; of equals, the first of the model. Workers and connections are held also while they wait for
/// somebody else, so where cores are exhausted, those are what binds.
fn busiest(point: &Point) -> Option<(String, Interval)> {
    let most = |best: (String, Interval), next: (String, Interval)| {
        if next.1.value > best.1.value { next } else { best }
    };
    // Of shards, the busiest binds, whatever the others do.
    let cores = worth_a_row(point).into_iter().filter_map(|node| Some((one_line(&node.name), node.utilization?)));
    let cores = cores.filter(|(_, share)| share.value.is_finite()).reduce(most);
    cores
        .filter(|(_, share)| share.value >= EXHAUSTED)
        .or_else(|| utilizations(point).filter(|(_, share)| share.value.is_finite()).reduce(most))
}

/// What was not run, where latency bends, why points were refused, and what was noticed while running: one sentence for each variant and reason, with the loads
/// it holds for.
pub(super) fn remarks(study: &Study) -> Vec<String> {
    let mut sentences = Vec::new();
    if study.operation != "all" {
        sentences.push(format!("Throughput, latency and errors are those of {}.", one_line(&study.operation)));
    }
    let variants: BTreeSet<&str> = study.variants.iter().map(|series| series.variant.as_str()).collect();
    for constraint in study.constraints.iter().filter(|constraint| constraint.skipped > 0) {
        sentences.push(skipped(constraint, study.axis.values.len() as u64, variants.len()));
    }
    for variant in &study.variants {
        if let Some(knee) = variant.knee {
            let load = |load| Quantity::Count.tick(load, load);
            let (low, high) = (load(knee.low_load), load(knee.high_load));
            let name = one_line(&variant.name);
            sentences
                .push(format!("{name}: the knee is between {low} and {high}; beyond, p99 grows faster than the load."));
        }
        let mut remarks: Vec<(String, Vec<String>)> = Vec::new();
        for point in &variant.points {
            let refusals = point.refusal.iter();
            let refusals = refusals.map(|refusal| format!("{}: {}", refusal.code.replace('_', " "), refusal.reason));
            for remark in refusals.chain(point.notes.iter().cloned()) {
                let load = Quantity::Count.tick(point.load, point.load);
                match remarks.iter_mut().find(|(known, _)| *known == remark) {
                    Some((_, loads)) => loads.push(load),
                    None => remarks.push((remark, vec![load])),
                }
            }
        }
        let sentence =
            |(remark, loads): (String, Vec<String>)| format!("{} at {}: {remark}", variant.name, loads.join(", "));
        sentences.extend(remarks.into_iter().map(sentence).map(|text| one_line(&text)));
    }
    sentences
}

/// What a constraint kept from running, in a sentence: settings of the axes at no load at all, and single loads of others.
fn skipped(constraint: &Constraint, loads: u64, variants: usize) -> String {
    let whole = constraint.skipped_whole;
    let single = constraint.skipped.saturating_sub(whole.saturating_mul(loads));
    let combinations = |count: u64, what: &str| match count {
        0 => None,
        1 => Some(format!("1 {what}combination")),
        _ => Some(format!("{count} {what}combinations")),
    };
    let series = combinations(whole, "").map(|text| format!("{text} of the axes at every load"));
    let points = combinations(single, if whole > 0 { "more " } else { "" });
    let parts: Vec<String> = series.into_iter().chain(points).collect();
    let of_each = if variants > 1 { " of each variant" } else { "" };
    let were = if whole + single == 1 { "was" } else { "were" };
    format!("{}{of_each} {were} not run: not {}.", parts.join(" and "), one_line(&constraint.expression))
}

/// One row for each operation of a point.
pub(super) fn operations(point: &Point) -> Rows {
    let header = ["Operation", "Throughput", "Errors", "Mean", "p50", "p95", "p99", "p99.9"];
    let rows = point.operations.iter().map(|operation| {
        vec![
            one_line(&operation.name),
            Quantity::PerSecond.optional(operation.throughput_per_s),
            Quantity::Ratio.optional(operation.error_ratio),
            Quantity::Seconds.optional(operation.mean_s),
            Quantity::Seconds.optional(operation.p50_s),
            Quantity::Seconds.optional(operation.p95_s),
            Quantity::Seconds.optional(operation.p99_s),
            Quantity::Seconds.optional(operation.p999_s),
        ]
    });
    Rows::new(&header, 1, rows.collect())
}

/// One row for each node of a point.
pub(super) fn nodes(point: &Point) -> Rows {
    let header = [
        "Node",
        "Kind",
        "Utilization",
        "Throughput",
        "Errors",
        "Queue",
        "Wait mean",
        "Wait p99",
        "Latency mean",
        "Latency p99",
        "Cost per hour",
        "Replicas",
        "Replica-hours",
    ];
    let rows = worth_a_row(point).into_iter().map(|node| {
        vec![
            one_line(&node.name),
            one_line(&node.kind),
            Quantity::Ratio.optional(node.utilization),
            Quantity::PerSecond.optional(node.throughput_per_s),
            Quantity::Ratio.optional(node.error_ratio),
            Quantity::Count.optional(node.queue_length),
            Quantity::Seconds.optional(node.wait_mean_s),
            Quantity::Seconds.optional(node.wait_p99_s),
            Quantity::Seconds.optional(node.latency_mean_s),
            Quantity::Seconds.optional(node.latency_p99_s),
            Quantity::Dollars.optional(node.cost_usd_per_hour),
            Quantity::Count.optional(changing_replicas(node)),
            Quantity::Count.optional(node.replica_hours),
        ]
    });
    Rows::new(&header, 2, rows.collect())
}

/// One row for each thing that only some techniques tell of themselves.
pub(super) fn measures(point: &Point) -> Rows {
    let of_node = |node: &Node| -> Vec<Vec<String>> {
        node.measures.iter().map(|one| [vec![one_line(&node.name)], measure(one).to_vec()].concat()).collect()
    };
    Rows::new(&["Node", "Measure", "Value"], 2, worth_a_row(point).into_iter().flat_map(of_node).collect())
}

/// One row for each event of a point.
pub(super) fn events(point: &Point) -> Rows {
    let row = |event: &Event| vec![one_line(&event.node), one_line(&event.what), Quantity::Seconds.value(event.time_s)];
    Rows::new(&["Node", "Event", "Time"], 2, point.events.iter().map(row).collect())
}

/// One row for each number that theory has.
pub(super) fn theory(theory: &Theory) -> Rows {
    let header = ["Part", "Quantity", "Formula", "Claim", "Theory", "Simulated", "Verdict"];
    let row = |one: &Compared| {
        let (name, quantity) = named(one.quantity);
        let is_unstable = one.kind == "unstable";
        let verdict = match (one.verdict, one.difference_ratio) {
            (Some(Agreement::Agrees), _) => "agrees".to_owned(),
            (Some(Agreement::Close), _) => "close".to_owned(),
            (Some(Agreement::Differs), _) => "differs".to_owned(),
            (None, Some(ratio)) => format!("{}{}", if ratio > 0.0 { "+" } else { "" }, Quantity::Ratio.value(ratio)),
            (None, None) => ABSENT.to_owned(),
        };
        vec![
            one_line(&one.name),
            name,
            one_line(&one.formula),
            one.kind.replace('_', " "),
            if is_unstable { format!("needs {}", quantity.value(one.theory)) } else { quantity.value(one.theory) },
            quantity.optional(one.simulated),
            verdict,
        ]
    };
    Rows::new(&header, 4, theory.predictions.iter().map(row).collect())
}

/// The name and the value of a measure. The unit is the end of its key, and tells how the number is written.
fn measure(measure: &Measure) -> [String; 2] {
    let (name, quantity) = named(&measure.name);
    [name, quantity.interval(measure.estimate)]
}

/// What a key names, and how its numbers are written.
fn named(key: &str) -> (String, Quantity) {
    let (name, quantity) = if let Some(name) = key.strip_suffix("_per_s") {
        (name, Quantity::PerSecond)
    } else if let Some(name) = key.strip_suffix("_s") {
        (name, Quantity::Seconds)
    } else if key.ends_with("_ratio") || key == "utilization" {
        (key, Quantity::Ratio)
    } else if key.contains("_usd") {
        (key, Quantity::Dollars)
    } else {
        (key, Quantity::Count)
    };
    (one_line(&name.replace('_', " ")), quantity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_run_is_counted_by_series_and_by_points() {
        let said = |skipped, skipped_whole, variants| {
            let expression = "pods < 8".to_owned();
            super::skipped(&Constraint { expression, skipped, skipped_whole }, 4, variants)
        };
        assert_eq!(said(1, 0, 1), "1 combination was not run: not pods < 8.");
        assert_eq!(said(3, 0, 2), "3 combinations of each variant were not run: not pods < 8.");
        assert_eq!(said(4, 1, 1), "1 combination of the axes at every load was not run: not pods < 8.");
        let both = "2 combinations of the axes at every load and 1 more combination of each variant were not run: not pods < 8.";
        assert_eq!(said(9, 2, 3), both);
    }
}
