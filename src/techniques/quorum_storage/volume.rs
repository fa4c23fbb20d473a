//! How large the volume is, and what that costs.

use crate::engine::gauge::Gauge;

/// A volume that grows by whole segments as bytes are added to it.
#[derive(Clone, Debug)]
pub struct Volume {
    stored_bytes: u64,
    segment_bytes: u64,
    most_bytes: u64,
    /// Micro-dollars an hour of one segment.
    segment_price: f64,
    /// Megabytes, so that small segments count too.
    allocated_mb: Gauge,
    micro_usd_per_hour: Gauge,
}

impl Volume {
    /// A volume that holds so much at time zero, priced by the byte and hour.
    pub fn new(stored_bytes: u64, segment_bytes: u64, most_bytes: u64, usd_per_byte_hour: f64) -> Self {
        let mut volume = Self {
            stored_bytes,
            segment_bytes: segment_bytes.max(1),
            most_bytes,
            segment_price: usd_per_byte_hour * segment_bytes as f64 * 1e6,
            allocated_mb: Gauge::default(),
            micro_usd_per_hour: Gauge::default(),
        };
        volume.allocate(0);
        volume
    }

    /// Segments that are paid for: one at least.
    fn segments(&self) -> u64 {
        self.stored_bytes.div_ceil(self.segment_bytes).max(1)
    }

    fn allocate(&mut self, now_ns: u64) {
        let bytes = u128::from(self.segments()) * u128::from(self.segment_bytes);
        self.allocated_mb.set(now_ns, (bytes / 1_000_000) as u64);
        self.micro_usd_per_hour.set(now_ns, (self.segments() as f64 * self.segment_price) as u64);
    }

    /// Stores more, if there is room. Returns whether there was.
    pub fn grow(&mut self, now_ns: u64, bytes: u64) -> bool {
        let stored_bytes = self.stored_bytes.saturating_add(bytes);
        if stored_bytes > self.most_bytes {
            return false;
        }
        let before = self.segments();
        self.stored_bytes = stored_bytes;
        if self.segments() != before {
            self.allocate(now_ns);
        }
        true
    }

    /// What a copy of the fullest segment has to fetch.
    pub fn fullest_segment_bytes(&self) -> u64 {
        self.stored_bytes.min(self.segment_bytes)
    }

    /// Megabytes x nanoseconds that were allocated.
    pub fn allocated_mb_ns(&self, now_ns: u64) -> u128 {
        self.allocated_mb.integral(now_ns)
    }

    /// Micro-dollars an hour x nanoseconds.
    pub fn charged_ns(&self, now_ns: u64) -> u128 {
        self.micro_usd_per_hour.integral(now_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIGABYTE: u64 = 1_000_000_000;

    #[test]
    fn a_volume_grows_in_steps_and_ends() {
        let mut volume = Volume::new(0, 10 * GIGABYTE, 25 * GIGABYTE, 1e-13);
        let allocated = |volume: &Volume| volume.allocated_mb.level() / 1_000;
        assert_eq!(allocated(&volume), 10);
        assert!(volume.grow(1, 10 * GIGABYTE));
        assert_eq!((allocated(&volume), volume.fullest_segment_bytes()), (10, 10 * GIGABYTE));
        assert!(volume.grow(2, 1));
        assert_eq!((allocated(&volume), volume.micro_usd_per_hour.level()), (20, 2_000));
        assert!(!volume.grow(3, 15 * GIGABYTE));
        assert!(volume.grow(3, 14 * GIGABYTE));
        assert_eq!(allocated(&volume), 30);
    }
}
