//! What a store asks of its policy.

use crate::techniques::parts::store::arc::Arc;
use crate::techniques::parts::store::clock::Clock;
use crate::techniques::parts::store::eviction::{Eviction, Sampling};
use crate::techniques::parts::store::fifo::Fifo;
use crate::techniques::parts::store::index::Index;
use crate::techniques::parts::store::lfu::Lfu;
use crate::techniques::parts::store::lru::Lru;
use crate::techniques::parts::store::s3_fifo::S3Fifo;
use crate::techniques::parts::store::sampled::{Sampled, Score};
use crate::techniques::parts::store::sieve::Sieve;
use crate::techniques::parts::store::slab::Slab;

/// An entry that goes. The policy has taken it out of its lists.
#[derive(Clone, Copy, Debug)]
pub enum Victim {
    Gone(u32),
    /// Its key is remembered, in a list of the policy.
    Ghost(u32),
}

/// A policy at work.
#[derive(Clone, Debug)]
pub enum Policy {
    Lru(Lru),
    Lfu(Lfu),
    Fifo(Fifo),
    Clock(Clock),
    Sieve(Sieve),
    S3Fifo(S3Fifo),
    Arc(Box<Arc>),
    Sampled(Box<Sampled>),
    /// Nothing ever goes.
    Nothing,
}

impl Policy {
    pub fn new(eviction: Eviction, room: u64, sampling: Sampling) -> Self {
        let sampled = |score, only_volatile| Self::Sampled(Box::new(Sampled::new(score, only_volatile, sampling)));
        match eviction {
            Eviction::Lru => Self::Lru(Lru::default()),
            Eviction::Lfu => Self::Lfu(Lfu::default()),
            Eviction::Fifo => Self::Fifo(Fifo::default()),
            Eviction::Clock => Self::Clock(Clock::default()),
            Eviction::Sieve => Self::Sieve(Sieve::default()),
            Eviction::S3Fifo => Self::S3Fifo(S3Fifo::new(room)),
            Eviction::Arc => Self::Arc(Box::new(Arc::new(room))),
            Eviction::AllkeysLru => sampled(Score::LeastRecentlyUsed, false),
            Eviction::AllkeysLfu => sampled(Score::LeastFrequentlyUsed, false),
            Eviction::AllkeysRandom => sampled(Score::Chance, false),
            Eviction::VolatileLru => sampled(Score::LeastRecentlyUsed, true),
            Eviction::VolatileLfu => sampled(Score::LeastFrequentlyUsed, true),
            Eviction::VolatileRandom => sampled(Score::Chance, true),
            Eviction::VolatileTtl => sampled(Score::FirstToExpire, true),
            Eviction::Noeviction | Eviction::TtlOnly => Self::Nothing,
        }
    }

    /// Forgets all entries.
    pub fn clear(&mut self) {
        match self {
            Self::Lru(lru) => *lru = Lru::default(),
            Self::Lfu(lfu) => *lfu = Lfu::default(),
            Self::Fifo(fifo) => *fifo = Fifo::default(),
            Self::Clock(clock) => *clock = Clock::default(),
            Self::Sieve(sieve) => *sieve = Sieve::default(),
            Self::S3Fifo(s3_fifo) => s3_fifo.clear(),
            Self::Arc(arc) => arc.clear(),
            Self::Sampled(sampled) => sampled.clear(),
            Self::Nothing => {}
        }
    }

    /// An entry was asked for, or written again.
    #[inline]
    pub fn used(&mut self, slab: &mut Slab, slot: u32, now_ns: u64) {
        match self {
            Self::Lru(lru) => lru.used(slab, slot),
            Self::Lfu(lfu) => lfu.used(slab, slot),
            Self::Clock(_) => Clock::used(slab, slot),
            Self::Sieve(_) => Sieve::used(slab, slot),
            Self::S3Fifo(_) => S3Fifo::used(slab, slot),
            Self::Arc(arc) => arc.used(slab, slot),
            Self::Sampled(sampled) => sampled.used(slab, slot, now_ns),
            Self::Fifo(_) | Self::Nothing => {}
        }
    }

    /// The key of an entry that went and is remembered comes back: it is not remembered any longer.
    pub fn returns(&mut self, slab: &mut Slab, ghost: u32, size: u32) {
        match self {
            Self::S3Fifo(s3_fifo) => s3_fifo.removed(slab, ghost),
            Self::Arc(arc) => arc.returns(slab, ghost, size),
            _ => {}
        }
    }

    /// An entry is new.
    #[inline]
    pub fn inserted(&mut self, slab: &mut Slab, slot: u32, is_remembered: bool, now_ns: u64) {
        match self {
            Self::Lru(Lru { queue }) | Self::Fifo(Fifo { queue }) | Self::Clock(Clock { queue }) => {
                queue.push_newest(slab, slot);
            }
            Self::Sieve(sieve) => sieve.queue.push_newest(slab, slot),
            Self::Lfu(lfu) => lfu.inserted(slab, slot),
            Self::S3Fifo(s3_fifo) => s3_fifo.inserted(slab, slot, is_remembered),
            Self::Arc(arc) => arc.inserted(slab, slot, is_remembered),
            Self::Sampled(sampled) => sampled.inserted(slab, slot, now_ns),
            Self::Nothing => {}
        }
    }

    /// An entry is gone, by its time or because somebody said so.
    pub fn removed(&mut self, slab: &mut Slab, slot: u32) {
        match self {
            Self::Lru(Lru { queue }) | Self::Fifo(Fifo { queue }) | Self::Clock(Clock { queue }) => {
                queue.unlink(slab, slot);
            }
            Self::Sieve(sieve) => sieve.removed(slab, slot),
            Self::Lfu(lfu) => lfu.removed(slab, slot),
            Self::S3Fifo(s3_fifo) => s3_fifo.removed(slab, slot),
            Self::Arc(arc) => arc.removed(slab, slot),
            Self::Sampled(sampled) => sampled.removed(slab, slot),
            Self::Nothing => {}
        }
    }

    /// An entry is about to have another size.
    pub fn resize(&mut self, slab: &Slab, slot: u32, before: u32, after: u32) {
        match self {
            Self::Lru(Lru { queue }) | Self::Fifo(Fifo { queue }) | Self::Clock(Clock { queue }) => {
                queue.resize(before, after);
            }
            Self::Sieve(sieve) => sieve.queue.resize(before, after),
            Self::Lfu(lfu) => lfu.resize(slab, slot, before, after),
            Self::S3Fifo(s3_fifo) => s3_fifo.resize(slab, slot, before, after),
            Self::Arc(arc) => arc.resize(slab, slot, before, after),
            Self::Sampled(_) | Self::Nothing => {}
        }
    }

    /// An entry that could expire no longer can, or the other way round.
    pub fn expiry_changed(&mut self, slab: &mut Slab, slot: u32) {
        if let Self::Sampled(sampled) = self {
            sampled.expiry_changed(slab, slot);
        }
    }

    /// The entry that goes next, if one may.
    #[inline]
    pub fn victim(&mut self, slab: &mut Slab, index: &Index, now_ns: u64) -> Option<Victim> {
        match self {
            Self::Lru(lru) => lru.victim(slab),
            Self::Lfu(lfu) => lfu.victim(slab),
            Self::Fifo(fifo) => fifo.victim(slab),
            Self::Clock(clock) => clock.victim(slab),
            Self::Sieve(sieve) => sieve.victim(slab),
            Self::S3Fifo(s3_fifo) => s3_fifo.victim(slab),
            Self::Arc(arc) => arc.victim(slab),
            Self::Sampled(sampled) => sampled.victim(slab, index, now_ns),
            Self::Nothing => None,
        }
    }

    /// A remembered key for which there is no longer room.
    #[inline]
    pub fn surplus_ghost(&mut self, slab: &mut Slab) -> Option<u32> {
        match self {
            Self::S3Fifo(s3_fifo) => s3_fifo.surplus_ghost(slab),
            Self::Arc(arc) => arc.surplus_ghost(slab),
            _ => None,
        }
    }

    /// Keys in its lists, if all must be there.
    pub fn members(&self) -> Option<usize> {
        match self {
            Self::Lru(Lru { queue }) | Self::Fifo(Fifo { queue }) | Self::Clock(Clock { queue }) => {
                Some(queue.len as usize)
            }
            Self::Sieve(sieve) => Some(sieve.queue.len as usize),
            Self::Lfu(lfu) => Some(lfu.len()),
            Self::S3Fifo(s3_fifo) => Some(s3_fifo.len()),
            Self::Arc(arc) => Some(arc.len()),
            Self::Sampled(sampled) => sampled.len(),
            Self::Nothing => None,
        }
    }
}
