//! Servers that a node tells apart by what they are for, such as a writer and its replicas, with work of their own.

use crate::engine::Token;
use crate::engine::context::Context;
use crate::engine::control::Phase;
use crate::engine::visit::Identity;
use crate::techniques::parts::executor::{BRANCH, Executor, Finish};

impl Executor {
    /// Places at which servers are or were.
    pub fn places(&self) -> usize {
        self.replicas.len()
    }

    /// Who is at this place: how many there had been before, and where it is in its life.
    pub fn server(&self, place: usize) -> Option<(u32, Phase)> {
        let pod = self.fleet.as_ref()?.pods.get(place)?;
        Some((pod.number, pod.phase?))
    }

    /// How often servers came, went, or moved on in their lives.
    #[inline]
    pub fn changes(&self) -> u64 {
        self.fleet.as_ref().map_or(0, |fleet| fleet.changes)
    }

    /// Cores of each.
    pub fn cores(&self) -> f64 {
        self.limits.cores
    }

    /// Whether a request that comes to this place now is served or may wait.
    pub fn has_room(&self, place: usize) -> bool {
        let replica = &self.replicas[place];
        replica.workers_busy < self.limits.workers || replica.waiting < self.limits.queue
    }

    /// Micro-cores x nanoseconds that the server at this place computed.
    pub fn busy_microcore_ns(&self, place: usize, now_ns: u64) -> u128 {
        self.fleet.as_ref().and_then(|fleet| fleet.pods.get(place)).map_or(0, |pod| pod.busy.integral(now_ns))
    }

    /// Work of the server's own begins, which nobody asked for and no worker is held for.
    pub fn launch(&mut self, context: &mut Context, place: usize, operation: u16, finish: &mut impl Finish) {
        if let Some(fleet) = &mut self.fleet {
            fleet.has_own_work = true;
        }
        let nobody = Identity { key: 0, user: 0, salt: 0, priority: 0, zone: 0 };
        let slot = context.open(operation, Token(0), nobody);
        let visit = context.visit(slot);
        visit.flags = BRANCH;
        visit.replica = place as u16;
        visit.program_counter = self.program.start(operation);
        self.go_on(context, slot, finish);
    }

    /// A visit that waits at a step of the node's own comes to it again.
    pub fn repeat(&mut self, context: &mut Context, slot: u32, finish: &mut impl Finish) {
        self.go_on(context, slot, finish);
    }

    /// The server at this place is never one too many.
    pub fn keep(&mut self, place: Option<usize>) {
        if let Some(fleet) = &mut self.fleet {
            fleet.kept = place;
        }
    }
}
