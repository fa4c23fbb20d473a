//! How large replicas are: those that start from now on, and those that run.

use crate::engine::Timer;
use crate::engine::context::Context;
use crate::engine::control::{Phase, ReplicaId, ReplicaSize};
use crate::techniques::parts::executor::fleet::{Fleet, MICRO, Size};
use crate::techniques::parts::executor::{Executor, PROCESSOR};
use crate::techniques::parts::processor::Processor;

impl Executor {
    /// Replicas that start from now on are so large.
    pub(super) fn resize_new(&mut self, asked: ReplicaSize) {
        let has_whole_cores = self.has_whole_cores();
        let Some(fleet) = &mut self.fleet else { return };
        fleet.size = sized(fleet, fleet.size, asked, has_whole_cores);
        self.template.processor = self.template.processor.resized(fleet.size.cores, self.limits.workers);
        self.ample &= matches!(self.template.processor, Processor::Ample);
    }

    /// This replica is so large from now on, and goes on with what it does. Nothing changes if it holds more memory than it
    /// would have, which the kubelet does not carry out either, or if more of its event loops are busy.
    pub(super) fn resize_in_place(&mut self, context: &mut Context, replica: ReplicaId, asked: ReplicaSize) {
        let now_ns = context.now_ns();
        let has_whole_cores = self.has_whole_cores();
        let Some(fleet) = &mut self.fleet else { return };
        let Some(place) = fleet.place(replica).filter(|&place| fleet.pods[place].phase != Some(Phase::Draining)) else {
            return;
        };
        let size = sized(fleet, fleet.pods[place].size, asked, has_whole_cores);
        let held = &self.replicas[place];
        let requests = u64::from(held.workers_busy) + u64::from(held.waiting);
        let is_full = fleet.life.memory.is_some() && fleet.memory_bytes(place, requests) > size.memory_limit_bytes;
        let is_busy = matches!(held.processor, Processor::RunToCompletion { busy, .. } if f64::from(busy) > size.cores);
        if is_full || is_busy {
            return;
        }
        fleet.note(now_ns, "resized");
        fleet.resize(now_ns, place, size);
        match &mut self.replicas[place].processor {
            Processor::Ample => {}
            Processor::RunToCompletion { cores, .. } => *cores = (size.cores.floor() as u32).max(1),
            Processor::Sharing(sharing) => {
                if let Some(timer_ns) = sharing.resize(now_ns, size.cores) {
                    context.after(timer_ns - now_ns, Timer { kind: PROCESSOR, data: place as u64 });
                }
                self.tell_busy(now_ns, place);
            }
        }
        self.use_free_cores(context, place);
    }

    /// Event loops have whole cores.
    fn has_whole_cores(&self) -> bool {
        matches!(self.template.processor, Processor::RunToCompletion { .. })
    }
}

/// A size as it is asked for, and what is not asked for as it was.
fn sized(fleet: &Fleet, before: Size, asked: ReplicaSize, has_whole_cores: bool) -> Size {
    let (life, memory) = (&fleet.life, fleet.life.memory.as_ref());
    let requested_cores = asked.requested_cores.unwrap_or(before.requested_cores);
    let requested_memory_bytes = asked.requested_memory_bytes.unwrap_or(before.requested_memory_bytes);
    let mut size = Size { requested_cores, requested_memory_bytes, ..before };
    if asked.limits_follow {
        size.cores = fleet.written_cores * requested_cores / life.requested_cores;
        size.memory_limit_bytes = memory.map_or(0, |memory| {
            let ratio = memory.limit.bytes as f64 / memory.requested_bytes() as f64;
            (requested_memory_bytes as f64 * ratio) as u64
        });
    }
    if has_whole_cores {
        size.cores = size.cores.round().max(1.0);
    }
    size
}

impl Fleet {
    /// Moves what is counted of a replica along with its size.
    fn resize(&mut self, now_ns: u64, place: usize, size: Size) {
        let phase = self.pods[place].phase;
        let before = (self.billed_micro(place), self.pods[place].size);
        self.pods[place].size = size;
        if phase.is_some_and(|phase| phase != Phase::Pending) {
            let billed = self.billed_micro(place);
            self.billed.set(now_ns, self.billed.level() - before.0 + billed);
        }
        if self.serves(place) {
            let micro = |cores: f64| (cores * MICRO) as u64;
            self.capacity.set(now_ns, self.capacity.level() - micro(before.1.cores) + micro(size.cores));
            let limit = self.memory_limit.level() - before.1.memory_limit_bytes + size.memory_limit_bytes;
            self.memory_limit.set(now_ns, limit);
        }
    }
}
