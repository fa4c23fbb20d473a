//! Visits: one frame for each request at each node it is in, in a slab whose memory is reused.

use crate::engine::{Destination, NodeIndex, Token};

/// No visit: the end of a list, or no caller.
pub const NONE: u32 = u32::MAX;

/// Names a visit. The generation tells a live visit from an earlier tenant of its slot, so a late message to a visit
/// that has ended is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VisitId {
    pub slot: u32,
    pub generation: u32,
}

impl VisitId {
    /// The visit as a caller's token.
    #[inline(always)]
    pub fn token(self) -> Token {
        Token(u64::from(self.generation) << 32 | u64::from(self.slot))
    }

    /// As the data of a timer that must recognise the visit.
    #[inline(always)]
    pub fn word(self) -> u64 {
        self.token().0
    }

    /// The visit that made this token with [`VisitId::token`].
    #[inline(always)]
    pub fn from_token(token: Token) -> Self {
        Self { slot: token.0 as u32, generation: (token.0 >> 32) as u32 }
    }
}

/// Who a request is, wherever it goes: copied from visit to visit along its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The key of all its draws.
    pub key: u64,
    /// The user it comes from.
    pub user: u32,
    /// Tells repeated visits of one operation by one request apart (retries, parallel branches), so that each draws
    /// afresh. Zero on the first.
    pub salt: u32,
    /// Smaller goes first where a queue looks at it.
    pub priority: u8,
    /// The zone it was sent from.
    pub zone: u8,
}

/// Where the reply goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReturnAddress {
    pub caller: NodeIndex,
    pub token: Token,
    pub branch: u8,
}

/// One request in one node: a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct Visit {
    pub key: u64,
    pub token: Token,
    /// When the call was made.
    pub entered_ns: u64,
    /// The node's own mark: a service keeps here when work began.
    pub started_ns: u64,
    pub caller: NodeIndex,
    pub generation: u32,
    /// The next visit in whatever list the node keeps this one in.
    pub next: u32,
    pub user: u32,
    pub salt: u32,
    pub operation: u16,
    /// The replica chosen by the caller, or [`Visit::ANY_REPLICA`].
    pub replica: u16,
    /// The node's own: the next step of a program.
    pub program_counter: u16,
    /// The node's own: replies still awaited.
    pub pending: u16,
    pub priority: u8,
    pub zone: u8,
    /// Tells the caller's calls from this visit apart: the attempt of a retry.
    pub branch: u8,
    /// The node's own.
    pub flags: u8,
}

const _: () = assert!(size_of::<Visit>() == 64, "a visit is one cache line");

impl Visit {
    /// The callee chooses.
    pub const ANY_REPLICA: u16 = u16::MAX;

    /// Who the request is.
    #[inline(always)]
    pub fn identity(&self) -> Identity {
        Identity { key: self.key, user: self.user, salt: self.salt, priority: self.priority, zone: self.zone }
    }
}

/// Where a visit is that a node made for itself, in place of a node.
pub(super) const OWN: NodeIndex = NodeIndex(u32::MAX - 1);

/// All visits in progress.
#[derive(Debug, Default)]
pub struct Visits {
    entries: Vec<Visit>,
    /// The node each live visit is in; nobody's where a slot is empty.
    places: Vec<NodeIndex>,
    free: u32,
    live: u32,
}

impl Visits {
    /// No visits.
    pub fn new() -> Self {
        Self { entries: Vec::new(), places: Vec::new(), free: NONE, live: 0 }
    }

    /// Visits in progress.
    pub fn live(&self) -> u32 {
        self.live
    }

    /// The visit in a slot that the caller knows to be live.
    #[inline(always)]
    pub fn get(&self, slot: u32) -> &Visit {
        &self.entries[slot as usize]
    }

    /// As [`Visits::get`], to change it.
    #[inline(always)]
    pub fn get_mut(&mut self, slot: u32) -> &mut Visit {
        &mut self.entries[slot as usize]
    }

    /// The slot of this visit if it has not ended.
    #[inline(always)]
    pub fn find(&self, id: VisitId) -> Option<u32> {
        let visit = self.entries.get(id.slot as usize)?;
        (visit.generation == id.generation).then_some(id.slot)
    }

    /// The name of the visit in this slot.
    #[inline(always)]
    pub fn id(&self, slot: u32) -> VisitId {
        VisitId { slot, generation: self.get(slot).generation }
    }

    #[inline(always)]
    pub(super) fn insert(
        &mut self,
        now_ns: u64,
        destination: Destination,
        replica: u16,
        back: ReturnAddress,
        identity: Identity,
    ) -> u32 {
        let slot = if self.free == NONE { self.grow() } else { self.free };
        self.places[slot as usize] = destination.node;
        let visit = &mut self.entries[slot as usize];
        self.free = visit.next;
        let generation = visit.generation;
        *visit = Visit {
            key: identity.key,
            token: back.token,
            entered_ns: now_ns,
            started_ns: now_ns,
            caller: back.caller,
            generation,
            next: NONE,
            user: identity.user,
            salt: identity.salt,
            operation: destination.operation,
            replica,
            program_counter: 0,
            pending: 0,
            priority: identity.priority,
            zone: identity.zone,
            branch: back.branch,
            flags: 0,
        };
        self.live += 1;
        slot
    }

    /// Ends the visit in this slot, so that nobody finds it any more, and says what it was. The slot is still to be freed.
    #[inline(always)]
    pub(super) fn end(&mut self, slot: u32) -> Visit {
        self.places[slot as usize] = NodeIndex::NOBODY;
        let visit = &mut self.entries[slot as usize];
        visit.generation = visit.generation.wrapping_add(1);
        self.live -= 1;
        *visit
    }

    /// Gives the slot of an ended visit back.
    #[inline(always)]
    pub(super) fn free(&mut self, slot: u32) -> &Visit {
        let visit = &mut self.entries[slot as usize];
        visit.next = self.free;
        self.free = slot;
        visit
    }

    /// All visits in progress that were sent to a node, each with that node.
    pub(super) fn sent(&self) -> impl Iterator<Item = (NodeIndex, &Visit)> {
        let is_sent = |node: NodeIndex| node != NodeIndex::NOBODY && node != OWN;
        self.places.iter().copied().zip(&self.entries).filter(move |(node, _)| is_sent(*node))
    }

    /// The slots of all visits at a replica of a node: those sent there, and those that the node made for itself.
    pub fn at_replica(&self, node: NodeIndex, replica: u16) -> Vec<u32> {
        let is_there = |&(_, (place, visit)): &(usize, (&NodeIndex, &Visit))| {
            visit.replica == replica && (*place == node || (*place == OWN && visit.caller == node))
        };
        let found = self.places.iter().zip(&self.entries).enumerate().filter(is_there);
        found.map(|(slot, _)| slot as u32).collect()
    }

    /// A copy of a visit that counts as ended.
    pub(super) fn copy(&mut self, slot: u32) -> u32 {
        let copy = if self.free == NONE { self.grow() } else { self.free };
        let place = self.entries[copy as usize];
        self.free = place.next;
        self.entries[copy as usize] =
            Visit { generation: place.generation.wrapping_add(1), ..self.entries[slot as usize] };
        copy
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) -> u32 {
        let slot = self.entries.len() as u32;
        self.places.push(NodeIndex::NOBODY);
        let nobody = Identity { key: 0, user: 0, salt: 0, priority: 0, zone: 0 };
        self.entries.push(Visit {
            key: nobody.key,
            token: Token(0),
            entered_ns: 0,
            started_ns: 0,
            caller: NodeIndex::NOBODY,
            generation: 0,
            next: NONE,
            user: nobody.user,
            salt: nobody.salt,
            operation: 0,
            replica: 0,
            program_counter: 0,
            pending: 0,
            priority: nobody.priority,
            zone: nobody.zone,
            branch: 0,
            flags: 0,
        });
        slot
    }
}

/// A first-in-first-out list of visits, linked through the visits themselves, so that queueing allocates nothing.
#[derive(Clone, Debug)]
pub struct VisitList {
    head: u32,
    tail: u32,
    length: u32,
}

impl Default for VisitList {
    fn default() -> Self {
        Self { head: NONE, tail: NONE, length: 0 }
    }
}

impl VisitList {
    /// Visits in the list.
    #[inline(always)]
    pub fn len(&self) -> u32 {
        self.length
    }

    /// Whether no visit is in the list.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Appends a visit.
    #[inline(always)]
    pub fn push_back(&mut self, visits: &mut Visits, slot: u32) {
        visits.get_mut(slot).next = NONE;
        if self.length == 0 {
            self.head = slot;
        } else {
            visits.get_mut(self.tail).next = slot;
        }
        self.tail = slot;
        self.length += 1;
    }

    /// Prepends a visit.
    #[inline(always)]
    pub fn push_front(&mut self, visits: &mut Visits, slot: u32) {
        visits.get_mut(slot).next = self.head;
        if self.length == 0 {
            self.tail = slot;
        }
        self.head = slot;
        self.length += 1;
    }

    /// Takes the first visit.
    #[inline(always)]
    pub fn pop_front(&mut self, visits: &Visits) -> Option<u32> {
        if self.length == 0 {
            return None;
        }
        let slot = self.head;
        self.head = visits.get(slot).next;
        self.length -= 1;
        Some(slot)
    }
}
