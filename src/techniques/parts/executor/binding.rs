//! Requests whose node says itself which replica they go to, and when that begins.

use crate::engine::context::Context;
use crate::engine::visit::Visit;
use crate::techniques::parts::executor::{CHOSEN_HERE, Executor, Finish};

impl Executor {
    /// A request arrives. It must be rejected, bound or served next.
    pub fn receive(&mut self, context: &mut Context, slot: u32) {
        self.meter.arrive(context.now_ns());
        let visit = context.visit(slot);
        if visit.replica == Visit::ANY_REPLICA {
            visit.flags |= CHOSEN_HERE;
        }
    }

    /// Requests here now.
    pub fn in_system(&self) -> u64 {
        self.meter.in_system()
    }

    /// There is no replica for a request that has arrived.
    pub fn refuse(&mut self, context: &mut Context, slot: u32) {
        self.reject(context, slot);
    }

    /// Makes sure that there is a replica at this place, which has nothing to do.
    pub fn provide(&mut self, place: usize) {
        while self.replicas.len() <= place {
            self.replicas.push(self.template.clone());
        }
    }

    /// A request will wait for the replica at this place to be opened.
    pub fn bind(&mut self, context: &mut Context, slot: u32, place: usize) {
        let replica = &mut self.replicas[place];
        replica.waiting += 1;
        replica.queue.push(context, slot);
        self.meter.wait(context.now_ns());
    }

    /// The replica at this place takes up the requests that wait for it.
    pub fn open(&mut self, context: &mut Context, place: usize, finish: &mut impl Finish) {
        while let Some(slot) = self.replicas[place].queue.pop(context) {
            self.replicas[place].waiting -= 1;
            self.meter.waited(context.now_ns());
            self.serve(context, slot, place, finish);
        }
    }

    /// A request goes to the replica at this place, which has a worker for it.
    pub fn serve(&mut self, context: &mut Context, slot: u32, place: usize, finish: &mut impl Finish) {
        self.admit(context, slot, place, finish);
    }
}
