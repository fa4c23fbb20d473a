//! Counts per interval: read from a file, and replayed.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use crate::files;
use crate::random::Stream;
use crate::techniques::parts::arrivals::HIGHEST_RATE_PER_S;

pub(super) const TRACE_HELP: &str =
    "a trace is a CSV file with the columns t_seconds and count; its path is seen from the model";

/// Bins that a trace may have.
const LONGEST_TRACE: usize = 10_000_000;

/// One interval of a trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    start_ns: f64,
    length_ns: f64,
    count: f64,
}

/// A trace at work.
#[derive(Clone, Debug)]
pub struct Replay {
    bins: Arc<[Bin]>,
    bin: usize,
    /// Requests still to be sent in the current bin, and the time of the last one.
    left: u64,
    time_ns: f64,
    scale: f64,
}

impl Replay {
    pub(super) fn new(bins: Vec<Bin>, rate_per_s: f64) -> Self {
        let seconds: f64 = bins.iter().map(|bin| bin.length_ns * 1e-9).sum();
        let count: f64 = bins.iter().map(|bin| bin.count).sum();
        let scale = if rate_per_s > 0.0 && count > 0.0 { rate_per_s * seconds / count } else { 1.0 };
        Self { bins: bins.into(), bin: usize::MAX, left: 0, time_ns: 0.0, scale }
    }

    /// Requests per second at a time: those of its interval.
    pub(super) fn rate_per_s(&self, time_ns: f64) -> f64 {
        let after = self.bins.partition_point(|bin| bin.start_ns <= time_ns);
        let bin = after.checked_sub(1).and_then(|bin| self.bins.get(bin));
        let bin = bin.filter(|bin| time_ns < bin.start_ns + bin.length_ns);
        bin.map_or(0.0, |bin| bin.count * self.scale / (bin.length_ns * 1e-9))
    }

    pub(super) fn next_ns(&mut self, stream: &mut Stream) -> Option<u64> {
        while self.left == 0 {
            self.bin = self.bin.wrapping_add(1);
            let bin = self.bins.get(self.bin)?;
            let wanted = bin.count * self.scale;
            // A scaled count is rounded at random so that its mean is kept.
            self.left = wanted.floor() as u64 + u64::from(stream.unit() < wanted.fract());
            self.time_ns = bin.start_ns;
        }
        let bin = self.bins[self.bin];
        // The smallest of `left` uniform moments in the rest of the interval.
        let rest = bin.start_ns + bin.length_ns - self.time_ns;
        let share = 1.0 - (1.0 - stream.unit()).powf(1.0 / self.left as f64);
        self.time_ns += rest * share;
        self.left -= 1;
        Some(self.time_ns as u64)
    }
}

/// Reads the columns `t_seconds` and `count`; the intervals are as long as the distance to the next row.
pub(super) fn read_trace(path: &Path, time_scale: f64) -> Result<Vec<Bin>, String> {
    #[derive(Deserialize)]
    struct Row {
        t_seconds: f64,
        count: f64,
    }
    let shown = path.display();
    if !(time_scale > 0.0 && time_scale.is_finite()) {
        return Err(format!("the time scale {time_scale} is not above zero"));
    }
    let file = files::open(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    let mut reader = csv::Reader::from_reader(file);
    let mut bins: Vec<Bin> = Vec::new();
    for row in reader.deserialize() {
        let row: Row = row.map_err(|error| format!("{shown}: {error}"))?;
        let start_ns = row.t_seconds * 1e9 * time_scale;
        let orderly = bins.last().is_none_or(|last| start_ns > last.start_ns);
        if !(start_ns >= 0.0 && start_ns.is_finite() && row.count >= 0.0 && row.count.is_finite() && orderly) {
            return Err(format!(
                "{shown}: t_seconds must grow and count must not be negative (row {})",
                bins.len() + 1
            ));
        }
        if let Some(last) = bins.last_mut() {
            last.length_ns = start_ns - last.start_ns;
        }
        bins.push(Bin { start_ns, length_ns: 0.0, count: row.count });
        if bins.len() > LONGEST_TRACE {
            return Err(format!("{shown}: more than {LONGEST_TRACE} rows"));
        }
    }
    let [.., before, last] = bins.as_mut_slice() else {
        return Err(format!("{shown}: a trace needs at least two rows"));
    };
    last.length_ns = before.length_ns;
    let total: f64 = bins.iter().map(|bin| bin.count).sum();
    if total <= 0.0 {
        return Err(format!("{shown}: every count is zero, so nobody sends requests"));
    }
    if bins.iter().any(|bin| bin.count > HIGHEST_RATE_PER_S * bin.length_ns * 1e-9) {
        return Err(format!("{shown}: a count stands for more than 1e9 requests/s"));
    }
    Ok(bins)
}
