//! Carries commands out as their time is up.

use crate::engine::context::Context;
use crate::engine::gauge::Gauge;
use crate::engine::record::{NodeRecord, Share};
use crate::engine::{Failure, Outcome, Timer};
use crate::random::{Purpose, Stream, mix};
use crate::techniques::cache::leases::{Answer, Leases};
use crate::techniques::cache::servers::Servers;
use crate::techniques::cache::sizes::Sizes;
use crate::techniques::cache::write_behind::{Write, WriteBehind};
use crate::techniques::parts::executor::Finish;
use crate::techniques::parts::store::{Cycle, Lookup, Store, Stored};
use crate::techniques::technique::{CacheCommand, Guards, Jitter};

/// What a visit's operation means to the memory, when its time is up.
#[derive(Clone, Copy, Debug)]
pub enum Task {
    /// A command of another node.
    Command(CacheCommand),
    /// Keep it now, and let a hidden operation write it later.
    WriteBehind { space: u16, ttl_ns: Option<u64>, delay_ns: u64, hidden: u16 },
    /// Nothing more.
    Nothing,
}

/// The timer of a write that waits.
pub const FLUSH: u32 = 100;

/// Memory, and what was done with it.
#[derive(Clone, Debug)]
pub struct Keeper {
    pub tasks: Vec<Task>,
    pub store: Store,
    pub hits: u64,
    pub gets: u64,
    pub evictions: u64,
    pub sets: u64,
    /// What only some caches have.
    pub more: Option<Box<More>>,
}

/// What a cache has that is more than a memory with a size, from which the least recently used entry goes.
#[derive(Clone, Debug)]
pub struct More {
    /// Of a cache within each replica of a service, those of all replicas; the first is elsewhere.
    pub others: Vec<Store>,
    pub empty: Store,
    pub sizes: Option<Sizes>,
    pub jitter: Purpose,
    pub cycle: Option<Cycle>,
    pub leases: Leases,
    pub has_leases: bool,
    pub write_behind: Option<WriteBehind>,
    pub hidden: u16,
    pub servers: Option<Servers>,
    /// Whether what does not fit is an error.
    pub full_is_error: bool,
    /// The sizes of what is there, and what there is room for.
    pub used: Gauge,
    pub room: Gauge,
    pub stale: u64,
    pub refused: u64,
    pub expired: u64,
    pub lost: u64,
}

impl Keeper {
    /// The memory that a visit is about.
    #[inline(always)]
    fn store(&mut self, replica: u16) -> &mut Store {
        match &mut self.more {
            Some(more) if replica > 0 && !more.others.is_empty() => &mut more.others[usize::from(replica) - 1],
            _ => &mut self.store,
        }
    }

    /// Of a cache within each replica: makes room for the memory of this one.
    pub fn reach(&mut self, now_ns: u64, replica: u16) {
        let Some(more) = &mut self.more else { return };
        while more.others.len() < usize::from(replica) {
            more.others.push(more.empty.clone());
            more.room.add(now_ns, more.empty.room());
        }
    }

    /// Of a cache within each replica: those that are not there lose their memory.
    pub fn keep_only(&mut self, now_ns: u64, ready: &[u16]) {
        let places = self.more.as_ref().map_or(0, |more| more.others.len() as u16) + 1;
        for place in (0..places).filter(|place| !ready.contains(place)) {
            self.store(place).clear();
        }
        self.weigh(now_ns);
    }

    /// Everything in memory is gone.
    pub fn empty(&mut self, now_ns: u64) {
        let entries = u64::from(self.store.len());
        self.store.clear();
        if let Some(more) = &mut self.more {
            more.lost += entries;
            more.leases.clear();
            if let Some(write_behind) = &mut more.write_behind {
                write_behind.lose_since(0);
            }
        }
        self.weigh(now_ns);
    }

    /// These entries are gone, and writes that came since.
    pub fn lose(&mut self, now_ns: u64, since_ns: u64, keys: &[u64]) {
        let gone = keys.iter().filter(|&&key| self.store.remove(key)).count() as u64;
        if let Some(more) = &mut self.more {
            more.lost += gone;
            more.leases.clear();
            if let Some(write_behind) = &mut more.write_behind {
                write_behind.lose_since(since_ns);
            }
        }
        self.weigh(now_ns);
    }

    /// A round of active expiry.
    pub fn expire(&mut self, now_ns: u64) {
        let Some(more) = &mut self.more else { return };
        let Some(cycle) = more.cycle else { return };
        let stores = std::iter::once(&mut self.store).chain(&mut more.others);
        let gone: u64 = stores.map(|store| u64::from(store.expire(cycle, now_ns))).sum();
        more.expired += gone;
        self.weigh(now_ns);
    }

    /// Notes how much is there.
    pub fn weigh(&mut self, now_ns: u64) {
        if let Some(more) = &mut self.more {
            let used = self.store.used() + more.others.iter().map(Store::used).sum::<u64>();
            more.used.set(now_ns, used);
        }
    }

    fn get(&mut self, replica: u16, key: u64, now_ns: u64) -> Option<u64> {
        self.gets += 1;
        match self.store(replica).get(key, now_ns) {
            Lookup::Hit { left_ns } => {
                self.hits += 1;
                return Some(left_ns);
            }
            Lookup::Expired => {
                if let Some(more) = &mut self.more {
                    more.expired += 1;
                }
                self.weigh(now_ns);
            }
            Lookup::Miss => {}
        }
        None
    }

    /// As [`Keeper::get`], by those who guard against stampedes.
    #[cold]
    fn ask(&mut self, replica: u16, key: u64, request: u64, guards: Guards, now_ns: u64) -> Outcome {
        let found = self.get(replica, key, now_ns);
        let is_stale = |left_ns: u64| guards.stale_before_expiry_ns.is_some_and(|before_ns| left_ns <= before_ns);
        let Some(more) = self.more.as_mut().filter(|_| found.is_none_or(is_stale)) else { return Outcome::Done };
        let answer = guards.lease.map_or(Answer::Granted, |terms| more.leases.ask(key, request, terms, now_ns));
        if found.is_some() {
            more.stale += 1;
            return if answer == Answer::Granted { Outcome::Stale } else { Outcome::Done };
        }
        match answer {
            Answer::Granted => Outcome::Miss,
            Answer::Stale => {
                self.hits += 1;
                more.stale += 1;
                Outcome::Done
            }
            Answer::Wait => {
                // It will ask again.
                self.gets -= 1;
                Outcome::Pending
            }
        }
    }

    fn set(&mut self, replica: u16, key: Key, ttl_ns: Option<u64>, now_ns: u64) -> Outcome {
        self.sets += 1;
        let size =
            self.more.as_ref().and_then(|more| more.sizes.as_ref()).map_or(1, |sizes| sizes.of(key.drawn, key.name));
        let expires_ns = ttl_ns.map_or(u64::MAX, |ttl_ns| now_ns.saturating_add(ttl_ns));
        let stored = self.store(replica).set(key.name, size, expires_ns, now_ns);
        if let Stored::Kept { evicted } | Stored::Full { evicted } = stored {
            self.evictions += u64::from(evicted);
        }
        if self.more.is_some() {
            return self.stored(key.name, stored, now_ns);
        }
        Outcome::Done
    }

    #[cold]
    fn stored(&mut self, key: u64, stored: Stored, now_ns: u64) -> Outcome {
        self.weigh(now_ns);
        let Some(more) = &mut self.more else { return Outcome::Done };
        if let Stored::Kept { .. } = stored {
            if let Some(servers) = &mut more.servers {
                servers.stored(key, now_ns);
            }
            return Outcome::Done;
        }
        more.refused += 1;
        if more.full_is_error { Outcome::Failed(Failure::Error) } else { Outcome::Done }
    }

    #[cold]
    fn fill(&mut self, slot: &Slot, ttl_ns: Option<u64>, jitter: Jitter, is_leased: bool, now_ns: u64) -> Outcome {
        let Some(more) = &mut self.more else { return Outcome::Done };
        if is_leased && !more.leases.fill(slot.key.name, slot.request) {
            self.sets += 1;
            more.refused += 1;
            return Outcome::Done;
        }
        let unit = Stream::keyed(slot.request, more.jitter, slot.salt).unit();
        let factor = 1.0 + f64::from(jitter.millionths) * 1e-6 * (2.0 * unit - 1.0);
        let ttl_ns = ttl_ns.map(|ttl_ns| (ttl_ns as f64 * factor) as u64);
        self.set(slot.replica, slot.key, ttl_ns, now_ns)
    }

    fn delete(&mut self, replica: u16, key: u64, now_ns: u64) {
        let was_there = self.store(replica).remove(key);
        if let Some(more) = &mut self.more {
            if more.has_leases {
                more.leases.void(key, was_there, now_ns);
            }
            self.weigh(now_ns);
        }
    }

    /// What the time of has come is written.
    pub fn flush(&mut self, context: &mut Context, number: u64) {
        let Some(more) = &mut self.more else { return };
        if let Some(write) = more.write_behind.as_mut().and_then(|write_behind| write_behind.take(number)) {
            let destination = crate::engine::Destination { node: context.node(), operation: write.operation };
            context.spawn(destination, write.identity);
        }
    }

    pub fn observe(&mut self, now_ns: u64, record: &mut NodeRecord) {
        let share = |name, numerator: u64, denominator: u64| Share {
            name,
            numerator: numerator.into(),
            denominator: denominator.into(),
        };
        record.shares =
            vec![share("hit_ratio", self.hits, self.gets), share("evictions_per_set_ratio", self.evictions, self.sets)];
        let Some(more) = &self.more else { return };
        record.shares.push(Share {
            name: "memory_used_ratio",
            numerator: more.used.integral(now_ns),
            denominator: more.room.integral(now_ns),
        });
        record.shares.push(share("refused_per_set_ratio", more.refused, self.sets));
        record.shares.push(share("stale_ratio", more.stale, self.gets));
        record.shares.push(Share::per_hour("expired_per_hour", more.expired, now_ns));
        if more.servers.is_some() {
            record.shares.push(Share::per_hour("lost_entries_per_hour", more.lost, now_ns));
        }
        if let Some(write_behind) = &more.write_behind {
            record.shares.push(share("coalesced_writes_ratio", write_behind.coalesced, write_behind.asked));
            record.shares.push(Share::per_hour("lost_writes_per_hour", write_behind.lost, now_ns));
        }
    }

    /// Checks that the memory is what it is counted as.
    pub fn audit(&self, now_ns: u64) -> Result<(), String> {
        self.store.audit()?;
        let Some(more) = &self.more else { return Ok(()) };
        more.others.iter().try_for_each(Store::audit)?;
        let used = self.store.used() + more.others.iter().map(Store::used).sum::<u64>();
        if used != more.used.level() {
            return Err(format!("{used} used in memory, but {} counted", more.used.level()));
        }
        if let Some(write_behind) = &more.write_behind {
            write_behind.audit()?;
        }
        if more.used.integral(now_ns) > more.room.integral(now_ns) {
            return Err("more memory was used than there is".to_owned());
        }
        Ok(())
    }
}

/// A key as it was drawn, and as the memory knows it: keys of different spaces share the memory but not the names.
#[derive(Clone, Copy, Debug)]
struct Key {
    drawn: u64,
    name: u64,
}

/// What is known of a visit that stores something.
#[derive(Clone, Copy, Debug)]
struct Slot {
    key: Key,
    replica: u16,
    request: u64,
    salt: u32,
}

fn key(context: &Context, space: u16, request: u64) -> Key {
    let drawn = context.key(space, request);
    Key { drawn, name: mix(drawn).wrapping_add(u64::from(space)) }
}

impl Finish for Keeper {
    #[inline]
    fn finish(&mut self, context: &mut Context, slot: u32) -> Outcome {
        let now_ns = context.now_ns();
        let visit = *context.visit(slot);
        // Operations that nobody calls by name do nothing to the memory.
        let task = self.tasks.get(usize::from(visit.operation)).copied().unwrap_or(Task::Nothing);
        if self.more.as_ref().and_then(|more| more.servers.as_ref()).is_some_and(Servers::is_down) {
            return Outcome::Failed(Failure::Error);
        }
        // Of a cache within each replica, the node keeps here who asks.
        let replica = if self.more.is_some() { visit.pending } else { 0 };
        match task {
            Task::Command(CacheCommand::Get { space }) => {
                match self.get(replica, key(context, space, visit.key).name, now_ns) {
                    Some(_) => Outcome::Done,
                    None => Outcome::Miss,
                }
            }
            Task::Command(CacheCommand::Set { space, ttl_ns }) => {
                let key = key(context, space, visit.key);
                if let Some(more) = self.more.as_mut().filter(|more| more.has_leases) {
                    more.leases.fill(key.name, visit.key);
                }
                self.set(replica, key, ttl_ns, now_ns)
            }
            Task::Command(CacheCommand::Delete { space }) => {
                let key = key(context, space, visit.key);
                self.delete(replica, key.name, now_ns);
                Outcome::Done
            }
            Task::Command(CacheCommand::Ask { space, guards }) => {
                let key = key(context, space, visit.key);
                self.ask(replica, key.name, visit.key, guards, now_ns)
            }
            Task::Command(CacheCommand::Fill { space, ttl_ns, ttl_jitter, is_leased }) => {
                let key = key(context, space, visit.key);
                let slot = Slot { key, replica, request: visit.key, salt: visit.salt };
                self.fill(&slot, ttl_ns, ttl_jitter, is_leased, now_ns)
            }
            Task::WriteBehind { space, ttl_ns, delay_ns, hidden } => {
                let key = key(context, space, visit.key);
                let outcome = self.set(replica, key, ttl_ns, now_ns);
                let Some(more) = &mut self.more else { return outcome };
                let operation = more.hidden + hidden;
                let write = Write { key: key.name, identity: visit.identity(), operation, since_ns: now_ns };
                if let Some(number) = more.write_behind.as_mut().and_then(|write_behind| write_behind.push(write)) {
                    context.after(delay_ns, Timer { kind: FLUSH, data: number });
                }
                outcome
            }
            Task::Nothing => Outcome::Done,
        }
    }
}
