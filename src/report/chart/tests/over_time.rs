//! Pictures of studies of a given length.

use super::super::picture::Trace;
use super::super::timeline::{Mark, Shade, Timeline, timeline};
use super::*;
use crate::experiment::study::{Event, Measure, Point};

fn points(study: &mut Study) -> impl Iterator<Item = &mut Point> {
    study.variants.iter_mut().flat_map(|variant| &mut variant.points)
}

fn of_autoscaled(study: &Study) -> Timeline {
    timeline(study, 2).expect("the variant has windows")
}

fn titles(timeline: &Timeline) -> Vec<&str> {
    timeline.panels.iter().map(|panel| panel.vertical.title.as_str()).collect()
}

#[test]
fn latency_over_time_is_drawn_where_there_are_windows() {
    assert!(charts(&synthetic::study(), &[ChartKind::LatencyOverTime]).is_empty());
    let mut study = synthetic::with_windows();
    let svg = svg_of(&study, ChartKind::LatencyOverTime);
    assert_well_formed(&svg);
    for text in [
        "p99 latency of every variant over time at 50k Concurrent users",
        "Time since the start (minutes)",
        "fixed fleet: unstable",
        "autoscaled",
    ] {
        assert!(svg.contains(text), "{text}");
    }
    // Where the tail is hardly ever told, what is told is drawn.
    for window in study.variants.iter_mut().flat_map(|one| &mut one.points).flat_map(|point| &mut point.windows) {
        window.operations[0].p99_s = None;
    }
    assert!(svg_of(&study, ChartKind::LatencyOverTime).contains("p95 latency of every variant over time"));
}

#[test]
fn any_time_has_an_axis() {
    for simulated_s in [1e-9, 0.5, 7.0, 200.0, 1e4, 86_400.0, 3e6, 3e9] {
        let mut study = synthetic::with_windows();
        for point in study.variants.iter_mut().flat_map(|one| &mut one.points) {
            point.simulated_s = simulated_s;
            for (index, window) in point.windows.iter_mut().enumerate() {
                window.start_s = simulated_s / 4.0 * index as f64;
                window.end_s = window.start_s + simulated_s / 4.0;
            }
        }
        assert_well_formed(&svg_of(&study, ChartKind::LatencyOverTime));
    }
}

#[test]
fn a_timeline_has_a_panel_for_all_that_changes() {
    assert!(charts(&synthetic::study(), &[ChartKind::Timeline]).is_empty(), "the long run has no course");
    let study = synthetic::with_scaling();
    let all = charts(&study, &[ChartKind::Timeline]);
    let stems: Vec<&str> = all.iter().map(|chart| chart.stem.as_str()).collect();
    assert_eq!(stems, ["peak-timeline-fixed-fleet", "peak-timeline-with-cache", "peak-timeline-autoscaled"]);
    let svg = all[2].svg().unwrap();
    assert_well_formed(&svg);
    assert_eq!(svg, all[2].svg().unwrap());
    assert!(svg.len() < 80_000, "{} bytes", svg.len());
    for text in [
        "autoscaled over time at 50k Concurrent users",
        "Replicas of shop",
        "desired",
        "starting",
        "ready",
        "Waiting in queues",
        "p99 below 500ms",
        "Cost, USD per hour",
        "Time since the start (minutes)",
        "shop: out of memory",
        "shop: rollout ends",
        "shaded: outside the objectives",
    ] {
        assert!(svg.contains(text), "{text}");
    }
    // The second one would cover the first.
    assert_eq!(svg.matches("shop: out of memory").count(), 1);
    let png = all[2].png().unwrap();
    assert!(png.len() < 200_000, "{} bytes", png.len());
}

#[test]
fn the_heaviest_load_that_is_told_is_drawn() {
    // The fixed fleet is unstable from 30k on.
    let study = synthetic::with_scaling();
    let timeline = timeline(&study, 0).unwrap();
    assert!(timeline.subtitle.starts_with("fixed fleet over time at 20k"), "{}", timeline.subtitle);
}

#[test]
fn what_never_changes_has_no_panel() {
    let study = synthetic::with_windows();
    let timeline = of_autoscaled(&study);
    assert_eq!(titles(&timeline), ["Requests", "Waiting in queues", "p99 latency"]);
    assert!(timeline.subtitle.contains("$42.0 per hour throughout"), "{}", timeline.subtitle);
    assert!(timeline.shades.is_empty() && timeline.events.is_empty());
    let mut study = synthetic::with_windows();
    for window in points(&mut study).flat_map(|point| &mut point.windows) {
        window
            .nodes
            .iter_mut()
            .for_each(|node| node.queue_length = Some(Interval { value: 1e-4, low: 0.0, high: 1e-3 }));
        window.operations[0].p99_s = None;
    }
    let latency = "p95 latency (windows have too few requests for p99)";
    assert_eq!(titles(&of_autoscaled(&study)), ["Requests", latency], "hardly anybody waits");
}

#[test]
fn replicas_are_told_apart_by_how_they_are_drawn() {
    let mut study = synthetic::with_scaling();
    let timeline = of_autoscaled(&study);
    let expected = [
        "Requests",
        "Replicas of shop",
        "Replicas of mailer",
        "Waiting in queues",
        "p99 latency",
        "Cost, USD per hour",
    ];
    assert_eq!(titles(&timeline), expected);
    let drawn: Vec<(&str, Trace)> =
        timeline.panels[1].lines.iter().map(|line| (line.name.as_str(), line.trace)).collect();
    assert_eq!(drawn, [("desired", Trace::Steps), ("starting", Trace::Dashed), ("ready", Trace::Straight)]);
    // A step reaches from the beginning of its window to the end.
    let first = timeline.panels[1].lines[0].spots[0].as_ref().unwrap();
    assert_eq!((first.x.low, first.x.high), (0.0, 1.0));
    // A node that only changes what is paid for.
    for window in points(&mut study).flat_map(|point| &mut point.windows) {
        window.nodes.iter_mut().for_each(|node| node.measures.clear());
    }
    let lines = &of_autoscaled(&study).panels[1].lines;
    assert_eq!(lines.iter().map(|line| line.name.as_str()).collect::<Vec<_>>(), ["paid for"]);
}

#[test]
fn no_band_reaches_below_zero() {
    let mut study = synthetic::with_scaling();
    for window in points(&mut study).flat_map(|point| &mut point.windows) {
        let unsure = Interval { value: 0.5, low: -3.0, high: 4.0 };
        window.nodes.iter_mut().flat_map(|node| &mut node.measures).for_each(|measure| measure.estimate = unsure);
        window.nodes.iter_mut().for_each(|node| node.queue_length = Some(unsure));
    }
    for panel in of_autoscaled(&study).panels {
        assert!(panel.lines.iter().flat_map(|line| line.spots.iter().flatten()).all(|spot| spot.y.low >= 0.0));
    }
}

#[test]
fn many_scaled_nodes_and_queues_leave_the_largest() {
    let mut study = synthetic::with_scaling();
    for point in points(&mut study) {
        let whole = point.nodes.first().cloned();
        for (index, name) in ["a", "b", "c", "d", "e", "f"].into_iter().enumerate() {
            let replicas = Interval { value: index as f64, low: 0.0, high: 9.0 };
            point.nodes.extend(whole.clone().map(|node| crate::experiment::study::Node {
                name: name.to_owned(),
                replicas: Some(replicas),
                ..node
            }));
            for window in &mut point.windows {
                let mut node = window.nodes[0].clone();
                node.name = name.to_owned();
                node.queue_length = Some(replicas);
                node.measures.push(Measure { name: "hot_spare_replicas".to_owned(), estimate: replicas });
                window.nodes.push(node);
            }
        }
        for window in &mut point.windows {
            window.nodes.drain(..2);
        }
    }
    let timeline = of_autoscaled(&study);
    assert_eq!(titles(&timeline)[1..4], ["Replicas of d", "Replicas of e", "Replicas of f"]);
    assert_eq!(timeline.panels[1].lines[3].name, "hot spare");
    let queues: Vec<&str> = timeline.panels[4].lines.iter().map(|line| line.name.as_str()).collect();
    assert_eq!(queues, ["c", "d", "e", "f"]);
    charts(&study, &[ChartKind::Timeline]).iter().for_each(|chart| assert_well_formed(&chart.svg().unwrap()));
}

#[test]
fn shades_and_events_lie_where_they_happen() {
    let mut study = synthetic::with_scaling();
    for point in points(&mut study) {
        for window in &mut point.windows {
            window.outside_objectives_ratio = (window.start_s == 1_200.0).then_some(0.25);
        }
        point.events = vec![Event { time_s: 1_230.0, node: "a\u{1b}b".to_owned(), what: "<stops>".to_owned() }];
    }
    let timeline = of_autoscaled(&study);
    assert_eq!(timeline.shades, [Shade { from: 20.0, to: 21.0, share: 0.25 }]);
    assert_eq!(timeline.events.len(), 1);
    assert_eq!(timeline.events[0].at, 20.5);
    assert!(!timeline.events[0].text.contains('\u{1b}'));
    assert_well_formed(&charts(&study, &[ChartKind::Timeline])[2].svg().unwrap());
}

#[test]
fn labels_of_events_never_overlap() {
    let mut study = synthetic::with_scaling();
    for point in points(&mut study) {
        let event = |index: u32| Event {
            time_s: 18.0 * f64::from(index),
            node: "shop".to_owned(),
            what: format!("number {index}"),
        };
        point.events = (0..200).map(event).collect();
    }
    let svg = charts(&study, &[ChartKind::Timeline])[2].svg().unwrap();
    let labels = svg.matches("shop: number").count();
    assert!((5..15).contains(&labels), "{labels} labels of 200 events");
    let timeline = of_autoscaled(&study);
    assert_eq!(timeline.events[199], Mark { at: 59.7, text: "shop: number 199".to_owned() });
}

#[test]
fn awkward_courses_are_drawn() {
    let exactly = |value: f64| Interval { value, low: value, high: value };
    for value in [0.0, f64::NAN, f64::INFINITY, 1e300, 1e29, 1e-29, -1.0] {
        let mut study = synthetic::with_scaling();
        for window in points(&mut study).flat_map(|point| &mut point.windows) {
            window.offered_per_s = Some(exactly(value));
            window.cost_usd_per_hour = Some(Interval { value: 1.0, low: -value, high: value });
            window.outside_objectives_ratio = Some(value);
            window.operations[0].p99_s = Some(exactly(value));
            for node in &mut window.nodes {
                node.queue_length = Some(exactly(value));
                node.measures.iter_mut().for_each(|measure| measure.estimate = exactly(value));
            }
        }
        for point in points(&mut study) {
            point.events.iter_mut().for_each(|event| event.time_s = value);
        }
        for chart in charts(&study, &[ChartKind::Timeline]) {
            let svg = chart.svg().unwrap();
            assert_well_formed(&svg);
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{value}");
        }
    }
    let mut study = synthetic::with_scaling();
    points(&mut study).for_each(|point| point.windows.truncate(1));
    charts(&study, &[ChartKind::Timeline]).iter().for_each(|chart| assert_well_formed(&chart.svg().unwrap()));
    for window in points(&mut study).flat_map(|point| &mut point.windows) {
        window.operations.clear();
        window.nodes.clear();
        (window.offered_per_s, window.cost_usd_per_hour) = (None, None);
    }
    assert!(charts(&study, &[ChartKind::Timeline]).is_empty(), "nothing is told");
}
