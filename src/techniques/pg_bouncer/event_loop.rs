//! The event loop of a process: one message after the other, in the order in which they came.

use crate::distribution::Sampler;
use crate::engine::context::Context;
use crate::engine::visit::VisitList;
use crate::engine::{Evidence, Timer};
use crate::random::{Purpose, Stream};
use crate::techniques::parts::executor::resalt;
use crate::techniques::parts::meter::Meter;

/// The timer by which a message has been dealt with; the data says by which process.
pub const PROCESSED: u32 = 1;

/// The event loops of all processes.
#[derive(Clone, Debug)]
pub struct EventLoops {
    law: Sampler,
    purpose: Purpose,
    loops: Vec<EventLoop>,
}

#[derive(Clone, Debug, Default)]
struct EventLoop {
    /// The visit whose message is dealt with.
    current: Option<u32>,
    queue: VisitList,
}

impl EventLoops {
    /// So many idle loops.
    pub fn new(law: Sampler, purpose: Purpose, processes: u32) -> Self {
        Self { law, purpose, loops: vec![EventLoop::default(); processes as usize] }
    }

    /// A message about a visit comes to a process: its `count`-th one.
    pub fn push(&mut self, context: &mut Context, meter: &mut Meter, process: u16, slot: u32, count: u32) {
        let now_ns = context.now_ns();
        let event_loop = &mut self.loops[usize::from(process)];
        if event_loop.current.is_some() {
            return event_loop.queue.push_back(context.visits(), slot);
        }
        event_loop.current = Some(slot);
        let demand_ns = self.demand_ns(context, slot, count);
        meter.occupy(now_ns, demand_ns);
        context.after(demand_ns, Timer { kind: PROCESSED, data: u64::from(process) });
    }

    /// A process has dealt with a message. Returns whose, and begins with the next one; `count` says the how-many-eth a
    /// visit's message is.
    pub fn pop(
        &mut self,
        context: &mut Context,
        meter: &mut Meter,
        process: u16,
        count: impl Fn(u8) -> u32,
    ) -> Option<u32> {
        let now_ns = context.now_ns();
        let event_loop = &mut self.loops[usize::from(process)];
        let next = event_loop.queue.pop_front(context.visits());
        let done = std::mem::replace(&mut event_loop.current, next);
        match next {
            Some(slot) => {
                let flags = context.visit(slot).flags;
                let demand_ns = self.demand_ns(context, slot, count(flags));
                meter.demand(demand_ns);
                context.after(demand_ns, Timer { kind: PROCESSED, data: u64::from(process) });
            }
            None => meter.release(now_ns),
        }
        done
    }

    fn demand_ns(&self, context: &mut Context, slot: u32, count: u32) -> u64 {
        let visit = context.visit(slot);
        self.law.sample_ns(&mut Stream::keyed(visit.key, self.purpose, resalt(visit.salt, count)))
    }

    /// Nanoseconds of computing that are left of what was given to the loops.
    pub fn left_ns(evidence: &Evidence) -> u128 {
        let computing = evidence.pending.iter().filter(|(_, timer)| timer.kind == PROCESSED);
        computing.map(|(left_ns, _)| u128::from(*left_ns)).sum()
    }
}
