//! Lists of ids, such as the zones of a city: what belongs together by meaning, whether it is equally large or not. An id in
//! no list belongs to the default shard if there is one, else to none.

/// Ids in ascending order, each with its shard.
#[derive(Clone, Debug)]
pub struct Lists {
    ids: Vec<(u64, u32)>,
    default: Option<u32>,
}

impl Lists {
    /// Each list belongs to the shard at its place.
    pub fn of(lists: &[Vec<u64>], default: Option<u32>) -> Self {
        Self { ids: sorted(lists), default }
    }

    /// The shard of this id.
    #[inline]
    pub fn shard(&self, id: u64) -> Option<u32> {
        let place = self.ids.binary_search_by_key(&id, |(listed, _)| *listed);
        place.map_or(self.default, |place| Some(self.ids[place].1))
    }
}

fn sorted(lists: &[Vec<u64>]) -> Vec<(u64, u32)> {
    let with_shard =
        |(shard, ids): (usize, &Vec<u64>)| ids.iter().map(move |id| (*id, shard as u32)).collect::<Vec<_>>();
    let mut ids: Vec<(u64, u32)> = lists.iter().enumerate().flat_map(with_shard).collect();
    ids.sort_unstable();
    ids
}

/// An id that is named twice, and the shards that it is named for.
pub fn twice(lists: &[Vec<u64>]) -> Option<(u64, u32, u32)> {
    sorted(lists).windows(2).find(|pair| pair[0].0 == pair[1].0).map(|pair| (pair[0].0, pair[0].1, pair[1].1))
}

/// The first and the last id of the lowest stretch of ids below `keys` that no list names.
pub fn gap(lists: &[Vec<u64>], keys: u64) -> Option<(u64, u64)> {
    let mut first = 0;
    let ids = sorted(lists);
    for (id, _) in &ids {
        if *id > first {
            break;
        }
        first = first.max(id + 1);
    }
    let next = ids.iter().map(|(id, _)| *id).find(|id| *id > first).unwrap_or(keys);
    (first < keys).then(|| (first, next.min(keys) - 1))
}
