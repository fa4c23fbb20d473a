//! Requests that copies work on, those included whose caller has its answer already.

use crate::engine::visit::{Identity, VisitId};

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whom to answer; nobody any more once it is answered.
    pub visit: Option<VisitId>,
    pub identity: Identity,
    pub key: u64,
    pub is_write: bool,
    /// Whether copies refuse the write.
    pub is_refused: bool,
    pub writer: u64,
    /// Times it was begun before.
    pub attempt: u32,
    /// The number of the write; of a read, the newest that was acknowledged as it began.
    pub write: u64,
    /// The newest that a read has found.
    pub newest: u64,
    /// Copies that must answer.
    pub needed: u32,
    /// Copies, one a bit: asked and not heard of yet, and heard of.
    pub outstanding: u64,
    pub answered: u64,
    /// Copies that had no room for it.
    pub shed: u64,
    /// When copies were last asked.
    pub asked_ns: u64,
    /// What each copy had of the key when it was read.
    pub found: Vec<u64>,
}

impl Request {
    /// Whether a copy may be asked.
    pub fn is_new_to(&self, copy: u16) -> bool {
        (self.outstanding | self.answered | self.shed) >> copy & 1 == 0
    }

    /// Whether as many can still answer as must.
    pub fn is_feasible(&self) -> bool {
        (self.answered | self.outstanding).count_ones() >= self.needed
    }

    /// Whether as many have answered as must.
    pub fn is_done(&self) -> bool {
        self.answered.count_ones() >= self.needed
    }

    /// Whether nothing will be heard of it any more.
    pub fn is_over(&self) -> bool {
        self.visit.is_none() && self.outstanding == 0
    }
}

/// All of them, by number; numbers are used again.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    entries: Vec<Option<Request>>,
    free: Vec<u32>,
}

impl Requests {
    /// Takes one in. Returns its number.
    pub fn insert(&mut self, request: Request) -> u32 {
        match self.free.pop() {
            Some(id) => {
                self.entries[id as usize] = Some(request);
                id
            }
            None => {
                self.entries.push(Some(request));
                self.entries.len() as u32 - 1
            }
        }
    }

    /// The request of this number.
    pub fn get(&mut self, id: u32) -> Option<&mut Request> {
        self.entries.get_mut(id as usize)?.as_mut()
    }

    /// Forgets a request that is over.
    pub fn retire(&mut self, id: u32) {
        if self.get(id).is_some_and(|request| request.is_over()) {
            self.entries[id as usize] = None;
            self.free.push(id);
        }
    }

    /// The numbers of those whose callers wait and that this is true of.
    pub fn waiting_with(&self, holds: impl Fn(&Request) -> bool) -> Vec<u32> {
        let waits = |request: &Request| request.visit.is_some() && holds(request);
        let found = self.entries.iter().enumerate();
        found.filter(|(_, entry)| entry.as_ref().is_some_and(waits)).map(|(id, _)| id as u32).collect()
    }

    /// Requests whose callers wait.
    pub fn waiting(&self) -> usize {
        self.entries.iter().flatten().filter(|request| request.visit.is_some()).count()
    }
}
