//! Pictures of a synthetic study, of awkward studies, and of hostile names.

mod over_time;

use super::*;
use crate::experiment::metric::Metric;
use crate::experiment::study::{Bound, Interval, Knee, Objective, Variant};
use crate::report::synthetic;

const BOTH: Formats = Formats { svg: true, png: true };

fn svg_of(study: &Study, kind: ChartKind) -> String {
    charts(study, &[kind])[0].svg().unwrap()
}

/// Every opened element is closed, in order, and every text is free of raw markup.
fn assert_well_formed(document: &str) {
    let mut open = Vec::new();
    let mut rest = document;
    while let Some(start) = rest.find('<') {
        let text = &rest[..start];
        assert!(!text.contains('>'), "{text}");
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(tag.split_whitespace().next().unwrap());
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "{open:?} stays open");
    assert!(document.chars().all(|character| character == '\n' || !character.is_control()));
}

#[test]
fn pictures_name_what_they_show() {
    let study = synthetic::study();
    let latency = svg_of(&study, ChartKind::Latency);
    for text in
        ["Which technique", "p99 latency", "Concurrent users", "fixed fleet", "with cache", "autoscaled", "50k", "2 s"]
    {
        assert!(latency.contains(text), "{text}");
    }
    let percentiles = svg_of(&study, ChartKind::LatencyPercentiles);
    for text in ["fixed fleet: p50, p95 and p99", "p50", "p95", "p99", "200 ms", "seed 7"] {
        assert!(percentiles.contains(text), "{text}");
    }
    let utilization = svg_of(&study, ChartKind::Utilization);
    for text in ["gateway", "shop", "redis", "postgres", "100%"] {
        assert!(utilization.contains(text), "{text}");
    }
    assert!(!utilization.contains("shop-hpa"), "a controller has no utilization");
}

#[test]
fn files_are_small_well_formed_and_the_same_each_time() {
    let study = synthetic::study();
    let all = charts(&study, &ChartKind::ALL);
    assert_eq!(all.len(), 10);
    for chart in &all {
        let svg = chart.svg().unwrap();
        assert_well_formed(&svg);
        assert_eq!(svg, chart.svg().unwrap());
        assert!(svg.len() < 25_000, "{}: {} bytes", chart.stem, svg.len());
    }
    let png = all[0].png().unwrap();
    assert_eq!(png, all[0].png().unwrap());
    assert!(png.len() < 120_000, "{} bytes", png.len());
}

#[test]
fn refused_points_are_gaps_with_a_cross() {
    let mut study = synthetic::study();
    study.variants.truncate(1);
    for point in &mut study.variants[0].points {
        if point.load == 5_000.0 {
            *point = synthetic::refused(5_000.0, "too_few_exceedances");
        }
    }
    let picture = latency::picture(&study, "");
    assert!(picture.lines[0].spots[2].is_none());
    assert_eq!(picture.refusals[0].places, [5_000.0, 30_000.0, 40_000.0, 50_000.0]);
    let svg = svg_of(&study, ChartKind::Latency);
    assert!(svg.contains("fixed fleet: too few exceedances, unstable"));
    let frontier = svg_of(&study, ChartKind::LatencyAgainstCost);
    assert!(frontier.contains("too few exceedances, unstable at 5k, 30k, 40k, 50k"));
}

#[test]
fn an_absent_quantity_is_a_gap_without_a_cross() {
    let mut study = synthetic::study();
    study.variants.truncate(1);
    study.variants[0].points.truncate(4);
    study.variants[0].points[1].operations[0].p99_s = None;
    let picture = latency::picture(&study, "");
    assert!(picture.lines[0].spots[1].is_none() && picture.lines[0].spots[2].is_some());
    assert!(picture.refusals.is_empty());
    // A thin line leads across, and the subtitle says what it means.
    assert!(picture.lines[0].bridged && picture.subtitle.contains("thin: not told"));
    let bridged = svg_of(&study, ChartKind::Latency);
    study.variants[0].points[1] = synthetic::refused(study.variants[0].points[1].load, "unstable");
    let picture = latency::picture(&study, "");
    assert!(!picture.lines[0].bridged && !picture.subtitle.contains("thin"), "nothing leads across what is not held");
    assert_eq!(
        bridged.matches("opacity=\"0.5\"").count(),
        svg_of(&study, ChartKind::Latency).matches("opacity=\"0.5\"").count() + 1
    );
}

#[test]
fn only_a_clearly_worse_point_at_the_same_load_is_dominated() {
    let picture = latency_against_cost::picture(&synthetic::study(), "");
    let dominated = |line: usize, point: usize| picture.lines[line].spots[point].as_ref().map(|spot| spot.hollow);
    // At 1k the cheapest is autoscaled and the fastest has the cache: the fixed fleet is between them in both.
    assert_eq!((dominated(0, 0), dominated(1, 0), dominated(2, 0)), (Some(false), Some(false), Some(false)));
    // At 20k autoscaled is cheaper and faster than the fixed fleet.
    assert_eq!(dominated(0, 4), Some(true));
}

#[test]
fn awkward_studies_are_drawn() {
    for (name, study) in awkward() {
        for chart in charts(&study, &ChartKind::ALL) {
            let svg = chart.svg().unwrap_or_else(|error| panic!("{name}, {}: {error}", chart.stem));
            assert_well_formed(&svg);
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}, {}", chart.stem);
        }
        // The bitmap shares all but the pixels: one kind suffices.
        for chart in charts(&study, &[ChartKind::LatencyAgainstCost]) {
            assert!(chart.png().is_ok(), "{name}");
        }
    }
}

/// Studies that a user can bring about, however unwise.
fn awkward() -> Vec<(&'static str, Study)> {
    let changed = |change: &dyn Fn(&mut Study)| {
        let mut study = synthetic::study();
        change(&mut study);
        study
    };
    let every_latency = |study: &mut Study, interval: Interval| {
        for point in study.variants.iter_mut().flat_map(|variant| &mut variant.points) {
            point.cost_usd_per_hour = Some(interval);
            point.operations.iter_mut().for_each(|operation| operation.p99_s = Some(interval));
            point.nodes.iter_mut().for_each(|node| node.utilization = Some(interval));
        }
    };
    let exactly = |value: f64| Interval { value, low: value, high: value };
    vec![
        ("no variants", changed(&|study| study.variants.clear())),
        ("no points", changed(&|study| study.variants.iter_mut().for_each(|variant| variant.points.clear()))),
        (
            "no axis",
            changed(&|study| {
                study.axis.values.clear();
                study.axis.label.clear();
                study.title.clear();
                study.variants.iter_mut().for_each(|variant| variant.points.clear());
            }),
        ),
        (
            "one load",
            changed(&|study| {
                study.axis.values.truncate(1);
                study.variants.iter_mut().for_each(|variant| variant.points.truncate(1));
            }),
        ),
        (
            "zero load",
            changed(&|study| {
                study.axis.values = vec![0.0];
                study.variants.iter_mut().for_each(|variant| variant.points = vec![synthetic::point(0.0, 0.1, 10.0)]);
            }),
        ),
        (
            "all refused",
            changed(&|study| {
                for point in study.variants.iter_mut().flat_map(|variant| &mut variant.points) {
                    *point = synthetic::refused(point.load, "no_requests");
                }
            }),
        ),
        (
            "no nodes, no operations",
            changed(&|study| {
                for point in study.variants.iter_mut().flat_map(|variant| &mut variant.points) {
                    point.nodes.clear();
                    point.operations.clear();
                }
            }),
        ),
        ("zero", changed(&|study| every_latency(study, exactly(0.0)))),
        ("not a number", changed(&|study| every_latency(study, exactly(f64::NAN)))),
        ("infinite", changed(&|study| every_latency(study, exactly(f64::INFINITY)))),
        ("huge", changed(&|study| every_latency(study, exactly(1e300)))),
        ("large", changed(&|study| every_latency(study, exactly(1e29)))),
        ("tiny", changed(&|study| every_latency(study, exactly(1e-29)))),
        ("negative", changed(&|study| every_latency(study, exactly(-1.0)))),
        ("wide", changed(&|study| every_latency(study, Interval { value: 1.0, low: -1e29, high: 1e29 }))),
        (
            "half known",
            changed(&|study| every_latency(study, Interval { value: 1.0, low: f64::NAN, high: f64::INFINITY })),
        ),
        (
            "strange loads",
            changed(&|study| {
                let loads = [f64::NAN, f64::INFINITY, -5.0, 0.0, 1e-29, 1e29, 7.0, 7.0];
                for variant in &mut study.variants {
                    variant.points.iter_mut().zip(loads).for_each(|(point, load)| point.load = load);
                }
            }),
        ),
        (
            "hostile names",
            changed(&|study| {
                study.title = "</text><script>alert(1)</script> & \"quotes\" \u{0}\u{1b}\u{FFFF} 日本 🦀 ".repeat(20);
                study.axis.label = "<&>".repeat(200);
                study.variants[0].name = "a".repeat(5_000);
                study.variants[1].name = "../../\n\\ /".to_owned();
                study.variants[2].name = String::new();
            }),
        ),
        (
            "crowd",
            changed(&|study| {
                let variants = study.variants.clone();
                let named = |index: usize| Variant { name: format!("variant {index}"), ..variants[index % 3].clone() };
                study.variants = (0..60).map(named).collect();
            }),
        ),
    ]
}

#[test]
fn drawing_writes_the_files_it_names() {
    let directory = tempfile::tempdir().unwrap();
    let mut study = synthetic::study();
    study.variants[1].name = "Fixed Fleet".to_owned();
    study.variants[2].name = "against cost".to_owned();
    let target = directory.path().join("new/plots");
    let files = draw(&study, &target, &[ChartKind::Utilization, ChartKind::Latency, ChartKind::Latency], BOTH).unwrap();
    let names: Vec<_> = files.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    let expected = [
        "peak-latency.svg",
        "peak-latency.png",
        "peak-utilization-fixed-fleet.svg",
        "peak-utilization-fixed-fleet.png",
        "peak-utilization-fixed-fleet-2.svg",
        "peak-utilization-fixed-fleet-2.png",
        "peak-utilization-against-cost-2.svg",
        "peak-utilization-against-cost-2.png",
    ];
    assert_eq!(names, expected);
    assert!(files.iter().all(|path| path.metadata().unwrap().len() > 1_000));
    assert!(draw(&study, &target, &[ChartKind::Latency], Formats { svg: false, png: false }).unwrap().is_empty());
}

#[test]
fn limits_are_dashed_lines_where_they_belong() {
    let mut study = synthetic::study();
    let objective = |name: &str, quantity, operation: &str, limit| Objective {
        name: name.to_owned(),
        quantity,
        operation: operation.to_owned(),
        bound: Bound::Below,
        limit,
    };
    study.objectives = vec![
        objective("fast", Metric::P99, "all", 0.5),
        objective("fast checkout", Metric::P99, "checkout", 0.5),
        objective("cheap", Metric::CostPerHour, "all", 400.0),
        objective("nonsense", Metric::P99, "all", f64::NAN),
    ];
    let (latency, cost) = (svg_of(&study, ChartKind::Latency), svg_of(&study, ChartKind::Cost));
    assert!(latency.contains(">\nfast\n<") && !latency.contains("fast checkout") && !latency.contains("nonsense"));
    assert!(cost.contains("cheap") && cost.contains("$500"), "the axis reaches to the limit");
    let frontier = svg_of(&study, ChartKind::LatencyAgainstCost);
    assert!(frontier.contains(">\nfast\n<") && frontier.contains("cheap"));
    assert!(svg_of(&study, ChartKind::LatencyPercentiles).contains(">\nfast\n<"));
    assert_well_formed(&frontier);
}

#[test]
fn the_knee_is_ringed() {
    let mut study = synthetic::study();
    study.variants[1].knee = Some(Knee { load: 20_000.0, low_load: 10_000.0, high_load: 30_000.0 });
    let picture = latency::picture(&study, " of every variant");
    let ringed: Vec<(usize, f64)> = picture
        .lines
        .iter()
        .enumerate()
        .flat_map(|(line, known)| {
            known.spots.iter().flatten().filter(|spot| spot.ringed).map(move |spot| (line, spot.x.value))
        })
        .collect();
    assert_eq!(ringed, [(1, 20_000.0)]);
    assert!(picture.subtitle.ends_with("; ring: knee"), "{}", picture.subtitle);
    let circles = |study: &Study| svg_of(study, ChartKind::Latency).matches("<circle").count();
    assert_eq!(circles(&study), circles(&synthetic::study()) + 1);
}

#[test]
fn kinds_are_named_in_experiments() {
    let kinds: Vec<ChartKind> = ron::from_str("[Latency, CostPerMillion, LatencyAgainstCost]").unwrap();
    assert_eq!(kinds, [ChartKind::Latency, ChartKind::CostPerMillion, ChartKind::LatencyAgainstCost]);
}

fn source(objectives: Vec<Objective>) -> Source {
    Source {
        name: "peak".to_owned(),
        title: "Which is enough?".to_owned(),
        label: "users".to_owned(),
        objectives,
        digest: "c0ffee".to_owned(),
        footer: "shop.ron · seed 7".to_owned(),
    }
}

fn tornadoes(found: &Sensitivity) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let limit = Objective {
        name: "p99 below 300ms".to_owned(),
        quantity: Metric::P99,
        operation: "web.page".to_owned(),
        bound: Bound::Below,
        limit: 0.3,
    };
    let source = source(vec![limit]);
    let files = draw_tornadoes(&source, found, folder.path(), BOTH).expect("the charts can be written");
    assert_eq!(files.len(), 2 * found.series.len());
    files
        .iter()
        .filter(|file| file.extension().is_some_and(|ending| ending == "svg"))
        .map(|file| std::fs::read_to_string(file).expect("a chart"))
        .collect()
}

#[test]
fn a_tornado_has_a_bar_for_what_is_real_and_says_what_becomes_unstable() {
    let found = synthetic::sensitivity();
    let drawn = tornadoes(&found);
    for text in
        ["What moves p99: as is", "postgres.read.cpu", "unstable", "redis.entries", "as written 270 ms", "limit 300 ms"]
    {
        assert!(drawn[0].contains(text), "{text}");
    }
    assert!(!drawn[0].contains("users.think"), "chance moves nothing");
    assert!(drawn[1].contains("No assumption"));
    drawn.iter().for_each(|document| assert_well_formed(document));
    assert_eq!(drawn, tornadoes(&found));
}

#[test]
fn awkward_tornadoes_are_drawn_too() {
    let mut found = synthetic::sensitivity();
    let effect = found.series[0].assumptions[0].clone();
    for (low, high) in
        [(None, None), (Some(0.0), Some(0.0)), (Some(f64::NAN), Some(f64::INFINITY)), (Some(1e-9), Some(1e9))]
    {
        let mut one = effect.clone();
        (one.low_third_p99_s, one.high_third_p99_s) = (low, high);
        one.assumption.name = "<&\"\u{1b}".repeat(60);
        found.series[0].assumptions = vec![one; 30];
        found.series[0].written.p99_s = None;
        tornadoes(&found).iter().for_each(|document| assert_well_formed(document));
        found.series[0].p99_s = None;
        tornadoes(&found).iter().for_each(|document| assert_well_formed(document));
    }
}

fn limit(name: &str, quantity: Metric, operation: &str, limit: f64) -> Objective {
    Objective { name: name.to_owned(), quantity, operation: operation.to_owned(), bound: Bound::Below, limit }
}

fn found_svg(objectives: Vec<Objective>, found: &Found) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let files = draw_found(&source(objectives), found, folder.path(), BOTH).expect("the chart can be written");
    let names: Vec<_> = files.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    assert_eq!(names, ["peak-find.svg", "peak-find.png"]);
    std::fs::read_to_string(&files[0]).expect("a chart")
}

#[test]
fn a_search_shows_the_front_the_winner_the_limit_and_what_is_beside() {
    let found = synthetic::found();
    let objectives = || vec![limit("p99 below 250ms", Metric::P99, "all", 0.25)];
    let svg = found_svg(objectives(), &found);
    for text in [
        "Which is enough?",
        "p99 latency against cost at 10k users; hollow: an objective is not met for sure",
        "not beaten in both",
        "cheapest: small, pods 4",
        "runner-up: large, pods 3",
        "p99 below 250ms",
        "large, pods 9",
        "unsure",
        "not drawn: 1 unstable",
        "shop.ron · seed 7",
    ] {
        assert!(svg.contains(text), "{text}");
    }
    assert_well_formed(&svg);
    assert_eq!(svg, found_svg(objectives(), &found));
    let picture = cheapest::picture(&source(objectives()), &found);
    let front: Vec<bool> = picture.lines[0].spots.iter().flatten().map(|spot| spot.hollow).collect();
    assert_eq!(front, [true, false, false, false], "what misses is hollow");
    let of_role = |role: &str| {
        let spots = picture.lines.iter().flat_map(|line| line.spots.iter().flatten());
        spots.filter(|spot| spot.label.as_deref() == Some(role)).map(|spot| spot.x.value).collect::<Vec<_>>()
    };
    assert_eq!((of_role("cheapest"), of_role("runner-up")), (vec![3.0], vec![4.0]));
}

#[test]
fn a_search_is_drawn_by_what_its_objectives_limit() {
    let mut found = synthetic::found();
    let judgement = |value: f64| crate::experiment::study::Judgement {
        verdict: crate::experiment::study::Verdict::Met,
        estimate: Some(synthetic::around(value, 0.1)),
    };
    for (index, one) in found.studied.iter_mut().enumerate() {
        one.objectives = vec![judgement(0.01), judgement(1.0 + index as f64)];
    }
    let objectives =
        vec![limit("few errors", Metric::ErrorRatio, "all", 0.02), limit("p95 below 4s", Metric::P95, "checkout", 4.0)];
    let picture = cheapest::picture(&source(objectives), &found);
    assert_eq!(picture.vertical.title, "p95 latency of checkout");
    assert_eq!(picture.vertical.limits.len(), 1);
    let front = &picture.lines[0].spots;
    let values: Vec<f64> = front.iter().flatten().map(|spot| spot.y.value).collect();
    assert_eq!(values, [1.0, 2.0, 3.0, 4.0]);
    assert!(front[1].is_none(), "the front is one of cost and p99, and no line here");
}

#[test]
fn awkward_searches_are_drawn_too() {
    let mut found = synthetic::found();
    (found.winner, found.runner_up) = (None, None);
    found.nearest = found.front.first().cloned();
    found.front.clear();
    assert!(found_svg(Vec::new(), &found).contains("nearest: small, pods 3"));
    for value in [0.0, f64::NAN, f64::INFINITY, 1e300, -1.0] {
        for one in &mut found.studied {
            one.name = "<&\"\u{1b}".repeat(60);
            one.p99_s = Some(Interval { value, low: value, high: value });
            one.cost_usd_per_hour = one.p99_s;
        }
        assert_well_formed(&found_svg(vec![limit("nonsense", Metric::P99, "all", value)], &found));
    }
    found.studied.clear();
    assert_well_formed(&found_svg(Vec::new(), &found));
}
