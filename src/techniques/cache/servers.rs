//! The servers of a cache: one that serves, and replicas of which one takes over, as Redis Sentinel arranges it.
//!
//! ```text
//! the master is lost:   nobody is served; the entries that no replica has received are gone
//!                       after `down_after` and `failover_time` the first replica that is there serves
//!                       it comes back sooner: it serves, with nothing in its memory
//! without replicas:     whatever was in memory is gone
//! ```

use std::collections::VecDeque;

use crate::engine::control::Disturbance;
use crate::techniques::parts::conditions::Conditions;

#[derive(Clone, Debug)]
pub struct Servers {
    conditions: Conditions,
    count: usize,
    master: usize,
    /// Whether nobody serves.
    is_down: bool,
    /// From the loss of the master until another serves.
    promotion_ns: u64,
    /// How long an entry takes to a replica.
    lag_ns: u64,
    /// How often the one that serves has changed or come back.
    epoch: u64,
    lost_at_ns: u64,
    /// Entries by when they were stored, as far back as the lag.
    recent: VecDeque<(u64, u64)>,
}

/// What has to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    Nothing,
    /// After this time look whether another can serve.
    Promote {
        after_ns: u64,
        epoch: u64,
    },
    /// All that was in memory is gone.
    Empty,
}

impl Servers {
    pub fn new(replicas: u32, promotion_ns: u64, lag_ns: u64) -> Self {
        Self {
            conditions: Conditions::new(1),
            count: 1 + replicas as usize,
            master: 0,
            is_down: false,
            promotion_ns,
            lag_ns,
            epoch: 0,
            lost_at_ns: 0,
            recent: VecDeque::new(),
        }
    }

    pub fn is_down(&self) -> bool {
        self.is_down
    }

    /// An entry was stored.
    pub fn stored(&mut self, key: u64, now_ns: u64) {
        if self.count == 1 || self.lag_ns == 0 {
            return;
        }
        while self.recent.front().is_some_and(|(stored_ns, _)| stored_ns + self.lag_ns <= now_ns) {
            self.recent.pop_front();
        }
        self.recent.push_back((now_ns, key));
    }

    pub fn disturb(&mut self, disturbance: Disturbance, now_ns: u64) -> Consequence {
        self.conditions.begin(disturbance);
        if self.is_down || !self.conditions.is_lost(self.master) {
            return Consequence::Nothing;
        }
        self.is_down = true;
        self.lost_at_ns = now_ns;
        if self.count == 1 {
            return Consequence::Empty;
        }
        Consequence::Promote { after_ns: self.promotion_ns, epoch: self.epoch }
    }

    pub fn restore(&mut self, disturbance: &Disturbance) -> Consequence {
        self.conditions.end(disturbance);
        if !self.is_down || self.conditions.is_lost(self.master) {
            return Consequence::Nothing;
        }
        self.serve(self.master);
        Consequence::Empty
    }

    fn serve(&mut self, master: usize) {
        self.master = master;
        self.is_down = false;
        self.epoch += 1;
    }

    /// The time of a failover has come. Returns the moment since which entries are missing, and which, if one takes over.
    pub fn promote(&mut self, epoch: u64) -> Option<(u64, Vec<u64>)> {
        if !self.is_down || epoch != self.epoch {
            return None;
        }
        let replica = (0..self.count).find(|&server| !self.conditions.is_lost(server))?;
        self.serve(replica);
        let since_ns = self.lost_at_ns.saturating_sub(self.lag_ns);
        let missing =
            self.recent.drain(..).filter(|(stored_ns, _)| *stored_ns > since_ns).map(|(_, key)| key).collect();
        Some((since_ns, missing))
    }
}
