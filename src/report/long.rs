//! The long form of a study: one row for each quantity of each point, for spreadsheets, R and data frames.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::experiment::study::{Interval, Measure, Node, NodeWindow, Operation, OperationWindow, Point, Study, Window};

/// The columns of every format, in their order.
pub const COLUMNS: [(&str, Column); 13] = [
    ("experiment", Column::Text(|row| Some(row.experiment))),
    ("variant", Column::Text(|row| Some(row.variant))),
    ("load", Column::Number(|row| Some(row.load))),
    ("scope", Column::Text(|row| Some(row.scope))),
    ("name", Column::Text(|row| Some(row.name))),
    ("quantity", Column::Text(|row| Some(row.quantity))),
    ("value", Column::Number(|row| row.value)),
    ("low", Column::Number(|row| row.low)),
    ("high", Column::Number(|row| row.high)),
    ("p_value", Column::Number(|row| row.p_value)),
    ("refusal", Column::Text(|row| row.refusal)),
    ("start_s", Column::Number(|row| row.start_s)),
    ("end_s", Column::Number(|row| row.end_s)),
];

/// What a column holds, and how a row's cell in it is found.
#[derive(Clone, Copy, Debug)]
pub enum Column {
    Text(for<'r> fn(&'r Row<'r>) -> Option<&'r str>),
    Number(fn(&Row<'_>) -> Option<f64>),
}

/// One quantity of one point. The unit is the last word of the quantity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row<'a> {
    pub experiment: &'a str,
    pub variant: &'a str,
    pub load: f64,
    /// `point`, `operation`, `node`, `window`, `operation_window`, `node_window`, or `difference`: the variant less the baseline.
    pub scope: &'static str,
    /// Of the operation or node, or of the baseline.
    pub name: &'a str,
    pub quantity: &'a str,
    /// Empty in the one row of a refused point.
    pub value: Option<f64>,
    /// The ends of the 95% interval, of what is an estimate.
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// Of a difference, corrected for all of this quantity.
    pub p_value: Option<f64>,
    /// Why the point has no numbers.
    pub refusal: Option<&'a str>,
    /// Of a window: when it begins and ends, since the start of the run.
    pub start_s: Option<f64>,
    pub end_s: Option<f64>,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut cells = serializer.serialize_struct("Row", COLUMNS.len())?;
        for (name, column) in COLUMNS {
            match column {
                Column::Text(cell) => cells.serialize_field(name, &cell(self))?,
                Column::Number(cell) => cells.serialize_field(name, &cell(self))?,
            }
        }
        cells.end()
    }
}

/// The rows of a study, in its order. Quantities that a point does not tell have none.
pub fn rows(study: &Study) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    for variant in &study.variants {
        rows.extend(variant.points.iter().flat_map(|point| of_point(study, &variant.name, point)));
    }
    rows.extend(study.comparisons.iter().map(|comparison| Row {
        scope: "difference",
        name: &study.baseline,
        quantity: comparison.metric.name(),
        p_value: Some(comparison.p_value),
        ..bare(study, &comparison.variant, comparison.load).with(comparison.difference)
    }));
    rows
}

fn bare<'a>(study: &'a Study, variant: &'a str, load: f64) -> Row<'a> {
    Row {
        experiment: &study.name,
        variant,
        load,
        scope: "point",
        name: "",
        quantity: "",
        value: None,
        low: None,
        high: None,
        p_value: None,
        refusal: None,
        start_s: None,
        end_s: None,
    }
}

impl Row<'_> {
    fn with(self, Interval { value, low, high }: Interval) -> Self {
        Self { value: Some(value), low: Some(low), high: Some(high), ..self }
    }
}

fn of_point<'a>(study: &'a Study, variant: &'a str, point: &'a Point) -> Vec<Row<'a>> {
    let bare = bare(study, variant, point.load);
    if let Some(refusal) = &point.refusal {
        return vec![Row { quantity: "refusal", refusal: Some(&refusal.code), ..bare }];
    }
    let count = |quantity, value| Row { quantity, value: Some(value), ..bare };
    let mut rows = vec![
        count("replications", f64::from(point.replications)),
        count("simulated_s", point.simulated_s),
        count("requests", point.requests as f64),
    ];
    let own = [
        ("cost_usd_per_hour", point.cost_usd_per_hour),
        ("cost_usd_per_million_requests", point.cost_usd_per_million_requests),
        ("outside_objectives_s", point.outside_objectives_s),
        ("recovery_s", point.recovery_s),
        ("lost_requests", point.lost_requests),
    ];
    rows.extend(estimates(bare, own));
    for operation in &point.operations {
        let bare = Row { scope: "operation", name: &operation.name, ..bare };
        rows.extend(estimates(bare, of_operation(operation)));
    }
    for node in &point.nodes {
        let bare = Row { scope: "node", name: &node.name, ..bare };
        rows.extend(estimates(bare, of_node(node)));
        rows.extend(estimates(bare, of_measures(&node.measures)));
    }
    rows.extend(point.windows.iter().flat_map(|window| of_window(bare, window)));
    rows
}

fn of_window<'a>(bare: Row<'a>, window: &'a Window) -> Vec<Row<'a>> {
    let bare = Row { start_s: Some(window.start_s), end_s: Some(window.end_s), ..bare };
    let whole = Row { scope: "window", ..bare };
    let own = [("offered_per_s", window.offered_per_s), ("cost_usd_per_hour", window.cost_usd_per_hour)];
    let mut rows: Vec<Row<'a>> = estimates(whole, own).collect();
    let ratio = window.outside_objectives_ratio;
    rows.extend(ratio.map(|_| Row { quantity: "outside_objectives_ratio", value: ratio, ..whole }));
    for OperationWindow { name, throughput_per_s, error_ratio, mean_s, p50_s, p95_s, p99_s } in &window.operations {
        let told = [
            ("throughput_per_s", *throughput_per_s),
            ("error_ratio", *error_ratio),
            ("mean_s", *mean_s),
            ("p50_s", *p50_s),
            ("p95_s", *p95_s),
            ("p99_s", *p99_s),
        ];
        rows.extend(estimates(Row { scope: "operation_window", name, ..bare }, told));
    }
    for NodeWindow { name, utilization, queue_length, replicas, measures } in &window.nodes {
        let told = [("utilization", *utilization), ("queue_length", *queue_length), ("replicas", *replicas)];
        let bare = Row { scope: "node_window", name, ..bare };
        rows.extend(estimates(bare, told));
        rows.extend(estimates(bare, of_measures(measures)));
    }
    rows
}

fn of_measures(measures: &[Measure]) -> impl Iterator<Item = (&str, Option<Interval>)> {
    measures.iter().map(|measure| (measure.name.as_str(), Some(measure.estimate)))
}

fn estimates<'a>(
    bare: Row<'a>,
    quantities: impl IntoIterator<Item = (&'a str, Option<Interval>)>,
) -> impl Iterator<Item = Row<'a>> {
    let row = move |(quantity, estimate): (&'a str, Option<Interval>)| Some(Row { quantity, ..bare }.with(estimate?));
    quantities.into_iter().filter_map(row)
}

fn of_operation(operation: &Operation) -> [(&'static str, Option<Interval>); 7] {
    [
        ("throughput_per_s", operation.throughput_per_s),
        ("error_ratio", operation.error_ratio),
        ("mean_s", operation.mean_s),
        ("p50_s", operation.p50_s),
        ("p95_s", operation.p95_s),
        ("p99_s", operation.p99_s),
        ("p999_s", operation.p999_s),
    ]
}

fn of_node(node: &Node) -> [(&'static str, Option<Interval>); 11] {
    [
        ("utilization", node.utilization),
        ("throughput_per_s", node.throughput_per_s),
        ("error_ratio", node.error_ratio),
        ("queue_length", node.queue_length),
        ("wait_mean_s", node.wait_mean_s),
        ("wait_p99_s", node.wait_p99_s),
        ("latency_mean_s", node.latency_mean_s),
        ("latency_p99_s", node.latency_p99_s),
        ("cost_usd_per_hour", node.cost_usd_per_hour),
        ("replicas", node.replicas),
        ("replica_hours", node.replica_hours),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::synthetic;

    /// Every estimate of a study is an object with three numbers, and each must have its row.
    fn intervals(value: &serde_json::Value) -> usize {
        match value {
            serde_json::Value::Object(fields) if fields.contains_key("low") => 1,
            serde_json::Value::Object(fields) => fields.values().map(intervals).sum(),
            serde_json::Value::Array(values) => values.iter().map(intervals).sum(),
            _ => 0,
        }
    }

    #[test]
    fn differences_are_of_quantities_that_points_have() {
        for metric in crate::experiment::metric::Metric::ALL {
            assert_eq!(serde_json::to_value(metric).expect("plain data"), metric.name());
        }
    }

    #[test]
    fn every_estimate_has_one_row_and_every_refused_point_too() {
        every_estimate_has_one_row(&synthetic::study());
        every_estimate_has_one_row(&synthetic::with_windows());
    }

    fn every_estimate_has_one_row(study: &Study) {
        let rows = rows(study);
        let found = rows.iter().filter(|row| row.low.is_some()).count();
        assert_eq!(found, intervals(&serde_json::to_value(study).expect("plain data")));
        let points = study.variants.iter().flat_map(|variant| &variant.points);
        let refused = points.filter(|point| point.refusal.is_some()).count();
        assert!(refused > 0);
        assert_eq!(rows.iter().filter(|row| row.refusal == Some("unstable")).count(), refused);
    }
}
