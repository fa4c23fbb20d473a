//! How long each copy takes to answer a read, as it is seen from each zone.

/// One in so many reads asks a second copy too, so that what is known of it does not grow old.
const READS_PER_PROBE: u64 = 32;

/// What an answer weighs against all before it.
const WEIGHT: f64 = 0.125;

/// Averages of answers, in which the later count more.
#[derive(Clone, Debug)]
pub struct Paths {
    /// Nanoseconds, by zone of the caller and then by copy.
    expected_ns: Vec<Vec<f64>>,
    reads: u64,
}

impl Paths {
    /// With what is expected at first, by zone of the caller and copy.
    pub fn new(zones: u8, copies: u16, expected_ns: impl Fn(u8, u16) -> f64) -> Self {
        let of_zone = |zone| (0..copies).map(|copy| expected_ns(zone, copy)).collect();
        Self { expected_ns: (0..zones).map(of_zone).collect(), reads: 0 }
    }

    /// A copy has answered.
    pub fn observe(&mut self, zone: u8, copy: u16, taken_ns: u64) {
        let expected_ns = &mut self.expected_ns[usize::from(zone)][usize::from(copy)];
        *expected_ns += WEIGHT * (taken_ns as f64 - *expected_ns);
    }

    /// Of these copies the one that is expected to answer first; and now and then a second one to ask.
    pub fn choose(&mut self, zone: u8, copies: &[u16]) -> (Option<u16>, Option<u16>) {
        let expected_ns = &self.expected_ns[usize::from(zone)];
        let by_time =
            |one: &&u16, other: &&u16| expected_ns[usize::from(**one)].total_cmp(&expected_ns[usize::from(**other)]);
        let first = copies.iter().min_by(by_time).copied();
        self.reads += 1;
        if !self.reads.is_multiple_of(READS_PER_PROBE) || copies.len() < 2 {
            return (first, None);
        }
        // Each of the others in turn.
        let others: Vec<u16> = copies.iter().copied().filter(|copy| Some(*copy) != first).collect();
        let turn = (self.reads / READS_PER_PROBE) as usize % others.len();
        (first, Some(others[turn]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_that_has_become_slow_is_avoided_until_a_probe_finds_it_fast_again() {
        let mut paths = Paths::new(2, 3, |zone, copy| if u16::from(zone) == copy { 100.0 } else { 200.0 });
        assert_eq!(paths.choose(1, &[0, 1, 2]).0, Some(1));
        assert_eq!(paths.choose(0, &[1, 2]).0, Some(1));
        (0..20).for_each(|_| paths.observe(1, 1, 1_000));
        assert_eq!(paths.choose(1, &[0, 1, 2]).0, Some(0));
        let probed: Vec<u16> = (0..96).filter_map(|_| paths.choose(1, &[0, 1, 2]).1).collect();
        assert!(probed.contains(&1) && probed.contains(&2) && probed.len() == 3, "{probed:?}");
    }
}
