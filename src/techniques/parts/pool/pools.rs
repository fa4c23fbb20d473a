//! The owner's side: who gets a connection, who waits for one, and when connections are opened and closed.
//!
//! ```text
//! ask:      idle -> the one used last; else wait, and open another if fewer than `most` are there
//! release:  too old -> close; somebody waits -> the first of them; else idle
//! look:     waited too long -> fail; waited for the reserve -> open one of it; idle too long or too old -> close
//! refused:  open again after a pause, twice as long each time
//! ```
//!
//! There is one pool for each place of the owner: each replica of a caller, each process of a pooler. They decide, and leave
//! what follows as [`Act`]s for the node that has them.

mod ledger;
mod look;

use std::collections::VecDeque;

use crate::engine::record::Share;
use crate::engine::{Failure, Outcome};
use crate::random::mix;
use ledger::Ledger;

/// What all pools of a node keep to.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Connections of each pool.
    pub most: u32,
    /// Further ones, while somebody has waited for `reserve_after_ns`.
    pub reserve: u32,
    pub reserve_after_ns: u64,
    pub least: Least,
    /// Waiting longer for a connection fails.
    pub wait_timeout_ns: Option<u64>,
    pub idle_timeout_ns: Option<u64>,
    pub lifetime_ns: Option<u64>,
    /// By what share lifetimes differ at most.
    pub lifetime_spread: f64,
    /// Connections that each pool opens at the same time.
    pub opening_at_once: u32,
    /// The pause after a connection was refused, and the longest that it is doubled to.
    pub pauses_ns: (u64, u64),
    /// Whether those who wait fail when a connection is refused and the pool has no other.
    pub fails_without_any: bool,
}

/// What is kept open however little there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Least {
    /// So many that are idle.
    Idle(u32),
    /// So many in all.
    Total(u32),
}

/// What the node is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// The visit that waited has this connection.
    Grant { slot: u32, number: u16 },
    /// The visit waits no longer.
    Drop { slot: u32, failure: Failure },
    /// A connection is to be opened; [`Pools::opened`] must hear how that went, with the same ticket.
    Open { ticket: u64 },
    /// The other end is to close the connection that it knows by this number.
    Close { target: u16 },
    /// [`Pools::look`] is to be called at this time.
    Look { place: u16, at_ns: u64 },
}

/// A connection of some pool.
#[derive(Clone, Copy, Debug)]
struct Connection {
    place: u16,
    /// Its number at the other end.
    target: u16,
    state: State,
    opened_ns: u64,
    expires_ns: u64,
    /// Since when it is idle.
    idle_ns: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No connection: the number is free.
    Closed,
    Idle,
    Used,
    /// In use and good for nothing afterwards; it is in its pool no more.
    Broken,
}

/// The pool of one place.
#[derive(Clone, Debug, Default)]
struct Pool {
    is_there: bool,
    /// Tells an earlier pool at this place apart.
    generation: u32,
    /// The one used last at the end.
    idle: Vec<u16>,
    /// Idle or in use.
    total: u32,
    opening: u32,
    waiting: VecDeque<(u32, u64)>,
    /// The look that is to come.
    look_ns: Option<u64>,
    /// Nothing is opened before this time.
    pause_until_ns: u64,
    pause_ns: u64,
}

/// The pools of all places of one node.
#[derive(Clone, Debug)]
pub struct Pools {
    rules: Rules,
    pools: Vec<Pool>,
    /// By number.
    connections: Vec<Connection>,
    free: Vec<u16>,
    /// Connections that are being opened, of pools that are gone too.
    opening: usize,
    acts: VecDeque<Act>,
    ledger: Ledger,
}

impl Pools {
    /// Pools for so many places, of which none is there yet.
    pub fn new(rules: Rules, places: usize) -> Self {
        Self {
            rules,
            pools: vec![Pool::default(); places],
            connections: Vec::new(),
            free: Vec::new(),
            opening: 0,
            acts: VecDeque::new(),
            ledger: Ledger::default(),
        }
    }

    /// What is to be done next.
    pub fn next_act(&mut self) -> Option<Act> {
        self.acts.pop_front()
    }

    /// The number of a connection at the other end.
    pub fn target(&self, number: u16) -> u16 {
        self.connections[usize::from(number)].target
    }

    /// Requests that wait for a connection.
    pub fn waiting(&self) -> u64 {
        self.ledger.waiting.level()
    }

    /// A place comes to life: its pool is filled as far as it always is.
    pub fn begin(&mut self, now_ns: u64, place: u16) {
        let pool = self.pool(place);
        if !pool.is_there {
            pool.is_there = true;
            self.ledger.pools.add(now_ns, 1);
            self.fill(now_ns, place);
        }
    }

    /// A place is gone: its idle connections are closed, those in use are of no use afterwards, and nobody waits.
    pub fn end(&mut self, now_ns: u64, place: u16) {
        let pool = self.pool(place);
        if !pool.is_there {
            return;
        }
        let generation = pool.generation.wrapping_add(1);
        let ended = std::mem::replace(pool, Pool { generation, ..Pool::default() });
        self.ledger.pools.subtract(now_ns, 1);
        ended.idle.iter().for_each(|number| self.close(now_ns, *number));
        for (slot, since_ns) in ended.waiting {
            self.ledger.waited(now_ns, since_ns);
            self.acts.push_back(Act::Drop { slot, failure: Failure::Killed });
        }
        let in_use = |connection: &&mut Connection| connection.place == place && connection.state == State::Used;
        for connection in self.connections.iter_mut().filter(in_use) {
            connection.state = State::Broken;
            self.ledger.used.subtract(now_ns, 1);
        }
    }

    /// A visit asks for a connection of a place. It gets one, or waits for an act about it.
    pub fn ask(&mut self, now_ns: u64, place: u16, slot: u32) -> Option<u16> {
        self.begin(now_ns, place);
        self.ledger.asked += 1;
        let pool = &mut self.pools[usize::from(place)];
        if pool.waiting.is_empty()
            && let Some(number) = pool.idle.pop()
        {
            self.connections[usize::from(number)].state = State::Used;
            self.ledger.used.add(now_ns, 1);
            self.fill(now_ns, place);
            return Some(number);
        }
        let pauses = pool.pause_until_ns > now_ns;
        pool.waiting.push_back((slot, now_ns));
        self.ledger.waiting.add(now_ns, 1);
        if pauses {
            self.fail_without_any(now_ns, place);
        }
        self.fill(now_ns, place);
        self.look_later(now_ns, place);
        None
    }

    /// A visit that waits for a connection of a place waits no longer. Returns whether it did.
    pub fn withdraw(&mut self, now_ns: u64, place: u16, slot: u32) -> bool {
        let pool = &mut self.pools[usize::from(place)];
        let Some(position) = pool.waiting.iter().position(|(waits, _)| *waits == slot) else { return false };
        let since_ns = pool.waiting.remove(position).map_or(now_ns, |(_, since_ns)| since_ns);
        self.ledger.waited(now_ns, since_ns);
        true
    }

    /// A connection is used no more.
    pub fn release(&mut self, now_ns: u64, number: u16) {
        let connection = self.connections[usize::from(number)];
        if connection.state == State::Broken {
            return self.close(now_ns, number);
        }
        self.ledger.used.subtract(now_ns, 1);
        self.connections[usize::from(number)].state = State::Idle;
        if connection.expires_ns <= now_ns {
            self.leave(connection.place);
            self.close(now_ns, number);
            return self.fill(now_ns, connection.place);
        }
        self.offer(now_ns, number);
    }

    /// A connection in use is of no use afterwards. Its pool has room for another one from now on; it is closed when it is
    /// released.
    pub fn break_off(&mut self, now_ns: u64, number: u16) {
        let connection = &mut self.connections[usize::from(number)];
        if connection.state != State::Used {
            return;
        }
        connection.state = State::Broken;
        let place = connection.place;
        self.leave(place);
        self.ledger.used.subtract(now_ns, 1);
        self.fill(now_ns, place);
    }

    /// The opening of a connection has ended: with the number that the other end knows it by, or not.
    pub fn opened(&mut self, now_ns: u64, ticket: u64, outcome: Outcome, target: u16) {
        let (place, generation) = (ticket as u16, (ticket >> 32) as u32);
        self.opening -= 1;
        let pool = &mut self.pools[usize::from(place)];
        let is_done = outcome == Outcome::Done;
        if pool.generation != generation {
            if is_done {
                self.acts.push_back(Act::Close { target });
            }
            return;
        }
        pool.opening -= 1;
        if !is_done {
            return self.refused(now_ns, place);
        }
        pool.total += 1;
        (pool.pause_ns, pool.pause_until_ns) = (0, 0);
        let number = self.number(now_ns, place, target);
        self.offer(now_ns, number);
        self.fill(now_ns, place);
    }

    /// The other end did not accept a connection.
    fn refused(&mut self, now_ns: u64, place: u16) {
        self.ledger.refused += 1;
        let (first_ns, longest_ns) = self.rules.pauses_ns;
        let pool = &mut self.pools[usize::from(place)];
        // Several that were refused together are one reason to pause.
        if pool.pause_until_ns <= now_ns {
            pool.pause_ns = if pool.pause_ns == 0 { first_ns } else { (pool.pause_ns * 2).min(longest_ns) };
            pool.pause_until_ns = now_ns + pool.pause_ns;
        }
        self.fail_without_any(now_ns, place);
        self.look_later(now_ns, place);
    }

    /// Those who wait fail if connections are refused and none is there.
    fn fail_without_any(&mut self, now_ns: u64, place: u16) {
        let pool = &mut self.pools[usize::from(place)];
        if !self.rules.fails_without_any || pool.total > 0 {
            return;
        }
        for (slot, since_ns) in std::mem::take(&mut pool.waiting) {
            self.ledger.waited(now_ns, since_ns);
            self.acts.push_back(Act::Drop { slot, failure: Failure::Rejected });
        }
    }

    /// A new connection's number, by which the node that has the pools knows it.
    fn number(&mut self, now_ns: u64, place: u16, target: u16) -> u16 {
        let expires_ns = self.rules.lifetime_ns.map_or(u64::MAX, |lifetime_ns| {
            let unit = (mix(self.ledger.opened) >> 11) as f64 / (1u64 << 53) as f64;
            now_ns.saturating_add((lifetime_ns as f64 * (1.0 - self.rules.lifetime_spread * unit)) as u64)
        });
        self.ledger.opened += 1;
        self.ledger.open.add(now_ns, 1);
        let connection =
            Connection { place, target, state: State::Idle, opened_ns: now_ns, expires_ns, idle_ns: now_ns };
        match self.free.pop() {
            Some(number) => {
                self.connections[usize::from(number)] = connection;
                number
            }
            None => {
                self.connections.push(connection);
                self.connections.len() as u16 - 1
            }
        }
    }

    /// A connection that nobody uses goes to whoever has waited longest, or is idle.
    fn offer(&mut self, now_ns: u64, number: u16) {
        let connection = &mut self.connections[usize::from(number)];
        let place = connection.place;
        let pool = &mut self.pools[usize::from(place)];
        let Some((slot, since_ns)) = pool.waiting.pop_front() else {
            connection.idle_ns = now_ns;
            let expires_ns = connection.expires_ns;
            pool.idle.push(number);
            return self.look_at_idle(now_ns, place, expires_ns);
        };
        connection.state = State::Used;
        self.ledger.used.add(now_ns, 1);
        self.ledger.waited(now_ns, since_ns);
        self.acts.push_back(Act::Grant { slot, number });
    }

    /// Opens as many connections as are missing.
    fn fill(&mut self, now_ns: u64, place: u16) {
        let rules = self.rules;
        // Connections are known by numbers of 16 bits.
        let open = self.connections.len() - self.free.len();
        let room = usize::from(u16::MAX).saturating_sub(open + self.opening) as u32;
        let pool = &mut self.pools[usize::from(place)];
        if !pool.is_there || pool.pause_until_ns > now_ns {
            return;
        }
        let here = pool.total + pool.opening;
        let first = pool.waiting.front().map_or(u64::MAX, |(_, since_ns)| *since_ns);
        let has_waited = first.saturating_add(rules.reserve_after_ns) <= now_ns;
        let most = if has_waited { rules.most + rules.reserve } else { rules.most };
        let idle_or_opening = pool.idle.len() as u32 + pool.opening;
        let missing = match rules.least {
            Least::Idle(least) => least.saturating_sub(idle_or_opening),
            Least::Total(least) => least.saturating_sub(here),
        };
        let wanted = (pool.waiting.len() as u32).saturating_sub(pool.opening).max(missing);
        let openings =
            wanted.min(most.saturating_sub(here)).min(rules.opening_at_once.saturating_sub(pool.opening)).min(room);
        pool.opening += openings;
        self.opening += openings as usize;
        let ticket = u64::from(pool.generation) << 32 | u64::from(place);
        (0..openings).for_each(|_| self.acts.push_back(Act::Open { ticket }));
    }

    /// One connection fewer belongs to the pool.
    fn leave(&mut self, place: u16) {
        self.pools[usize::from(place)].total -= 1;
    }

    /// Closes a connection that is in no pool any more.
    fn close(&mut self, now_ns: u64, number: u16) {
        let connection = &mut self.connections[usize::from(number)];
        connection.state = State::Closed;
        let (target, opened_ns) = (connection.target, connection.opened_ns);
        self.free.push(number);
        self.ledger.closed(now_ns, opened_ns);
        self.acts.push_back(Act::Close { target });
    }

    fn pool(&mut self, place: u16) -> &mut Pool {
        let index = usize::from(place);
        if self.pools.len() <= index {
            self.pools.resize_with(index + 1, Pool::default);
        }
        &mut self.pools[index]
    }

    /// Fills in what only who keeps connections has to tell.
    pub fn observe(&self, now_ns: u64, shares: &mut Vec<Share>) {
        self.ledger.observe(now_ns, self.rules.most, shares);
    }

    /// Checks what holds at all times, exactly.
    pub fn audit(&self, now_ns: u64) -> Result<(), String> {
        self.ledger.audit(now_ns, &self.pools, &self.connections)
    }
}

#[cfg(test)]
mod tests;
