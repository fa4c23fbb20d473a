//! Redis Cluster: a key's slot is the CRC16 of its name modulo 16,384; if the name holds a hash tag, which is what stands
//! between the first `{` and the next `}`, only that counts, so that keys with the same tag are together.

use crc::{CRC_16_XMODEM, Crc, Table};

/// Slots of every cluster.
pub const SLOTS: u16 = 16_384;

static CRC16: Crc<u16, Table<1>> = Crc::<u16, Table<1>>::new(&CRC_16_XMODEM);

/// The slot of a key.
pub fn slot(key: &[u8]) -> u16 {
    CRC16.checksum(hashed(key)) % SLOTS
}

/// What of a key's name is hashed: the hash tag, unless it is empty or there is none.
fn hashed(key: &[u8]) -> &[u8] {
    let Some(open) = key.iter().position(|byte| *byte == b'{') else { return key };
    let tag = &key[open + 1..];
    match tag.iter().position(|byte| *byte == b'}') {
        Some(close) if close > 0 => &tag[..close],
        _ => key,
    }
}

/// The shard that has this slot when a cluster is made: shards have ranges of slots that differ by one at most, with borders
/// at the rounded multiples of `16384 / n`, as `redis-cli --cluster create` deals them out.
pub fn owner(slot: u16, shards: u32) -> u32 {
    let shards = u64::from(shards.max(1));
    // The first slot of shard i is i * SLOTS / n, rounded half up: the inverse is a division away, give or take one.
    let first = |shard: u64| (2 * shard * u64::from(SLOTS) + shards) / (2 * shards);
    let guess = (u64::from(slot) * shards / u64::from(SLOTS)).min(shards - 1);
    let shard = match u64::from(slot) {
        slot if slot < first(guess) => guess - 1,
        slot if guess + 1 < shards && slot >= first(guess + 1) => guess + 1,
        _ => guess,
    };
    shard as u32
}

/// Who has which slot after a cluster of `from` shards has been rebalanced over `to`: only slots that must move do. Of each shard
/// that has more than its part the last slots go, to whoever has too few.
pub fn rebalanced(from: u32, to: u32) -> Vec<u16> {
    let mut owners: Vec<u16> = (0..SLOTS).map(|slot| owner(slot, from) as u16).collect();
    // Equal parts, the first ones larger by a slot where they do not come out even.
    let (whole, rest) = (u32::from(SLOTS) / to, u32::from(SLOTS) % to);
    let part = |shard: u32| if shard < to { whole + u32::from(shard < rest) } else { 0 };
    let mut held = vec![0u32; from.max(to) as usize];
    owners.iter().for_each(|owner| held[usize::from(*owner)] += 1);
    let mut receiver = 0;
    for slot in (0..owners.len()).rev() {
        let giver = usize::from(owners[slot]);
        if held[giver] <= part(giver as u32) {
            continue;
        }
        while receiver < to && held[receiver as usize] >= part(receiver) {
            receiver += 1;
        }
        if receiver == to {
            break;
        }
        held[giver] -= 1;
        held[receiver as usize] += 1;
        owners[slot] = receiver as u16;
    }
    owners
}
