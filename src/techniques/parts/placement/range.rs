//! Ranges of ids, such as one for each letter or each year: neighbours stay together, and the split points decide the
//! balance. An id outside all ranges has no shard.

/// Ranges in ascending order, each with its shard.
#[derive(Clone, Debug)]
pub struct Ranges(Vec<(u64, u64, u32)>);

impl Ranges {
    /// Each range belongs to the shard at its place in the list.
    pub fn of(ranges: &[(u64, u64)]) -> Self {
        Self(sorted(ranges))
    }

    /// The shard of this id.
    #[inline]
    pub fn shard(&self, id: u64) -> Option<u32> {
        let after = self.0.partition_point(|(from, _, _)| *from <= id);
        let (_, to, shard) = self.0.get(after.checked_sub(1)?)?;
        (id < *to).then_some(*shard)
    }
}

fn sorted(ranges: &[(u64, u64)]) -> Vec<(u64, u64, u32)> {
    let mut sorted: Vec<_> = ranges.iter().enumerate().map(|(shard, (from, to))| (*from, *to, shard as u32)).collect();
    sorted.sort_unstable();
    sorted
}

/// An id that lies in two ranges, and these.
pub fn overlap(ranges: &[(u64, u64)]) -> Option<(u64, u32, u32)> {
    let sorted = sorted(ranges);
    let meet = sorted.windows(2).find(|pair| pair[1].0 < pair[0].1)?;
    Some((meet[1].0, meet[0].2, meet[1].2))
}

/// The first and the last id of the lowest stretch of ids below `keys` that lies in no range.
pub fn gap(ranges: &[(u64, u64)], keys: u64) -> Option<(u64, u64)> {
    let mut covered = 0;
    for (from, to, _) in sorted(ranges) {
        if from > covered {
            break;
        }
        covered = covered.max(to);
    }
    let next = ranges.iter().map(|(from, _)| *from).filter(|from| *from > covered).min().unwrap_or(keys);
    (covered < keys).then(|| (covered, next.min(keys) - 1))
}
