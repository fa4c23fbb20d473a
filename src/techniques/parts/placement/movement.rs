//! Data on its way from old shards to new ones: how much there is, in which order it goes, and which keys have moved.
//!
//! The keys that one shard gives another are moved in so many pieces, one after the other, as Redis Cluster moves slots and others
//! move ranges; a piece is copied chunk by chunk.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::diagnostic::span::Spanned;
use crate::distribution::Distribution;
use crate::random::mix;
use crate::techniques::parts::placement::{Placer, Shard, redis_cluster};

/// What is to be moved, and how.
#[derive(Clone, Debug)]
pub struct Movement {
    /// Shards of the placement afterwards.
    pub to: u32,
    pub data_bytes: u64,
    pub bytes_per_second: f64,
    pub chunk_bytes: u64,
    /// The operations that copy a chunk out of the old shard, and into the new one.
    pub read: Option<String>,
    pub write: Option<String>,
    pub while_moving: WhileMoving,
    pub redirect: Option<Spanned<Distribution>>,
}

/// What becomes of requests for keys of the piece that is being moved, as written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum WhileMoving {
    /// They go to the old shard, which sends them on if their key is gone, as `ASK` of Redis Cluster does.
    #[default]
    Ask,
    /// They wait until the piece has moved.
    Block,
}

/// Pieces of what one shard gives another.
const PIECES: u32 = 16;
/// Keys that are looked at to find out how much moves; of more, a sample.
const SAMPLE: u64 = 200_000;

/// Data on its way.
#[derive(Clone, Debug)]
pub struct Transfer {
    before: Shard,
    after: Shard,
    /// The first piece of each pair of shards.
    pairs: BTreeMap<(u32, u32), u32>,
    pieces: Vec<Piece>,
    /// The piece that is moved now, and how many of its chunks have moved.
    piece: u32,
    chunk: u64,
    /// Numbers of the new placement that stand for other shards: see [`Transfer::of`].
    numbering: Numbering,
}

/// Some keys that one shard gives another.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    pub from: u32,
    pub to: u32,
    pub chunks: u64,
}

/// Dedicated shards stand behind the first `count` of the placement, and new ones behind the dedicated.
#[derive(Clone, Copy, Debug)]
struct Numbering {
    count: u32,
    to: u32,
    dedicated: u32,
}

impl Numbering {
    /// The shard that the new placement means by this number.
    fn place(self, number: u32) -> u32 {
        match number {
            number if number >= self.to => number - self.to + self.count,
            number if number >= self.count => number + self.dedicated,
            number => number,
        }
    }
}

/// Where a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    At(u32),
    /// In the piece that is being moved; `is_gone` says whether it has left the old shard.
    Moving {
        from: u32,
        to: u32,
        is_gone: bool,
    },
}

impl Transfer {
    /// What has to be moved so that keys of a space of this size, placed over `count` shards and some dedicated ones, are where
    /// `after` puts them.
    pub fn of(movement: &Movement, keys: u64, count: u32, before: Shard, mut after: Shard) -> Self {
        if matches!(after.placer, Placer::RedisCluster { .. }) {
            after.placer = Placer::Slots(redis_cluster::rebalanced(count, movement.to).into());
        }
        let dedicated = before.dedicated.map_or(0, |(_, _, shards)| shards);
        let numbering = Numbering { count, to: movement.to, dedicated };
        let mut transfer =
            Self { before, after, pairs: BTreeMap::new(), pieces: Vec::new(), piece: 0, chunk: 0, numbering };
        let (mut name, mut moving) = (Vec::new(), BTreeMap::<(u32, u32), u64>::new());
        let looked_at = keys.min(SAMPLE);
        for place in 0..looked_at {
            let rank = if keys <= SAMPLE { place } else { mix(place) % keys };
            if let Some(pair) = transfer.pair(rank, &mut name) {
                *moving.entry(pair).or_default() += 1;
            }
        }
        for ((from, to), keys) in moving {
            let bytes = movement.data_bytes as f64 * keys as f64 / looked_at as f64 / f64::from(PIECES);
            let chunks = (bytes / movement.chunk_bytes.max(1) as f64).ceil().max(1.0) as u64;
            transfer.pairs.insert((from, to), transfer.pieces.len() as u32);
            transfer.pieces.extend((0..PIECES).map(|_| Piece { from, to, chunks }));
        }
        transfer
    }

    /// The shards between which a key must move, if it must.
    fn pair(&self, rank: u64, name: &mut Vec<u8>) -> Option<(u32, u32)> {
        let from = self.before.of(rank, name)?;
        let to = self.numbering.place(self.after.of(rank, name)?);
        (from != to).then_some((from, to))
    }

    /// Where the key of this rank is now.
    pub fn find(&self, rank: u64, name: &mut Vec<u8>) -> Option<Whereabouts> {
        let Some((from, to)) = self.pair(rank, name) else {
            return self.before.of(rank, name).map(Whereabouts::At);
        };
        let drawn = mix(rank ^ 0x7EA5_1D0F_DA7A);
        let is_moved = match self.pairs.get(&(from, to)) {
            // So few keys that the sample missed them all: they move last.
            None => self.is_over(),
            Some(first) => {
                let piece = first + (drawn % u64::from(PIECES)) as u32;
                if piece == self.piece {
                    let order = (drawn >> 32) as f64 / f64::from(u32::MAX);
                    let is_gone = order * (self.pieces[piece as usize].chunks as f64) < self.chunk as f64;
                    return Some(Whereabouts::Moving { from, to, is_gone });
                }
                piece < self.piece
            }
        };
        Some(Whereabouts::At(if is_moved { to } else { from }))
    }

    /// The piece that is moved now.
    pub fn current(&self) -> Option<Piece> {
        self.pieces.get(self.piece as usize).copied()
    }

    /// One more chunk has moved. Returns whether that was the last of its piece.
    pub fn advance(&mut self) -> bool {
        self.chunk += 1;
        let is_last = self.current().is_some_and(|piece| self.chunk >= piece.chunks);
        if is_last {
            (self.piece, self.chunk) = (self.piece + 1, 0);
        }
        is_last
    }

    /// Whether everything has moved.
    pub fn is_over(&self) -> bool {
        self.piece as usize >= self.pieces.len()
    }

    /// Chunks in all.
    pub fn chunks(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.chunks).sum()
    }
}
