//! Copies that agree by counting: what slow and lost copies do to writes and reads, and what reads may miss.

use crate::run::{Run, prepare, run};

/// Writes and reads of a few keys of a store, with whatever befalls it.
fn model(mix: &str, rate: &str, storage: &str, faults: &str) -> String {
    format!(
        r#"Architecture(name: "test", keys: {{ "page": Uniform(count: 20), "row": Uniform(count: 1) }}, nodes: {{
            "writes": Clients(rate: "{rate}", mix: {{ "store.write": 1 }}),
            "reads": Clients(rate: "{rate}", mix: {{ "store.{mix}": 1 }}),
            "store": QuorumStorage({storage}),
        }}, controllers: {{ {faults} }})"#
    )
}

fn disturbed(storage: &str, faults: &str, seconds: f64) -> Run {
    run(&prepare(&model("read", "200/s", storage, faults), &[]), seconds)
}

const VOLUME: &str = r#"key: "page", read: Exponential("1ms"), write: Exponential("1ms")"#;

fn happenings(run: &Run) -> Vec<(u64, &'static str)> {
    run.node("store").happenings.iter().map(|one| (one.time_ns / 1_000_000, one.what)).collect()
}

#[test]
fn no_read_is_stale_where_quorums_overlap_and_some_are_where_they_do_not() {
    for (write, read, overlaps) in
        [(2, 2, true), (3, 1, true), (1, 3, true), (1, 1, false), (2, 1, false), (1, 2, false)]
    {
        let storage = format!(
            r#"copies: 3, write_quorum: {write}, read_quorum: {read}, reads: Quorum, key: "page",
               read: Exponential("1ms"), write: Exponential("20ms"), latency: Exponential("1ms")"#
        );
        let stale = disturbed(&storage, "", 60.0).share("store", "stale_read_ratio");
        assert_eq!(stale == 0.0, overlaps, "{write} writes, {read} reads: {stale}");
    }
}

#[test]
fn a_loss_in_between_makes_no_read_stale_where_quorums_overlap() {
    let faults = r#""a": Fault(target: "store", at: "2s", duration: "3s", what: Lose(replicas: [0])),
        "b": Fault(target: "store", at: "6s", duration: "3s", what: Lose(replicas: [1])),
        "c": Fault(target: "store", at: "7s", duration: "500ms", what: Lose(replicas: [2]))"#;
    let storage = r#"copies: 3, write_quorum: 2, read_quorum: 2, reads: Quorum, key: "page", write_size: "1MB",
        repair_bandwidth: "1GB/s", read: Exponential("1ms"), write: Exponential("5ms"), latency: Exponential("1ms")"#;
    let run = disturbed(storage, faults, 30.0);
    assert_eq!(run.share("store", "stale_read_ratio"), 0.0);
    assert_eq!(run.node("writes").counters.failed + run.node("reads").counters.failed, 0);
}

/// A key is written so rarely that a read meets one write at most: half of the reads that come between the first and the
/// second copy's write ask the copy that lacks it.
#[test]
fn stale_reads_are_as_many_as_the_time_between_copies_says() {
    let storage = r#"copies: 2, zones: 1, write_quorum: 1, read_quorum: 1, reads: Quorum, key: "row",
        read: Exponential("10us"), write: Exponential("10ms")"#;
    let text = model("read", "2/s", storage, "").replacen("2/s", "1/s", 1);
    let rate = |text: &str, seconds| run(&prepare(text, &[("nodes.reads.rate", "\"400/s\"")]), seconds);
    let stale = rate(&text, 4_000.0).share("store", "stale_read_ratio");
    let expected = 0.5 * 0.01 / 1.01;
    assert!((stale / expected - 1.0).abs() < 0.1, "{stale} against {expected}");
}

#[test]
fn reads_of_a_single_copy_are_never_stale_and_avoid_the_slow_one() {
    let slow = r#""slow": Fault(target: "store", at: "10s", what: Slow(replicas: [0, 3], factor: 50))"#;
    let local = format!("{VOLUME}, cross_zone_latency: Constant(\"1ms\")");
    let (healthy, ill) = (disturbed(&local, "", 60.0), disturbed(&local, slow, 60.0));
    assert_eq!(healthy.share("store", "stale_read_ratio"), 0.0);
    assert_eq!(ill.share("store", "stale_read_ratio"), 0.0);
    // Reads go to another zone instead: two milliseconds more, not forty-nine.
    let more = ill.latency_s("reads") - healthy.latency_s("reads");
    assert!((0.001..0.004).contains(&more), "{more}");
    // A write needs the other four, and was never in need of the slow two.
    let more = ill.latency_s("writes") - healthy.latency_s("writes");
    assert!((0.0..0.002).contains(&more), "{more}");
}

#[test]
fn a_zone_is_not_missed_and_a_zone_and_one_copy_stop_writes_but_not_reads() {
    let zone = r#""zone": Fault(target: "store", at: "10s", duration: "10s", what: LoseZone(0))"#;
    let plus_one = r#""one": Fault(target: "store", at: "12s", duration: "5s", what: Lose(replicas: [1]))"#;
    let run = disturbed(VOLUME, zone, 40.0);
    assert_eq!(run.node("writes").counters.failed, 0);
    assert!(run.latency_quantile_s("writes", 1.0) < 0.05);
    assert_eq!((run.share("store", "write_available_ratio"), happenings(&run).len()), (1.0, 0));
    let run = disturbed(VOLUME, &format!("{zone}, {plus_one}"), 40.0);
    assert_eq!(happenings(&run), [(12_000, "write quorum lost"), (17_000, "write quorum back")]);
    assert_eq!(run.share("store", "write_available_ratio"), 35.0 / 40.0);
    assert_eq!(run.share("store", "read_available_ratio"), 1.0);
    assert!(run.latency_quantile_s("reads", 1.0) < 0.05, "reads go on");
    // Those who came first waited for all of it.
    let longest = run.latency_quantile_s("writes", 1.0);
    assert!((4.8..=5.1).contains(&longest), "{longest}");
    assert_eq!(run.node("writes").counters.failed, 0);
    let failing = format!("{VOLUME}, without_quorum: Fail");
    let run = disturbed(&failing, &format!("{zone}, {plus_one}"), 40.0);
    // Five seconds at 200/s.
    let failed = run.node("writes").counters.failed;
    assert!((900..=1_100).contains(&failed), "{failed}");
    assert_eq!(run.node("reads").counters.failed, 0);
}

#[test]
fn reads_wait_for_a_copy_that_has_what_was_written() {
    // Both copies that have the newest write may be lost.
    let faults =
        r#""all": Fault(target: "store", at: "10s", duration: "5s", what: Lose(replicas: [0, 1, 2, 3, 4, 5]))"#;
    let run = disturbed(VOLUME, faults, 40.0);
    assert_eq!(run.share("store", "stale_read_ratio"), 0.0);
    let longest = run.latency_quantile_s("reads", 1.0);
    assert!((4.8..=5.1).contains(&longest), "{longest}");
    assert_eq!(happenings(&run).len(), 4);
}

#[test]
fn a_lost_copy_is_made_anew_after_the_time_that_a_segment_takes() {
    let storage =
        format!(r#"{VOLUME}, size: "200GB", segment_size: "10GB", repair_bandwidth: "10Gbit/s", repair_delay: "10s""#);
    let lost = r#""lost": Fault(target: "store", at: "10s", what: Lose(replicas: [2]))"#;
    let run = disturbed(&storage, lost, 100.0);
    assert_eq!(happenings(&run), [(28_000, "copy repaired")]);
    assert!((run.share("store", "present_replicas") - 5.82).abs() < 1e-9);
    // Where a zone is lost there is no place to make it anew.
    let zone = lost.replace("Lose(replicas: [2])", "LoseZone(2)");
    assert!(happenings(&disturbed(&storage, &zone, 100.0)).is_empty());
    // Nor from fewer than a read quorum: it waits until one of the others is back.
    let many = lost.replace("[2]", "[2, 3]")
        + r#", "more": Fault(target: "store", at: "15s", duration: "45s", what: Lose(replicas: [0, 1]))"#;
    let run = disturbed(&storage, &many, 100.0);
    assert!(happenings(&run).contains(&(68_000, "copy repaired")), "{:?}", happenings(&run));
}

#[test]
fn a_volume_grows_in_segments_and_takes_no_more_when_it_is_full() {
    let storage = r#"read: Constant("1ms"), write: Constant("1ms"), size: "15GB", write_size: "100MB", max_size: "40GB", storage_price: "$0.73/GB-month""#;
    let text = model("read", "10/s", storage, "");
    let full = run(&prepare(&text, &[]), 60.0);
    let written = full.node("writes").counters.completed;
    assert_eq!(written, 250, "25 GB in writes of 100 MB");
    assert!(full.node("writes").counters.failed > 300);
    let allocated = full.share("store", "allocated_gb");
    assert!((30.0..40.0).contains(&allocated), "{allocated}");
    // A thousandth of a dollar for a gigabyte and hour.
    let paid = full.node("store").counters.charged_ns as f64 * 1e-6 / 60e9;
    assert!((paid / (allocated * 0.001) - 1.0).abs() < 1e-6, "{paid}");
}

#[test]
fn writers_who_do_not_know_of_each_other_conflict_the_more_the_fewer_pages_there_are() {
    let storage = |key: &str, more: &str| {
        format!(
            r#"key: "{key}", read: Exponential("1ms"), write: Exponential("1ms"), latency: Constant("1ms"), {more}"#
        )
    };
    let conflicts = |key: &str, more: &str| disturbed(&storage(key, more), "", 60.0);
    let lag = "writers: 2, replication_lag: Constant(\"5ms\"),";
    let (pages, row) = (conflicts("page", lag), conflicts("row", lag));
    let ratios = [pages.share("store", "conflict_ratio"), row.share("store", "conflict_ratio")];
    // A write is unknown to the other writer for about 8 ms, and half of the next writes are the other one's: of 200 a second
    // on 20 pages 4% conflict.
    assert!((0.02..0.06).contains(&ratios[0]) && ratios[1] > 0.2, "{ratios:?}");
    assert!((row.failed_ratio("writes") - ratios[1]).abs() < 0.005);
    // Who tries again loses fewer, and takes longer.
    let again = conflicts("page", &format!("{lag} conflict_retries: 3,"));
    assert!(again.failed_ratio("writes") < 0.3 * pages.failed_ratio("writes"));
    assert!(again.latency_s("writes") > 1.02 * pages.latency_s("writes"));
}

#[test]
fn a_copy_that_cannot_keep_up_misses_writes_and_fetches_them_when_it_can() {
    let storage =
        r#"key: "page", disks: 1, io_queue: 50, write_size: "1kB", read: Constant("100us"), write: Constant("1ms")"#;
    let slow = r#""slow": Fault(target: "store", at: "5s", duration: "20s", what: Slow(replicas: [1], factor: 30))"#;
    let run = disturbed(storage, slow, 60.0);
    assert_eq!(run.node("writes").counters.failed, 0);
    assert!(run.latency_quantile_s("writes", 0.99) < 0.02);
    assert_eq!(run.share("store", "stale_read_ratio"), 0.0);
    // Its queue is full for twenty seconds, and no longer.
    let waiting = run.share("store", "waiting_ios");
    assert!((12.0..25.0).contains(&waiting), "{waiting}");
}
