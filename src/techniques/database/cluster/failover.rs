//! The writer is lost, and a replica takes its place.
//!
//! ```text
//! lost:      what it had to do fails, and so do writes until there is a writer again
//! detection, then promotion: the replica that has received most applies all of it and is the writer; the others follow it
//! lost tail: what was answered and nobody else had received never happened
//! back:      the old writer starts again with a copy of the data, and follows
//! ```

use crate::distribution::Sampler;
use crate::engine::Timer;
use crate::engine::context::Context;
use crate::engine::control::Phase;
use crate::engine::record::Happening;
use crate::random::{Purpose, Stream};
use crate::techniques::database::cluster::Cluster;
use crate::techniques::database::read_replicas::ReadReplicas;
use crate::techniques::parts::executor::Executor;
use crate::techniques::technique::{CompileError, Wiring};

pub(super) const PROMOTE: u32 = 130;

/// Between two looks for a replica that could be promoted.
const AGAIN_NS: u64 = 1_000_000_000;

/// How a replica becomes the writer.
#[derive(Clone, Debug)]
pub struct Promotion {
    detection: (Sampler, Purpose),
    promotion: Option<(Sampler, Purpose)>,
}

/// What happens while there is no writer.
#[derive(Clone, Debug, Default)]
pub struct Vacancy {
    /// Which one this is: what was arranged for an earlier one means nothing any more.
    number: u64,
    /// The place of the last writer.
    pub last: usize,
    /// Records that were in its log without having been answered.
    unanswered: Vec<u64>,
    /// The place of the next one, while it applies what it has received.
    pub next: Option<usize>,
}

impl Promotion {
    /// Compiles the written form.
    pub fn compile(written: &ReadReplicas, wiring: &dyn Wiring) -> Result<Option<Self>, CompileError> {
        let Some(failover) = &written.failover else { return Ok(None) };
        let detection = (wiring.sampler(&failover.detection)?, wiring.purpose("detection"));
        let promotion = match &failover.promotion {
            Some(law) => Some((wiring.sampler(law)?, wiring.purpose("promotion"))),
            None => None,
        };
        Ok(Some(Self { detection, promotion }))
    }

    fn delay_ns(&self, context: &Context, number: u64) -> u64 {
        let draw = |(law, purpose): &(Sampler, Purpose)| {
            law.sample_ns(&mut Stream::keyed(context.seed().request(*purpose, number), *purpose, 0))
        };
        draw(&self.detection) + self.promotion.as_ref().map_or(0, draw)
    }
}

impl Cluster {
    /// The writer may be gone, or there again.
    pub(super) fn watch_writer(&mut self, executor: &mut Executor, context: &mut Context) {
        match self.writer {
            Some(place) if executor.server(place).is_none() => self.lose_writer(executor, context, place),
            None => {
                let last = self.vacancy.last;
                let is_back = matches!(executor.server(last), Some((_, Phase::Ready)));
                // It has its own log, so nothing is lost; unless somebody else has begun to take its place.
                if is_back && self.vacancy.next.is_none() && self.followers[last].is_none() {
                    self.vacancy.number += 1;
                    self.set_writer(executor, context.now_ns(), Some(last));
                    self.note(context.now_ns(), "writer back");
                    self.catch_up(context);
                }
            }
            Some(_) => {}
        }
    }

    fn lose_writer(&mut self, executor: &mut Executor, context: &mut Context, place: usize) {
        self.set_writer(executor, context.now_ns(), None);
        self.note(context.now_ns(), "writer lost");
        self.internals.forget_locks();
        let unanswered = std::mem::take(&mut self.commits).into_keys().collect();
        self.vacancy = Vacancy { number: self.vacancy.number + 1, last: place, unanswered, next: None };
        // What was on its way, which for the most part is at the sender still, arrives no more.
        for (_, follower) in self.followers.iter_mut().flatten() {
            self.epoch = self.epoch.wrapping_add(1);
            follower.epoch = self.epoch;
        }
        if let Some(promotion) = &self.promotion {
            let number = self.vacancy.number;
            let delay_ns = promotion.delay_ns(context, number);
            context.after(delay_ns, Timer { kind: PROMOTE, data: number });
        }
    }

    /// The loss has been noticed, and somebody must be found.
    pub(super) fn promote(&mut self, context: &mut Context, number: u64) {
        if number != self.vacancy.number || self.writer.is_some() || self.vacancy.next.is_some() {
            return;
        }
        let received = |place: usize| match &self.followers[place] {
            Some((_, follower)) if follower.is_serving => Some((follower.received, std::cmp::Reverse(place))),
            _ => None,
        };
        let Some((end, std::cmp::Reverse(place))) = (0..self.followers.len()).filter_map(received).max() else {
            return context.after(AGAIN_NS, Timer { kind: PROMOTE, data: number });
        };
        // What the volume has acknowledged is there for whoever reads it.
        let end = if self.storage.is_some() { self.log.end() } else { end };
        self.vacancy.next = Some(place);
        let now_ns = context.now_ns();
        for (_, follower) in self.followers.iter().flatten() {
            self.measures.forget(now_ns, self.log.from(end.max(follower.applied)));
        }
        let unanswered = std::mem::take(&mut self.vacancy.unanswered);
        let lost = self.log.cut(end, |number| unanswered.binary_search(&number).is_err());
        self.measures.lose_commits(lost);
        // Those who lack something get it from the new one.
        self.catch_up(context);
    }

    /// Followers are sent what they have not received.
    fn catch_up(&mut self, context: &mut Context) {
        for place in 0..self.followers.len() {
            let Some((_, follower)) = &mut self.followers[place] else { continue };
            self.epoch = self.epoch.wrapping_add(1);
            follower.epoch = self.epoch;
            if follower.received < self.log.end() {
                // One message stands for all up to the last.
                self.send(context, place, self.log.end() - 1);
            }
        }
    }

    /// The next writer may have applied all that it has received.
    pub(super) fn take_over(&mut self, executor: &mut Executor, context: &mut Context) {
        let Some(place) = self.vacancy.next else { return };
        let Some((number, follower)) = self.followers[place].take() else {
            // It is gone too.
            self.vacancy.next = None;
            return context.after(AGAIN_NS, Timer { kind: PROMOTE, data: self.vacancy.number });
        };
        if follower.applied < self.log.end() {
            self.followers[place] = Some((number, follower));
            return;
        }
        follower.idle.iter().for_each(|worker| context.close(*worker));
        self.vacancy.next = None;
        self.set_writer(executor, context.now_ns(), Some(place));
        self.note(context.now_ns(), "replica promoted");
        self.forget_applied();
        self.set_members();
        // Who is there already follows it from now on.
        self.changes = 0;
        self.follow(executor, context);
    }

    fn note(&mut self, now_ns: u64, what: &'static str) {
        Happening::remember(&mut self.measures.happenings, now_ns, what);
    }
}
