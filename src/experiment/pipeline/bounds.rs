//! What a point may take and must have: visits, events, memory, and time.

use crate::engine::simulation::Limits;
use crate::experiment::pipeline::Settings;
use crate::experiment::study::Refusal;
use crate::model::Compiled;

/// Visits in progress over all replications of a point that end it: memory is what they cost.
const MOST_VISITS: u32 = 8_000_000;
/// Events within one nanosecond after which time is taken to stand still.
const PATIENCE_EVENTS: u64 = 5_000_000;
/// Memory that one point may take.
pub(super) const MOST_BYTES: u64 = 2 << 30;
/// A request takes at least two events; counting events bounds also what requests do not show.
pub(super) const EVENTS_PER_REQUEST: u64 = 2;
/// A hundred years.
pub(super) const LONGEST_NS: u64 = 3_155_760_000_000_000_000;

/// How long a run lasts at least before its population tells anything about the long run.
pub(super) fn settled_ns(compiled: &Compiled) -> u64 {
    compiled.settling_ns().saturating_add(compiled.service_ns().saturating_mul(8))
}

/// Everybody who starts at once may do so in one instant.
pub(super) fn patience_events(compiled: &Compiled) -> u64 {
    PATIENCE_EVENTS + 8 * u64::from(compiled.population())
}

pub(super) fn limits(compiled: &Compiled, settings: &Settings) -> Limits {
    let visits = (MOST_VISITS / settings.replications.max(1)).max(10_000);
    Limits { visits: visits.saturating_add(compiled.population()), events: u64::MAX }
}

/// What all replications of a point hold at their largest, roughly and rather too much: measured histograms of a node
/// that is in use, frames and events of users, state of replicas, visits up to their limit, and estimates of windows.
pub fn memory_bytes(compiled: &Compiled, settings: &Settings) -> u64 {
    const NODE: u64 = 155 << 10;
    const USER: u64 = 100;
    const REPLICA: u64 = 300;
    let nodes = compiled.descriptions.len() as u64;
    const CACHE_ENTRY: u64 = 56;
    let one = nodes * NODE
        + u64::from(compiled.population()) * USER
        + compiled.replicas() * REPLICA
        + compiled.cache_entries().saturating_mul(CACHE_ENTRY);
    const NODE_WINDOW: u64 = 400;
    const WINDOW: u64 = 1_200;
    let windows = settings.horizon.windows() * (WINDOW + nodes * NODE_WINDOW);
    u64::from(settings.replications).saturating_mul(one).saturating_add(windows)
}

pub(super) fn too_large(bytes: u64) -> Refusal {
    let reason = format!(
        "this needs about {:.1} GiB of memory for one point: use fewer replications, nodes, replicas, users or cache entries",
        bytes as f64 / f64::from(1 << 30)
    );
    Refusal { code: "too_large".to_owned(), reason }
}
