//! How records get to the replicas, and back what they say of them.
//!
//! ```text
//! commit:   in the writer's log -> sent to each replica; answered at once, or when enough have acknowledged it
//! receive:  in order, as connections are; a worker that is idle takes the record up, and uses a core of the replica
//! apply:    reads see a record when all before it are applied too
//! ```

use crate::engine::Timer;
use crate::engine::Token;
use crate::engine::context::Context;
use crate::engine::visit::VisitId;
use crate::random::Stream;
use crate::techniques::database::cluster::{ACKNOWLEDGED, Cluster, RECEIVED};
use crate::techniques::database::log::Record;
use crate::techniques::database::read_replicas::{Acknowledge, Replication};
use crate::techniques::parts::executor::{Executor, Next};

/// A commit that waits for acknowledgements.
#[derive(Clone, Copy, Debug)]
pub struct Commit {
    /// The visit that waits.
    visit: u64,
    /// The places that have not acknowledged it, a bit each.
    awaited: u64,
    /// How many of these must.
    needed: u32,
}

/// A message about a record: to or from the server at a place, which it is, and the record's number.
struct Message {
    place: usize,
    epoch: u16,
    number: u64,
}

impl Message {
    fn word(&self) -> u64 {
        self.number << 24 | u64::from(self.epoch) << 8 | self.place as u64
    }

    fn from_word(word: u64) -> Self {
        Self { place: usize::from(word as u8), epoch: (word >> 8) as u16, number: word >> 24 }
    }
}

/// A place among those that are awaited.
fn bit(place: usize) -> u64 {
    1 << (place % 64)
}

impl Cluster {
    /// A write is in the writer's log.
    pub(super) fn commit(&mut self, context: &mut Context, slot: u32) -> Next {
        let now_ns = context.now_ns();
        let visit = *context.visit(slot);
        let key = self.statements[usize::from(visit.operation)].key.map(|space| (space, context.key(space, visit.key)));
        let session = self.has_sessions.then(|| self.session(context, visit.key, visit.user));
        let number = self.log.append(Record { request: visit.key, committed_ns: now_ns, key, session });
        let mut awaited = 0u64;
        let mut followers = 0;
        for place in 0..self.followers.len() {
            let Some((_, follower)) = &self.followers[place] else { continue };
            followers += 1;
            if follower.is_serving {
                awaited |= bit(place);
            }
            self.send(context, place, number);
        }
        self.measures.commit(now_ns, followers);
        let needed = match self.replication {
            Replication::Asynchronous => 0,
            Replication::SemiSynchronous => self.acknowledgements.min(awaited.count_ones()),
            Replication::Synchronous => awaited.count_ones(),
        };
        if needed == 0 {
            self.log.answered(number);
            if followers == 0 {
                self.forget_applied();
            }
            return Next::GoOn;
        }
        self.commits.insert(number, Commit { visit: context.id(slot).word(), awaited, needed });
        Next::Wait
    }

    /// Sends a record to the server at a place; records overtake nobody.
    pub(super) fn send(&mut self, context: &mut Context, place: usize, number: u64) {
        let Some(record) = self.log.get(number) else { return };
        let delay_ns = self.latency_ns(record.request, place, 0);
        let Some((_, follower)) = &mut self.followers[place] else { return };
        follower.last_to_ns = follower.last_to_ns.max(context.now_ns() + delay_ns);
        let data = Message { place, epoch: follower.epoch, number }.word();
        context.at(follower.last_to_ns, Timer { kind: RECEIVED, data });
    }

    /// A record arrives at a replica.
    pub(super) fn receive(&mut self, executor: &mut Executor, context: &mut Context, word: u64) {
        let Message { place, epoch, number } = Message::from_word(word);
        let Some((_, follower)) = self.followers.get_mut(place).and_then(Option::as_mut) else { return };
        if follower.epoch != epoch {
            return;
        }
        follower.received = follower.received.max(number + 1);
        if self.acknowledge == Acknowledge::Received {
            self.acknowledge(context, place, number);
        }
        while let Some((_, follower)) = &mut self.followers[place]
            && follower.taken < follower.received
            && let Some(worker) = follower.idle.pop()
        {
            executor.repeat(context, worker, self);
        }
    }

    /// A replica tells the writer that it has a record.
    fn acknowledge(&mut self, context: &mut Context, place: usize, number: u64) {
        if self.replication == Replication::Asynchronous {
            return;
        }
        let Some(record) = self.log.get(number) else { return };
        let delay_ns = self.latency_ns(record.request, place, 1);
        let Some((_, follower)) = &mut self.followers[place] else { return };
        follower.last_from_ns = follower.last_from_ns.max(context.now_ns() + delay_ns);
        let data = Message { place, epoch: follower.epoch, number }.word();
        context.at(follower.last_from_ns, Timer { kind: ACKNOWLEDGED, data });
    }

    /// The writer hears that a replica has a record.
    pub(super) fn acknowledged(&mut self, executor: &mut Executor, context: &mut Context, word: u64) {
        let Message { place, epoch, number } = Message::from_word(word);
        let is_there = matches!(self.followers.get(place), Some(Some((_, follower))) if follower.epoch == epoch);
        let Some(commit) = self.commits.get_mut(&number).filter(|_| is_there) else { return };
        if commit.awaited & bit(place) == 0 {
            return;
        }
        commit.awaited &= !bit(place);
        commit.needed -= 1;
        if commit.needed == 0 {
            self.answer(executor, context, number);
        }
    }

    /// Nobody waits for the server at this place any more.
    pub(super) fn await_no_longer(&mut self, executor: &mut Executor, context: &mut Context, place: usize) {
        let mut answered = Vec::new();
        for (number, commit) in &mut self.commits {
            commit.awaited &= !bit(place);
            commit.needed = commit.needed.min(commit.awaited.count_ones());
            if commit.needed == 0 {
                answered.push(*number);
            }
        }
        answered.into_iter().for_each(|number| self.answer(executor, context, number));
    }

    /// A commit has all acknowledgements that it needs.
    fn answer(&mut self, executor: &mut Executor, context: &mut Context, number: u64) {
        let Some(commit) = self.commits.remove(&number) else { return };
        self.log.answered(number);
        self.forget_applied();
        if let Some(slot) = context.visits().find(VisitId::from_token(Token(commit.visit))) {
            executor.resume(context, slot, self);
        }
    }

    /// A worker takes up the next record, or waits for one.
    pub(super) fn take(&mut self, context: &mut Context, slot: u32) -> Next {
        let place = usize::from(context.visit(slot).replica);
        let Some((_, follower)) = &mut self.followers[place] else { return Next::Wait };
        let Some(number) = follower.take() else {
            follower.idle.push(slot);
            return Next::Wait;
        };
        context.visit(slot).started_ns = number;
        let record = self.log.get(number).copied();
        let request = record.map_or(0, |record| record.request);
        if self.storage.is_some() && record.is_some_and(|record| !self.has_page(place, &record)) {
            return Next::GoOn;
        }
        match &self.apply {
            Some((law, purpose)) => Next::Compute(law.sample_ns(&mut Stream::keyed(request, *purpose, place as u32))),
            None => Next::GoOn,
        }
    }

    /// A worker has applied the record that it took up.
    pub(super) fn applied(&mut self, context: &mut Context, slot: u32) -> Next {
        let now_ns = context.now_ns();
        let visit = *context.visit(slot);
        let place = usize::from(visit.replica);
        let Some((_, follower)) = &mut self.followers[place] else { return Next::Wait };
        let seen = follower.end(visit.started_ns);
        for number in seen.clone() {
            if let Some(record) = self.log.get(number) {
                self.measures.apply(now_ns, record.committed_ns, follower.is_serving);
            }
        }
        let begins = !follower.is_serving && follower.applies && follower.applied >= follower.serves_from;
        if begins {
            follower.is_serving = true;
        }
        if self.acknowledge == Acknowledge::Applied {
            seen.clone().for_each(|number| self.acknowledge(context, place, number));
        }
        if begins {
            self.set_members();
        }
        if !seen.is_empty() {
            self.forget_applied();
        }
        Next::GoOn
    }
}
