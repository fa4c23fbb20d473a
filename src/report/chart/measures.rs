//! One measure of one node, such as the hit ratio of a cache, of every variant against load.

use crate::experiment::study::{Interval, Node, Point, Study, Watched};
use crate::report::format::Quantity;

use super::picture::{Axis, Naming, Picture, Start, Uncertainty, footer};
use super::variants::{lines_against_load, load_axis, refusals};

/// The picture, if any point tells the measure.
pub(super) fn picture(study: &Study, watched: &Watched, of_whom: &str) -> Option<Picture> {
    let lines = lines_against_load(study, |point| measured(point, watched));
    if lines.iter().all(|line| line.spots.iter().all(Option::is_none)) {
        return None;
    }
    let title = in_words(&watched.measure);
    Some(Picture {
        title: study.title.clone(),
        subtitle: format!("{}: {}{of_whom}, with 95% confidence bands", watched.node, title.to_lowercase()),
        horizontal: load_axis(study),
        vertical: Axis {
            title: format!("{title} of {}", watched.node),
            quantity: quantity(&watched.measure),
            start: Start::ZeroLinear,
            include: Vec::new(),
            limits: Vec::new(),
        },
        lines,
        refusals: refusals(study),
        naming: Naming::AtLineEnds,
        uncertainty: Uncertainty::Band,
        footer: footer(study),
    })
}

fn measured(point: &Point, watched: &Watched) -> Option<Interval> {
    let node = point.nodes.iter().find(|node| node.name == watched.node)?;
    of_field(node, &watched.measure).or_else(|| {
        let found = node.measures.iter().find(|measure| measure.name == watched.measure);
        found.map(|measure| measure.estimate)
    })
}

/// What every node may have.
fn of_field(node: &Node, measure: &str) -> Option<Interval> {
    match measure {
        "utilization" => node.utilization,
        "throughput_per_s" => node.throughput_per_s,
        "error_ratio" => node.error_ratio,
        "queue_length" => node.queue_length,
        "wait_mean_s" => node.wait_mean_s,
        "wait_p99_s" => node.wait_p99_s,
        "latency_mean_s" => node.latency_mean_s,
        "latency_p99_s" => node.latency_p99_s,
        "replicas" => node.replicas,
        _ => None,
    }
}

/// The unit of a key is its last word.
fn quantity(measure: &str) -> Quantity {
    match measure {
        "utilization" => Quantity::Ratio,
        _ if measure.ends_with("_ratio") => Quantity::Ratio,
        _ if measure.ends_with("_per_s") => Quantity::PerSecond,
        _ if measure.ends_with("_s") => Quantity::Seconds,
        _ => Quantity::Count,
    }
}

/// A key as a title: its words without the unit.
fn in_words(measure: &str) -> String {
    let bare = measure.strip_suffix("_per_s").or_else(|| measure.strip_suffix("_s")).unwrap_or(measure);
    let mut words = bare.replace('_', " ");
    if let Some(first) = words.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::study::ChartKind;
    use crate::report::chart::charts;
    use crate::report::synthetic;

    #[test]
    fn a_measure_that_is_named_has_a_chart() {
        let mut study = synthetic::study();
        let watched = |measure: &str| Watched { node: "redis".to_owned(), measure: measure.to_owned() };
        study.measures = vec![watched("hit_ratio"), watched("utilization"), watched("nothing_ratio")];
        let charts = charts(&study, &[ChartKind::Measures]);
        let stems: Vec<&str> = charts.iter().map(|chart| chart.stem.as_str()).collect();
        assert_eq!(stems.len(), 2, "{stems:?}");
        assert!(stems[0].ends_with("redis-hit-ratio"), "{stems:?}");
        let svg = charts[0].svg().unwrap();
        assert!(svg.contains("Hit ratio of redis"), "{svg}");
    }
}
