//! Quantiles against sorted values, merging, and the edges of the counters.

use histogram::{Config, Histogram32};

use super::*;
use crate::random::{Purpose, Seed};

fn of(values: impl IntoIterator<Item = u64>) -> LatencyHistogram {
    let mut histogram = LatencyHistogram::default();
    values.into_iter().for_each(|ns| histogram.record(ns));
    histogram
}

#[test]
fn the_bounds_of_cells_are_those_of_the_histogram_crate() {
    let config = Config::new(GROUPING_POWER, MAX_VALUE_POWER).expect("the powers fit together");
    let mut counters = Histogram32::with_config(&config);
    for (index, cell) in counters.clone().iter().enumerate() {
        assert_eq!((cell_index(cell.start()), cell_index(cell.end())), (index, index));
        assert_eq!(cell_bounds(index as u64), (cell.start(), cell.end()), "cell {index}");
    }
    assert!(counters.increment(LARGEST_NS).is_ok());
    assert!(counters.increment(LARGEST_NS + 1).is_err());
}

#[test]
fn quantiles_are_within_0_4_per_cent() {
    // Exponential, log-uniform and uniform values over several orders of magnitude.
    let mut stream = Seed::new(2, 0).stream(Purpose::named("values"));
    for law in 0..3 {
        let mut values: Vec<u64> = (0..400_000)
            .map(|_| {
                let unit = stream.unit();
                match law {
                    0 => (-(1.0 - unit).ln() * 7.3e6) as u64,
                    1 => (6.0 + unit * 15.0).exp() as u64,
                    _ => 1_000_000 + (unit * 3e9) as u64,
                }
            })
            .collect();
        let histogram = of(values.iter().copied());
        values.sort_unstable();
        for quantile in [0.01, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999] {
            let exact = values[(quantile * values.len() as f64) as usize] as f64;
            let found = histogram.quantile_ns(quantile).expect("values");
            assert!((found / exact - 1.0).abs() <= 0.004, "law {law}, quantile {quantile}: {found}, exact {exact}");
            let above = histogram.share_above(exact as u64).expect("values");
            assert!((above - (1.0 - quantile)).abs() <= 0.004, "law {law}, quantile {quantile}: {above} above");
        }
        assert_eq!(histogram.quantile_ns(0.0), Some(values[0] as f64));
        assert_eq!(histogram.quantile_ns(1.0), Some(values[values.len() - 1] as f64));
        assert_eq!(histogram.sum_ns(), values.iter().map(|ns| u128::from(*ns)).sum());
    }
}

#[test]
fn a_constant_comes_out_exactly() {
    let histogram = of([5_000_001; 1000]);
    for quantile in [0.0, 0.5, 0.99, 1.0] {
        assert_eq!(histogram.quantile_ns(quantile), Some(5_000_001.0));
    }
    assert_eq!(histogram.mean_ns(), Some(5_000_001.0));
    assert_eq!(histogram.share_above(5_000_000), Some(1.0));
    assert_eq!(histogram.share_above(5_000_001), Some(0.0));
}

#[test]
fn nothing_says_nothing_and_owns_nothing() {
    let histogram = LatencyHistogram::default();
    assert_eq!(histogram.quantile_ns(0.5), None);
    assert_eq!(histogram.mean_ns(), None);
    assert_eq!(histogram.share_above(1), None);
    assert_eq!((histogram.min_ns(), histogram.max_ns()), (None, None));
    assert!(histogram.narrow.is_empty() && histogram.rare.is_none());
    let one = of([7]);
    assert_eq!(one.quantile_ns(1.5), None);
    assert_eq!(one.quantile_ns(f64::NAN), None);
}

#[test]
fn merging_is_recording_all() {
    let (first, second) = ((0..5_000).map(|i| i * i), (0..3_000).map(|i| i * 977));
    let mut merged = LatencyHistogram::default();
    merged.merge(&of(first.clone()));
    merged.merge(&LatencyHistogram::default());
    merged.merge(&of(second.clone()));
    let all = of(first.chain(second));
    for quantile in [0.01, 0.5, 0.99] {
        assert_eq!(merged.quantile_ns(quantile), all.quantile_ns(quantile));
    }
    assert_eq!((merged.count(), merged.sum_ns()), (all.count(), all.sum_ns()));
    assert_eq!((merged.min_ns(), merged.max_ns()), (all.min_ns(), all.max_ns()));
    let taken = merged.take();
    assert_eq!((taken.count(), merged.count()), (8_000, 0));
    merged.record(1);
    assert_eq!(merged.quantile_ns(0.5), Some(1.0));
}

#[test]
fn values_beyond_the_range_are_counted_and_bounded_by_the_maximum() {
    let histogram = of([1, LARGEST_NS, LARGEST_NS + 1, 1 << 60]);
    assert_eq!(histogram.overflow(), 2);
    assert_eq!(histogram.quantile_ns(1.0), Some((1u64 << 60) as f64));
    assert_eq!(histogram.max_ns(), Some(1 << 60));
}

#[test]
fn cells_hold_more_than_a_byte() {
    let mut histogram = of([20; 255]);
    assert!(histogram.rare.is_none());
    histogram.record(20);
    assert!(histogram.rare.is_some());
    // Cells that are made later are wide too.
    let values = (0..200_000u64).map(|i| [20, 1 << (i % 50)][usize::from(i % 3 == 0)]);
    values.clone().for_each(|ns| histogram.record(ns));
    let held = |histogram: &LatencyHistogram| histogram.cells().map(|cell| cell.count).sum::<u64>();
    assert_eq!((held(&histogram), histogram.count()), (200_256, 200_256));
    let twenties = values.clone().filter(|ns| *ns == 20).count() as u64 + 256;
    let of_twenty = histogram.cells().find(|cell| cell.low == 20.0).map(|cell| cell.count);
    assert_eq!(of_twenty, Some(twenties));

    // Both ways of growing: the smaller takes the larger in, and the other way round.
    let small = of([10, 20, 10, 20, 20]);
    for (into, from) in [(&histogram, &small), (&small, &histogram)] {
        let mut pool = into.clone();
        for _ in 0..300 {
            pool.merge(from);
        }
        assert_eq!(held(&pool), into.count() + 300 * from.count());
        assert_eq!(pool.count(), held(&pool));
    }
}

#[test]
fn memory_grows_with_the_largest_value_alone() {
    let milliseconds = of([1_000_000, 5_000_000, 7]);
    assert!((1_500..=2_600).contains(&milliseconds.narrow.len()), "{} bytes", milliseconds.narrow.len());
    assert_eq!(of([1 << 60]).narrow.len(), CELLS);
}
