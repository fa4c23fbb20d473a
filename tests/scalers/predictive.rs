//! Predictive scaling: replicas for load that comes again, asked for a lead time before it comes.

use std::fmt::Write as _;

use crate::course::{Course, assert_moves_within, controlled, course, when};

/// A season of ten quiet minutes and ten busy ones, in seconds.
const SEASON_S: usize = 1_200;
const RISE_S: usize = 600;
/// Requests of a minute.
const QUIET: u32 = 20 * 60;
const BUSY: u32 = 100 * 60;

/// Counts of each minute, exactly as many as will be sent.
fn seasons(count: usize) -> Vec<u32> {
    (0..count * 20).map(|minute| if minute % 20 < 10 { QUIET } else { BUSY }).collect()
}

/// A file of counts, which lives as long as its folder.
struct Trace {
    folder: tempfile::TempDir,
}

impl Trace {
    fn new(counts: &[u32]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut text = "t_seconds,count\n".to_owned();
        for (minute, count) in counts.iter().enumerate() {
            writeln!(text, "{},{count}", minute * 60).expect("a line");
        }
        std::fs::write(folder.path().join("trace.csv"), text).expect("the counts can be written");
        Self { folder }
    }

    /// A service that these counts reach, scaled by a controller of these fields: two replicas for a quiet minute, nine for
    /// a busy one.
    fn model(&self, fields: &str) -> String {
        let file = self.folder.path().join("trace.csv");
        controlled(
            &format!(
                "\"c\": Clients(arrivals: Trace(file: {file:?}), mix: {{ \"web.get\": 1 }}),
                 \"web\": Service(replicas: 2, operations: {{ \"get\": [Wait(Constant(\"1ms\"))] }})"
            ),
            &format!(
                "\"scaler\": PredictiveScaling(target: \"web\", load_per_replica: 12, max_replicas: 40, interval: \"5s\",
                                               scale_down_window: \"1m\", {fields})"
            ),
        )
    }

    fn course(&self, fields: &str, seasons: usize) -> Course {
        course(&self.model(fields), &[], (seasons * SEASON_S) as u64)
    }
}

const NAIVE: &str = "method: SeasonalNaive(season: \"20m\")";

/// When in its season replicas for a busy minute are wanted for the first time.
fn asked_s(desired: &[f64], season: usize) -> usize {
    when(desired, season * SEASON_S + 120, |level| level >= 8.0) - season * SEASON_S
}

/// Where the step is as long as the lead time, longer, shorter, and in between.
#[test]
fn replicas_are_asked_for_a_lead_time_before_the_load_comes() {
    let trace = Trace::new(&seasons(4));
    for (step, lead_s) in [("1m", 60), ("1m", 180), ("1m", 90), ("5m", 60), ("5m", 300), ("1m", 1)] {
        let fields = format!("{NAIVE}, step: \"{step}\", lead_time: \"{lead_s}s\", reactive_floor: false");
        let desired = trace.course(&fields, 4).desired("web");
        for season in 2..4 {
            let asked = asked_s(&desired, season);
            // The first look at which the rise is within the lead time.
            let earliest = RISE_S - lead_s;
            assert!((earliest..=earliest + 6).contains(&asked), "step {step}, lead {lead_s} s: {asked} s of {RISE_S}");
        }
    }
}

/// The other seasonal methods are no later, and what was learnt is what is wanted.
#[test]
fn every_seasonal_method_is_in_time() {
    let trace = Trace::new(&seasons(6));
    for method in ["HoltWinters(season: \"20m\")", "LinearTrendWithSeasonality(season: \"20m\")"] {
        let fields = format!("method: {method}, step: \"1m\", lead_time: \"2m\", reactive_floor: false");
        let desired = trace.course(&fields, 6).desired("web");
        let asked = asked_s(&desired, 5);
        // A smooth season rises a little earlier than one that jumps.
        assert!((RISE_S - 300..=RISE_S - 110).contains(&asked), "{method}: {asked} s");
    }
}

#[test]
fn who_does_not_look_ahead_is_late() {
    let trace = Trace::new(&seasons(3));
    let desired = trace.course("method: LastValue, step: \"1m\", lead_time: \"3m\"", 3).desired("web");
    for season in 0..3 {
        let asked = asked_s(&desired, season);
        assert!((RISE_S..=RISE_S + 15).contains(&asked), "the floor sees it within two looks: {asked} s");
    }
    let bare = "method: LastValue, step: \"1m\", lead_time: \"0s\", reactive_floor: false";
    let asked = asked_s(&trace.course(bare, 3).desired("web"), 2);
    assert!((RISE_S + 60..=RISE_S + 66).contains(&asked), "without it, when the first step is over: {asked} s");
    // What has no season is seen as little by a method that knows seasons.
    let once = Trace::new(&[vec![QUIET; 50], vec![BUSY; 10]].concat());
    let desired = once.course(&format!("{NAIVE}, step: \"1m\", lead_time: \"3m\""), 3).desired("web");
    let asked = when(&desired, 120, |level| level >= 8.0);
    assert!((3_000..=3_015).contains(&asked), "{asked} s");
}

#[test]
fn an_oracle_knows_the_first_rise() {
    let trace = Trace::new(&seasons(1));
    let desired = trace.course("source: \"c\", method: Oracle, lead_time: \"90s\"", 1).desired("web");
    let asked = asked_s(&desired, 0);
    assert!((RISE_S - 90..=RISE_S - 84).contains(&asked), "{asked} s");
}

/// Two futures that agree until a moment have the same past.
#[test]
fn nothing_is_known_of_what_comes() {
    let one = seasons(3);
    let mut other = one.clone();
    other[50..].fill(BUSY * 2);
    let fields = format!("{NAIVE}, step: \"1m\", lead_time: \"3m\"");
    let [one, other] = [one, other].map(|counts| Trace::new(&counts).course(&fields, 3).desired("web"));
    assert_eq!(one[..50 * 60], other[..50 * 60]);
    assert_ne!(one[50 * 60..], other[50 * 60..]);
}

/// The forecasts that are held against the load are those that were made in time: each is of the step in which a lead time
/// ends that begins now. By hand: as long as no season has been seen, the last value is said.
#[test]
fn errors_are_those_of_forecasts_a_lead_time_before() {
    let counts = seasons(4);
    let trace = Trace::new(&counts);
    for (lead_s, ahead) in [(0, 1), (30, 2), (60, 2), (120, 3), (121, 4)] {
        let fields = format!("{NAIVE}, step: \"1m\", lead_time: \"{lead_s}s\"");
        let found = trace.course(&fields, 4);
        let load = |minute: usize| f64::from(counts[minute]);
        // The step `minute` was forecast when `minute + 1 - ahead` steps had been seen.
        let forecast = |minute: usize| if minute + 1 - ahead < 20 { load(minute - ahead) } else { load(minute) };
        let told = ahead..counts.len();
        let over: f64 = told.clone().map(|minute| (forecast(minute) - load(minute)).max(0.0)).sum();
        let under: f64 = told.clone().map(|minute| (load(minute) - forecast(minute)).max(0.0)).sum();
        let came: f64 = told.map(load).sum();
        for (name, expected) in [("over_forecast_ratio", over / came), ("under_forecast_ratio", under / came)] {
            let ratio = found.mean("scaler", name);
            assert!((ratio - expected).abs() < 1e-6, "{name}, lead {lead_s} s: {ratio} for {expected}");
        }
    }
}

#[test]
fn what_is_nearly_right_may_stay() {
    // 25 a second are for 2.08 replicas of twelve.
    let trace = Trace::new(&[25 * 60; 20]);
    let last = |fields: &str| {
        let fields = format!("method: LastValue, step: \"1m\", lead_time: \"0s\", reactive_floor: false, {fields}");
        *trace.course(&fields, 1).desired("web").last().expect("a level")
    };
    assert_eq!((last(""), last("tolerance: \"10%\""), last("tolerance: \"3%\"")), (3.0, 2.0, 3.0));
    assert_eq!(last("tolerance: \"10%\", headroom: \"20%\""), 3.0, "2.5 replicas");
}

#[test]
fn every_knob_moves_something() {
    let trace = Trace::new(&seasons(2));
    let text = trace.model(&format!("{NAIVE}, step: \"1m\", lead_time: \"2m\""));
    let mean = |course: &Course| course.mean("web", "desired_replicas");
    let moves = |field: &str, low: &str, high: &str, factor: f64| {
        let path = format!("controllers.scaler.{field}");
        let seconds = 2 * SEASON_S as u64;
        assert_moves_within(&text, (&path, low), (&path, high), factor, seconds, mean);
    };
    moves("load_per_replica", "20", "10", 1.5);
    moves("min_replicas", "1", "6", 1.2);
    moves("max_replicas", "4", "40", 1.5);
    moves("headroom", "\"0%\"", "\"50%\"", 1.1);
    moves("reactive_floor", "false", "true", 1.001);
    moves("scale_down_window", "\"0s\"", "\"8m\"", 1.2);
    moves("interval", "\"4m\"", "\"1s\"", 1.01);
    moves("lead_time", "\"0s\"", "\"8m\"", 1.1);
    // A rise in the middle of a step is seen as half as high.
    let desired = |step: &str| trace.course(&format!("{NAIVE}, step: \"{step}\", lead_time: \"2m\""), 2).desired("web");
    assert_ne!(desired("1m"), desired("4m"));
    moves("method", "LastValue", "SeasonalNaive(season: \"20m\")", 1.01);
    moves("metric", "RequestsInProgress", "RequestsPerSecond", 2.0);
}

#[test]
fn two_runs_are_the_same() {
    let trace = Trace::new(&seasons(2));
    let fields = format!("{NAIVE}, step: \"1m\", lead_time: \"2m\"");
    assert_eq!(trace.course(&fields, 2).fingerprint, trace.course(&fields, 2).fingerprint);
}
