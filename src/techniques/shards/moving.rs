//! A router that moves data from shard to shard while requests go on.

use crate::distribution::Sampler;
use crate::engine::context::Context;
use crate::engine::record::{Counters, Happening};
use crate::engine::visit::{Identity, VisitList};
use crate::engine::{Destination, NodeIndex, Outcome, Reply, Timer, Token};
use crate::random::Purpose;
use crate::techniques::parts::placement::movement::{Movement, Transfer, WhileMoving};
use crate::techniques::technique::{CompileError, Wiring};

/// What calls of the router's own are about, in place of an attempt.
pub const READ: u8 = 1;
pub const WRITE: u8 = 2;

/// The timer for the end of a chunk.
pub const CHUNK: u32 = 3;

/// What a shard is and costs that is not there all the time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Standby {
    pub shards: u32,
    pub cores: f64,
    pub replicas: u32,
    pub usd_per_hour: f64,
    /// Whether they are there until the move is over, rather than from its beginning on.
    pub is_given_up: bool,
}

/// Resharding at work.
#[derive(Clone, Debug)]
pub struct Moving {
    pub transfer: Transfer,
    pub while_moving: WhileMoving,
    pub redirect: Option<(Sampler, Purpose)>,
    /// Requests that wait for the piece they are for.
    pub held: VisitList,
    /// Requests that were sent on.
    pub redirected: u64,
    /// Calls that moved data.
    pub sent: u64,
    /// Shards that all of the keys are on before, and after.
    pub shards_before: Vec<u32>,
    pub shards_after: Vec<u32>,
    standby: Standby,
    read: Option<u16>,
    write: Option<u16>,
    purpose: Purpose,
    pace_ns: u64,
    chunks: u64,
    chunk_began_ns: u64,
    began_ns: Option<u64>,
    ended_ns: Option<u64>,
    pub happenings: Vec<Happening>,
}

/// Whom data is copied for goes behind everybody else where a queue looks at it.
const PRIORITY: u8 = 7;

impl Moving {
    /// Compiles a movement; `operations` are those of the shards.
    pub fn compile(
        movement: &Movement,
        transfer: Transfer,
        (shards_before, shards_after): (Vec<u32>, Vec<u32>),
        standby: Standby,
        operations: &[String],
        wiring: &dyn Wiring,
    ) -> Result<Self, CompileError> {
        let index = |name: &Option<String>| {
            let place = operations.iter().position(|operation| Some(operation) == name.as_ref());
            place.map(|place| place as u16)
        };
        let redirect = match &movement.redirect {
            Some(law) => Some((wiring.sampler(law)?, wiring.purpose("redirect"))),
            None => None,
        };
        Ok(Self {
            transfer,
            while_moving: movement.while_moving,
            redirect,
            held: VisitList::default(),
            redirected: 0,
            sent: 0,
            shards_before,
            shards_after,
            standby,
            read: index(&movement.read),
            write: index(&movement.write),
            purpose: wiring.purpose("resharding"),
            pace_ns: (movement.chunk_bytes as f64 / movement.bytes_per_second * 1e9).ceil() as u64,
            chunks: 0,
            chunk_began_ns: 0,
            began_ns: None,
            ended_ns: None,
            happenings: Vec::new(),
        })
    }

    /// Whether it has begun.
    pub fn has_begun(&self) -> bool {
        self.began_ns.is_some()
    }

    /// The shards that hold data now.
    pub fn active(&self) -> &[u32] {
        let grows = self.shards_after.len() > self.shards_before.len();
        let is_new = if grows { self.began_ns.is_some() } else { self.ended_ns.is_some() };
        if is_new { &self.shards_after } else { &self.shards_before }
    }

    /// Begins.
    pub fn begin(&mut self, context: &mut Context, shards: &[NodeIndex]) {
        if self.began_ns.is_some() {
            return;
        }
        self.began_ns = Some(context.now_ns());
        Happening::remember(&mut self.happenings, context.now_ns(), "resharding begins");
        self.next_chunk(context, shards);
    }

    /// Copies the next chunk, or ends.
    pub fn next_chunk(&mut self, context: &mut Context, shards: &[NodeIndex]) {
        self.chunk_began_ns = context.now_ns();
        let Some(piece) = self.transfer.current() else {
            self.ended_ns = Some(context.now_ns());
            return Happening::remember(&mut self.happenings, context.now_ns(), "resharding done");
        };
        match (self.read, self.write) {
            (Some(read), _) => self.call(context, shards[piece.from as usize], read, READ),
            (None, Some(write)) => self.call(context, shards[piece.to as usize], write, WRITE),
            (None, None) => context.after(self.pace_ns, Timer { kind: CHUNK, data: 1 }),
        }
    }

    fn call(&mut self, context: &mut Context, node: NodeIndex, operation: u16, branch: u8) {
        self.sent += 1;
        let key = context.seed().request(self.purpose, self.chunks);
        let identity = Identity { key, user: u32::MAX, salt: 0, priority: PRIORITY, zone: 0 };
        context.call(Destination { node, operation }, Token(u64::MAX), branch, identity);
    }

    /// A call of the router's own is answered. What failed is done again, with the next chunk's pace.
    pub fn answered(&mut self, context: &mut Context, reply: Reply, shards: &[NodeIndex]) {
        let is_done = !matches!(reply.outcome, Outcome::Failed(_));
        if let (READ, true, Some(write), Some(piece)) = (reply.branch, is_done, self.write, self.transfer.current()) {
            return self.call(context, shards[piece.to as usize], write, WRITE);
        }
        let next_ns = self.chunk_began_ns.saturating_add(self.pace_ns).max(context.now_ns());
        context.at(next_ns, Timer { kind: CHUNK, data: u64::from(is_done) });
    }

    /// A chunk's time is over; `is_done` says whether it has moved. Returns whether a piece is complete.
    pub fn chunk_ended(&mut self, is_done: bool) -> bool {
        self.chunks += 1;
        is_done && self.transfer.advance()
    }

    /// Adds what shards cost and could do that were not there all the time.
    pub fn count(&self, now_ns: u64, counters: &mut Counters) {
        let Standby { shards, cores, replicas, usd_per_hour, is_given_up } = self.standby;
        let there_ns = match is_given_up {
            true => self.ended_ns.unwrap_or(now_ns),
            false => self.began_ns.map_or(0, |began_ns| now_ns - began_ns),
        };
        let all_ns = u128::from(there_ns) * u128::from(shards);
        counters.replica_ns = all_ns * u128::from(replicas);
        counters.charged_ns = all_ns * (usd_per_hour * 1e6 * f64::from(replicas)).round() as u128;
        counters.capacity_ns = (all_ns as f64 * cores) as u128;
    }
}
