//! What pods request and machines have, in whole numbers.

use std::ops::{Add, AddAssign, Sub, SubAssign};

const MILLI: f64 = 1e3;
/// Finer digits of a number of cores are noise of its arithmetic.
const MICRO: f64 = 1e6;

/// Milli-cores, bytes, and a number of pods: a machine takes only so many, however small they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    pub cpu_milli: u64,
    pub memory_bytes: u64,
    pub pods: u64,
}

impl Resources {
    /// What one pod requests; milli-cores are rounded up, as Kubernetes does.
    pub fn of_pod(cores: f64, memory_bytes: u64) -> Self {
        Self { cpu_milli: ((cores * MICRO).round() as u64).div_ceil(1_000), memory_bytes, pods: 1 }
    }

    /// What a machine leaves for pods.
    pub fn allocatable(cores: f64, system_cores: f64, memory_bytes: u64, system_bytes: u64, pods: u32) -> Self {
        let milli = |cores: f64| (cores * MILLI).round() as u64;
        Self {
            cpu_milli: milli(cores).saturating_sub(milli(system_cores)),
            memory_bytes: memory_bytes.saturating_sub(system_bytes),
            pods: pods.into(),
        }
    }

    /// Whether there is room for this in `free`.
    pub fn fits_into(self, free: Self) -> bool {
        self.cpu_milli <= free.cpu_milli && self.memory_bytes <= free.memory_bytes && self.pods <= free.pods
    }

    /// Cores and memory as shares of what a machine has.
    pub fn shares_of(self, allocatable: Self) -> [f64; 2] {
        let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
        [share(self.cpu_milli, allocatable.cpu_milli), share(self.memory_bytes, allocatable.memory_bytes)]
    }

    /// The larger one of both shares.
    pub fn utilization_of(self, allocatable: Self) -> f64 {
        let [cpu, memory] = self.shares_of(allocatable);
        cpu.max(memory)
    }
}

impl Add for Resources {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            cpu_milli: self.cpu_milli.saturating_add(other.cpu_milli),
            memory_bytes: self.memory_bytes.saturating_add(other.memory_bytes),
            pods: self.pods.saturating_add(other.pods),
        }
    }
}

impl Sub for Resources {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            cpu_milli: self.cpu_milli.saturating_sub(other.cpu_milli),
            memory_bytes: self.memory_bytes.saturating_sub(other.memory_bytes),
            pods: self.pods.saturating_sub(other.pods),
        }
    }
}

impl AddAssign for Resources {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Resources {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milli_cores_are_rounded_up_but_not_for_noise() {
        assert_eq!(Resources::of_pod(0.1 + 0.2, 0).cpu_milli, 300);
        assert_eq!(Resources::of_pod(0.000_5, 0).cpu_milli, 1);
        assert_eq!(Resources::of_pod(f64::INFINITY, 0).cpu_milli, u64::MAX.div_ceil(1_000));
    }

    #[test]
    fn each_resource_may_be_what_lacks() {
        let free = Resources { cpu_milli: 1_000, memory_bytes: 100, pods: 1 };
        assert!(Resources::of_pod(1.0, 100).fits_into(free));
        assert!(!Resources::of_pod(1.001, 100).fits_into(free));
        assert!(!Resources::of_pod(1.0, 101).fits_into(free));
        assert!(!Resources::of_pod(0.0, 0).fits_into(Resources { pods: 0, ..free }));
    }
}
