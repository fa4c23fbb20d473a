//! The language of experiments: every knob moves something, and what is written in two ways is the same.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use forescale::diagnostic::report::{Style, text};
use forescale::diagnostic::{Diagnostics, Level};
use forescale::experiment::plan::{Plan, PlannedPoint, load};
use forescale::experiment::refine::refine;
use forescale::experiment::run::{complete, conclude, take_or_study};
use forescale::experiment::store::{Missing, Store};
use forescale::experiment::study::{Interval, Refusal, Study, Verdict};
use forescale::report::chart::charts;
use forescale::report::table;

const MODEL: &str = r#"Architecture(
    name: "line",
    nodes: {
        "users": Clients(rate: "10/s", mix: { "web.read": 3, "web.write": 1 }),
        "web": Service(replicas: 2, workers: 16, price: "$0.10/h", operations: {
            "read": [ Compute(Exponential("10ms")), Call("db.get") ],
            "write": [ Compute(Exponential("20ms")), Call("db.get") ],
        }),
        "db": Database(cores: 2, price: "$0.50/h", operations: { "get": Read(cpu: Exponential("5ms")) }),
    },
    links: {},
)"#;

const LOAD: &str = r#"load: Axis(path: "nodes.users.rate", label: "requests", unit: "1/s", values: ["10/s", "40/s"]),"#;

/// A plan of these fields, and what was said about it.
fn planned(fields: &str) -> (Option<Plan>, Diagnostics) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path: PathBuf = folder.path().join("line.experiment.ron");
    std::fs::write(folder.path().join("line.ron"), MODEL).expect("the model can be written");
    let coarse = if fields.contains("precision:") { "" } else { "precision: \"30%\", budget: 200_000," };
    let head = format!("title: \"A line\", model: \"line.ron\", replications: 4, {coarse}");
    std::fs::write(&path, format!("Experiment({head} {fields})")).expect("the experiment can be written");
    let mut diagnostics = Diagnostics::new();
    let plan = load(&path, false, None, &mut diagnostics);
    (plan, diagnostics)
}

fn plan(fields: &str) -> Plan {
    let (plan, diagnostics) = planned(fields);
    plan.unwrap_or_else(|| panic!("{}", text(&diagnostics, Style::default())))
}

fn study(fields: &str) -> Study {
    run(&plan(fields))
}

fn run(plan: &Plan) -> Study {
    let (mut plan, folder) = (plan.clone(), tempfile::tempdir().expect("a temporary folder"));
    let store = Store::open(&folder.path().join("store.sqlite"), Missing::Make).expect("a new store");
    let mut findings = vec![None; plan.points.len()];
    complete(&plan, &mut findings, &|_| true, &store, true, &|| ()).expect("no law is broken");
    let take = |point: &PlannedPoint| take_or_study(point, &store, true).map(Some);
    refine(&mut plan, &mut findings, &|_| true, &take).expect("no law is broken");
    conclude(&plan, findings).expect("every point is known")
}

/// Everything that decides a point's numbers.
fn configuration(point: &PlannedPoint) -> String {
    format!("{:?} {:?} {:?}", point.load, point.compiled, point.settings)
}

fn configurations(plan: &Plan) -> Vec<String> {
    plan.points.iter().map(configuration).collect()
}

fn names(plan: &Plan) -> Vec<&str> {
    plan.series.iter().map(|series| series.name.as_str()).collect()
}

#[test]
fn all_combinations_of_axes_run_and_each_is_another_configuration() {
    let axes = r#"axes: {
        "pods": Axis(path: "nodes.web.replicas", values: [2, 3, 4]),
        "timeout": Axis(path: "links.web -> db", values: [Link(timeout: "1s"), Link(timeout: "2s")]),
        "policy": Axis(path: "nodes.web.balancing", values: [RoundRobin, Random]),
    }, variants: { "as is": {}, "big": { "nodes.db.cores": 4 } },"#;
    let plan = plan(&format!("{LOAD} {axes}"));
    assert_eq!(plan.series.len(), 2 * 3 * 2 * 2);
    assert_eq!(plan.points.len(), 2 * plan.series.len());
    assert_eq!(plan.series[1].name, "as is, pods 2, timeout Link(timeout: \"1s\"), policy Random");
    assert_eq!(plan.series[1].settings["policy"], "Random");
    assert_eq!(plan.series[12].variant, "big");
    let mut all = configurations(&plan);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), plan.points.len(), "no two points are the same");
    assert_eq!(plan.axes.iter().map(|axis| axis.values.len()).collect::<Vec<_>>(), [3, 2, 2]);
}

#[test]
fn paths_move_together() {
    let lockstep = plan(&format!(
        "{LOAD} axes: {{ \"size\": Axis(path: \"nodes.web.replicas\", values: [2, 4], \
         with: {{ \"nodes.db.cores\": Linear(from: 4, to: 8, count: 2), \"nodes.db.price\": [\"$1/h\", \"$2/h\"] }}) }},"
    ));
    let variants = plan(&format!(
        "{LOAD} variants: {{ \"2\": {{ \"nodes.web.replicas\": 2, \"nodes.db.cores\": 4, \"nodes.db.price\": \"$1/h\" }}, \
         \"4\": {{ \"nodes.web.replicas\": 4, \"nodes.db.cores\": 8, \"nodes.db.price\": \"$2/h\" }} }},"
    ));
    assert_eq!(configurations(&lockstep), configurations(&variants));
    assert_eq!(names(&lockstep), ["size 2", "size 4"]);
    let load =
        r#"load: Axis(path: "nodes.users.rate", values: ["10/s", "40/s"], with: { "nodes.web.replicas": [1, 4] }),"#;
    let moved = plan(load);
    assert_eq!(
        configuration(&moved.points[0]),
        configurations(&plan(&format!("{LOAD} variants: {{ \"one\": {{ \"nodes.web.replicas\": 1 }} }},")))[0]
    );
    assert_eq!(
        configuration(&moved.points[1]),
        configurations(&plan(&format!("{LOAD} variants: {{ \"four\": {{ \"nodes.web.replicas\": 4 }} }},")))[1]
    );
}

#[test]
fn steps_are_the_lists_that_they_stand_for() {
    let of = |values: &str| plan(&format!("load: Axis(path: \"nodes.users.rate\", values: {values}),"));
    let linear = of("Linear(from: \"10/s\", to: \"40/s\", count: 4)");
    assert_eq!(linear.loads, [10.0, 20.0, 30.0, 40.0]);
    assert_eq!(configurations(&linear), configurations(&of("[\"10/s\", \"20/s\", \"30/s\", \"40/s\"]")));
    assert_eq!(of("Logarithmic(from: \"1/s\", to: \"100/s\", count: 3)").loads, [1.0, 10.0, 100.0]);
    let whole = plan(&format!(
        "{LOAD} axes: {{ \"workers\": Axis(path: \"nodes.web.workers\", values: Logarithmic(from: 1, to: 10, count: 5)) }},"
    ));
    assert_eq!(whole.axes[0].values, ["1", "2", "3", "6", "10"]);
}

#[test]
fn constraints_leave_out_exactly_what_breaks_them() {
    let axes = "axes: { \"pods\": Axis(path: \"nodes.web.replicas\", values: [1, 2, 3, 4]), \
                \"pool\": Axis(path: \"nodes.web.workers\", values: [8, 16, 32]) },";
    let kept = |constraints: &str| {
        let plan = plan(&format!("{LOAD} {axes} constraints: [{constraints}],"));
        let setting = |point: &PlannedPoint, name: &str| plan.series[point.series].settings[name].parse::<f64>();
        let of = |point: &PlannedPoint| {
            (setting(point, "pods").expect("a number"), setting(point, "pool").expect("a number"), point.load)
        };
        let skipped: Vec<u64> = plan.constraints.iter().map(|constraint| constraint.skipped).collect();
        (plan.points.iter().map(of).collect::<Vec<_>>(), skipped)
    };
    let (all, none) = kept("");
    assert_eq!((all.len(), none.len()), (24, 0));
    let (some, skipped) = kept("\"pods * pool <= 48\"");
    let expected: Vec<_> = all.iter().copied().filter(|(pods, pool, _)| pods * pool <= 48.0).collect();
    assert_eq!(some, expected);
    assert_eq!(skipped, [(24 - expected.len()) as u64]);
    let (some, skipped) = kept("\"pods / 2 != 1.5 || !(load > 20)\", \"pool % 16 == 0 && pods >= 2\"");
    let holds = |(pods, _, load): &(f64, f64, f64)| *pods != 3.0 || *load <= 20.0;
    let expected: Vec<_> =
        all.iter().copied().filter(holds).filter(|one| one.1 % 16.0 == 0.0 && one.0 >= 2.0).collect();
    assert_eq!(some, expected);
    assert_eq!(skipped.iter().sum::<u64>() as usize + expected.len(), 24);
    let (_, skipped) = kept("\"-pods < 0\", \"2 ^ pods < 10\"");
    assert_eq!(skipped, [0, 6], "the fourth pod, at three pools and two loads");
    let guarded = plan(&format!("{LOAD} {axes} constraints: [\"pods == 1 || 12 / (pods - 1) >= 6\"],"));
    assert_eq!((guarded.series.len(), guarded.constraints[0].skipped), (9, 6), "the fourth pod; no zero is divided by");
    let whole = |constraint: &str| {
        plan(&format!("{LOAD} {axes} constraints: [\"{constraint}\"],")).constraints[0].skipped_whole
    };
    assert_eq!((whole("pods < 4"), whole("pods < 4 || load < 20")), (3, 0), "at every load, and at one of two");
    let policy = plan(&format!(
        "{LOAD} axes: {{ \"policy\": Axis(path: \"nodes.web.balancing\", values: [RoundRobin, Random]) }}, \
         constraints: [\"policy == \\\"Random\\\"\"],"
    ));
    assert_eq!(names(&policy), ["policy Random"]);
}

#[test]
fn a_sum_is_its_parts_one_after_the_other_and_then_its_own() {
    let parts = "\"more pods\": { \"nodes.web.replicas\": 4 }, \
                 \"bigger\": { \"nodes.db.cores\": 8, \"nodes.db.price\": \"$1/h\" }";
    let sums = plan(&format!(
        "{LOAD} variants: {{ \"as is\": {{}}, {parts}, \"more pods + bigger\": {{}}, \
         \"bigger + more pods\": {{ \"nodes.db.price\": \"$3/h\" }} }},"
    ));
    let written = plan(&format!(
        "{LOAD} variants: {{ \"as is\": {{}}, {parts}, \
         \"both\": {{ \"nodes.web.replicas\": 4, \"nodes.db.cores\": 8, \"nodes.db.price\": \"$1/h\" }}, \
         \"both, dearer\": {{ \"nodes.web.replicas\": 4, \"nodes.db.cores\": 8, \"nodes.db.price\": \"$3/h\" }} }},"
    ));
    assert_eq!(configurations(&sums), configurations(&written));
    let chosen = plan(&format!(
        "{LOAD} variants: {{ \"as is\": {{}}, {parts} }}, run: [\"more pods + bigger\", \"as is\"], baseline: \"as is\","
    ));
    assert_eq!(names(&chosen), ["more pods + bigger", "as is"]);
    assert_eq!(chosen.baseline, "as is");
    assert_eq!(sums.baseline, "as is", "the first one");
    assert_eq!(configurations(&chosen)[..2], configurations(&sums)[6..8]);
    // Two parts may agree, and the sum itself may settle what they do not agree on.
    let agreed =
        "\"a\": { \"nodes.db.cores\": 8 }, \"b\": { \"nodes.db.cores\": 8 }, \"c\": { \"nodes.db.cores\": 4 },";
    plan(&format!("{LOAD} variants: {{ {agreed} \"a + b\": {{}}, \"a + c\": {{ \"nodes.db.cores\": 6 }} }},"));
    let (refused, diagnostics) = planned(&format!("{LOAD} variants: {{ {agreed} \"a + c\": {{}} }},"));
    assert!(refused.is_none() && diagnostics.iter().any(|found| found.code == "conflicting-edits"));
}

#[test]
fn objectives_are_met_missed_or_open() {
    let objectives = "objectives: [
        Latency(below: \"10s\"), Latency(quantile: 0.5, below: \"1ms\"), Latency(operation: \"web.write\", quantile: P95, below: \"1s\"),
        ErrorRatio(below: \"1%\"), Availability(above: \"99%\"), Throughput(above: \"1k/s\"),
        Cost(below: \"$0.70/h\"), Cost(below: \"$0.69/h\"), CostPerMillion(below: \"$1000\"), CostPerMillion(below: \"$1/1M\"),
    ],";
    let study = study(&format!("{LOAD} {objectives}"));
    use Verdict::{Met, Missed};
    let expected = [Met, Missed, Met, Met, Met, Missed, Met, Missed, Met, Missed];
    for point in &study.variants[0].points {
        let verdicts: Vec<Verdict> = point.objectives.iter().map(|judgement| judgement.verdict).collect();
        assert_eq!(verdicts, expected, "{:?}", point.objectives);
    }
    assert_eq!(study.objectives[2].name, "p95 of web.write below 1s");
    let write = study.variants[0].points[0].operations.iter().find(|one| one.name == "web.write").expect("requested");
    assert_eq!(study.variants[0].points[0].objectives[2].estimate, write.p95_s);
    let shown = table::study(&study);
    assert!(shown.contains("p99 below 10s") && shown.contains("missed") && shown.contains("requests (1/s)"), "{shown}");
    let latency = charts(&study, &[forescale::experiment::study::ChartKind::Latency])[0].svg().expect("a picture");
    assert!(latency.contains("p99 below 10s") && latency.contains("requests (1/s)"));
    assert!(!latency.contains("web.write"), "what the picture does not show has no limit in it");
}

#[test]
fn a_verdict_is_open_where_the_interval_holds_the_limit() {
    let study = study(&format!("{LOAD} objectives: [ Latency(below: \"100ms\"), Availability(above: \"99%\") ],"));
    let mut point = study.variants[0].points[0].clone();
    let mut judged = |low: f64, high: f64| {
        point.operations[0].p99_s = Some(Interval { value: (low + high) / 2.0, low, high });
        study.objectives[0].judge(&point).verdict
    };
    assert_eq!(judged(0.08, 0.09), Verdict::Met);
    assert_eq!(judged(0.08, 0.1), Verdict::Met, "the limit itself is good enough");
    assert_eq!(judged(0.08, 0.11), Verdict::Unsure);
    assert_eq!(judged(0.101, 0.11), Verdict::Missed);
    point.operations[0].p99_s = None;
    assert_eq!(study.objectives[0].judge(&point).verdict, Verdict::Unsure, "no number");
    point.operations[0].error_ratio = Some(Interval { value: 0.008, low: 0.007, high: 0.009 });
    let judgement = study.objectives[1].judge(&point);
    assert_eq!(judgement.verdict, Verdict::Met);
    assert!(judgement.estimate.is_some_and(|estimate| (estimate.low - 0.991).abs() < 1e-12));
    let mut refused = |code: &str| {
        point.refusal = Some(Refusal { code: code.to_owned(), reason: String::new() });
        study.objectives[1].judge(&point)
    };
    assert_eq!(refused("unstable").verdict, Verdict::Missed);
    assert_eq!(refused("budget_spent").verdict, Verdict::Unsure);
    assert_eq!(refused("drift").estimate, None);
}

#[test]
fn the_same_text_gives_the_same_bytes_and_knees() {
    let fields = "load: Axis(path: \"nodes.users.rate\", values: Linear(from: \"10/s\", to: \"190/s\", count: 5)), \
                  axes: { \"cores\": Axis(path: \"nodes.db.cores\", values: [1, 2]) }, constraints: [\"load < 150 || cores > 1\"],";
    let (one, other) = (study(fields), study(fields));
    assert_eq!(one.digest, other.digest);
    assert_eq!(one.variants[0].points.len() + 1, one.variants[1].points.len());
    let knee = one.variants[1].knee.expect("the web's two cores do 160/s");
    assert!(knee.low_load >= 10.0 && knee.high_load <= 190.0 && knee.low_load < knee.load, "{knee:?}");
    let shown = table::study(&one);
    assert!(shown.contains("the knee is between") && shown.contains("1 combination was not run"), "{shown}");
}

/// Groups of users that ask for the same share everything but their own experience.
#[test]
fn each_group_of_clients_is_told_and_judged_apart() {
    let fields = format!(
        "{LOAD} variants: {{ \"as is\": {{}}, \"two groups\": {{
            \"nodes.bulk\": Clients(rate: \"60/s\", priority: 5, mix: {{ \"web.write\": 1 }}),
            \"nodes.bulk users\": Clients(rate: \"0.5/s\", mix: {{ \"web.read\": 1 }}),
        }} }}, run: [\"two groups\"],
        objectives: [ Throughput(operation: \"users\", above: \"5/s\"), Throughput(operation: \"users: web.write\", above: \"5/s\"),
                      Throughput(operation: \"bulk\", above: \"40/s\") ],"
    );
    let study = study(&fields);
    let point = &study.variants[0].points[0];
    let per_s = |name: &str| {
        let told = point.operations.iter().find(|operation| operation.name == name);
        told.and_then(|one| one.throughput_per_s).unwrap_or_else(|| panic!("nothing of {name}")).value
    };
    let near = |one: f64, other: f64| (one - other).abs() < 1e-9 * other;
    assert!(near(per_s("users") + per_s("bulk") + per_s("bulk users"), per_s("all")));
    assert!(near(per_s("users: web.write") + per_s("bulk"), per_s("web.write")));
    assert!(near(per_s("users: web.read") + per_s("users: web.write"), per_s("users")));
    assert!((9.0..11.0).contains(&per_s("users")) && (55.0..65.0).contains(&per_s("bulk")));
    assert!(near(per_s("bulk: web.write"), per_s("bulk")));
    let verdicts: Vec<Verdict> = point.objectives.iter().map(|judgement| judgement.verdict).collect();
    assert_eq!(verdicts, [Verdict::Met, Verdict::Missed, Verdict::Met]);
    // One group alone is all there is.
    let alone = self::study(LOAD);
    let names: Vec<&str> = alone.variants[0].points[0].operations.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["all", "web.read", "web.write"]);
}

/// The loads of each series.
fn loads(study: &Study) -> Vec<Vec<f64>> {
    study.variants.iter().map(|one| one.points.iter().map(|point| point.load).collect()).collect()
}

/// One server that does 200/s: flat at first, steep at the end, and then none at all.
#[test]
fn further_loads_go_to_where_a_curve_bends() {
    let axis = |rest: &str| {
        format!(
            "precision: \"10%\", budget: 2_000_000, {rest}
             load: Axis(path: \"nodes.users.rate\", values: [\"10/s\", \"60/s\", \"110/s\", \"400/s\"]),
             variants: {{ \"as is\": {{}}, \"ample\": {{ \"nodes.web.replicas\": 20, \"nodes.db.cores\": 20 }} }},"
        )
    };
    let listed = [10.0, 60.0, 110.0, 400.0];
    assert_eq!(loads(&study(&axis(""))), [listed, listed]);
    let refined = study(&axis("refine: 5,"));
    let [bent, ample] = loads(&refined).try_into().expect("two series");
    assert!(listed.iter().all(|load| bent.contains(load) && ample.contains(load)), "{bent:?} {ample:?}");
    assert!(bent.is_sorted_by(|one, other| one < other), "{bent:?}");
    assert!((6..=9).contains(&bent.len()), "{bent:?}");
    // The web's two cores do 160/s.
    let last_held = refined.variants[0].points.iter().rev().find(|point| point.refusal.is_none()).map(|one| one.load);
    assert!(last_held.is_some_and(|load| (120.0..160.0).contains(&load)), "{bent:?}");
    assert!(bent.iter().any(|load| (160.0..250.0).contains(load)), "{bent:?}");
    assert_eq!(ample, listed, "a flat line needs no further point");
    // Every further load is one like those that are listed, and none is made that a constraint forbids.
    assert!(bent.iter().all(|load| load.fract() == 0.0), "{bent:?}");
    let held = study(&axis("refine: 5, constraints: [\"load <= 110 || load >= 300\"],"));
    assert!(loads(&held)[0].iter().all(|load| *load <= 110.0 || *load >= 300.0), "{:?}", loads(&held));
    // A load that is forbidden is not the end of it.
    let held = study(&axis("refine: 5, constraints: [\"load < 195 || load > 205\"],"));
    assert!(loads(&held)[0].iter().any(|load| (111.0..195.0).contains(load)), "{:?}", loads(&held));
    let fewer = study(&axis("refine: 1,"));
    assert_eq!(loads(&fewer)[0].len(), 5);
    assert_eq!(study(&axis("refine: 5,")).digest, refined.digest);
}

#[test]
fn many_series_are_drawn_in_pictures_that_can_be_read() {
    let plan = plan(&format!(
        "{LOAD} axes: {{ \"pods\": Axis(path: \"nodes.web.replicas\", values: [1, 2, 3]), \
         \"cores\": Axis(path: \"nodes.db.cores\", values: [1, 2, 3]) }}, \
         variants: {{ \"as is\": {{}}, \"many workers\": {{ \"nodes.web.workers\": 64 }} }},"
    ));
    let study = run(&plan);
    // Each is compared with the baseline at the same settings.
    assert!(study.comparisons.iter().all(|one| one.variant.starts_with("many workers, pods ")));
    let series: BTreeSet<&str> = study.comparisons.iter().map(|one| one.variant.as_str()).collect();
    assert_eq!(series.len(), 9);
    let all = charts(&study, &forescale::experiment::study::ChartKind::ALL);
    let stems: Vec<&str> = all.iter().map(|chart| chart.stem.as_str()).collect();
    for stem in ["latency", "latency-of-as-is", "cost-of-many-workers", "cost-per-million", "latency-against-cost"] {
        assert!(stems.contains(&format!("line.experiment-{stem}").as_str()), "{stem} in {stems:?}");
    }
    let mut unique = stems.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), stems.len(), "{stems:?}");
    assert_eq!(stems.iter().filter(|stem| stem.contains("utilization")).count(), 8);
    assert!(all[0].description().contains("of the 8 most efficient of 18 series"), "{}", all[0].description());
}

/// What would cost time or memory is refused before it is made.
#[test]
fn hostile_experiments_end_soon() {
    let axis = |name: &str, path: &str| {
        format!("\"{name}\": Axis(path: \"{path}\", values: Linear(from: 1, to: 10_000, count: 10_000)),")
    };
    assert!(planned(&format!("{LOAD} run: [\"{}\"],", "a + ".repeat(10_000))).0.is_none());
    let axes = [axis("a", "nodes.web.replicas"), axis("b", "nodes.web.workers"), axis("c", "nodes.db.cores")].concat();
    let (refused, diagnostics) = planned(&format!("{LOAD} axes: {{ {axes} }},"));
    assert!(refused.is_none() && diagnostics.iter().any(|found| found.code == "too-many-points"));
    for expression in
        ["!".repeat(400) + "(load < 1)", "-".repeat(400) + "load < 1", "(".repeat(300), "load^".repeat(120) + "2 > 1"]
    {
        let (_, diagnostics) = planned(&format!("{LOAD} constraints: [\"{expression}\"],"));
        assert!(diagnostics.iter().all(|found| found.level == Level::Error && found.help.is_some()));
    }
    let many = "\"load > 0\",".repeat(200);
    assert!(planned(&format!("{LOAD} constraints: [{many}],")).0.is_none());
}

#[test]
fn results_do_not_know_where_the_experiment_lies() {
    let plan = plan(LOAD);
    assert_eq!((plan.space.name.as_str(), plan.space.experiment.model.as_str()), ("line.experiment", "line.ron"));
    assert!(Path::new(&plan.space.experiment.model.value).is_relative());
}
