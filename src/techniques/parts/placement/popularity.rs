//! How much of the requests goes to each shard, from the popularity of the keys and their placement alone.

use crate::distribution::KeyLaw;
use crate::random::mix;
use crate::techniques::parts::placement::placer::Shard;

/// The most popular keys are placed one by one.
const HEAD: u64 = 100_000;
/// Of all others so many are looked at, spread evenly over their ranks.
const SAMPLE: u64 = 100_000;

/// The share of each shard; what goes to no shard is missing from the sum.
pub fn shares(law: &KeyLaw, shard: &Shard, shards: u32) -> Vec<f64> {
    let mut shares = vec![0.0; shards as usize];
    let mut name = Vec::new();
    let mut add = |rank: u64, weight: f64| {
        let place = shard.of(rank, &mut name).and_then(|place| shares.get_mut(place as usize));
        place.into_iter().for_each(|share| *share += weight);
    };
    let count = law.count();
    let head = count.min(HEAD);
    let mut in_head = 0.0;
    for rank in 0..head {
        let weight = law.weight(rank);
        in_head += weight;
        add(rank, weight);
    }
    let total = in_head + law.weight_from(head);
    let looked_at = (count - head).min(SAMPLE);
    if looked_at > 0 {
        // A rank within each stretch, not always the first: ranks in step with the number of shards would all be in one.
        let stretch = (count - head) as f64 / looked_at as f64;
        let ranks = (0..looked_at).map(|place| {
            let within = mix(place) as f64 / u64::MAX as f64;
            (head + ((place as f64 + within) * stretch) as u64).min(count - 1)
        });
        let ranks: Vec<u64> = ranks.collect();
        let weights: f64 = ranks.iter().map(|rank| law.weight(*rank)).sum();
        let scale = law.weight_from(head) / weights.max(f64::MIN_POSITIVE);
        ranks.into_iter().for_each(|rank| add(rank, law.weight(rank) * scale));
    }
    shares.iter_mut().for_each(|share| *share /= total.max(f64::MIN_POSITIVE));
    shares
}

/// The share of keys, each counting once, that two placements see on different shards: what must be moved.
pub fn moving(keys: u64, before: &Shard, after: &Shard) -> f64 {
    let (mut name, mut moved) = (Vec::new(), 0u64);
    let looked_at = keys.min(SAMPLE);
    for place in 0..looked_at {
        let rank = if keys <= SAMPLE { place } else { mix(place) % keys };
        moved += u64::from(before.of(rank, &mut name) != after.of(rank, &mut name));
    }
    moved as f64 / looked_at.max(1) as f64
}
