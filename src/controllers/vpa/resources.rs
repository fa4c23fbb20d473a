//! Amounts of CPU and memory in the grain of Kubernetes: whole milli-cores and whole bytes, rounded down.
//!
//! After kubernetes/autoscaler, `recommender/model/types.go`. Amounts end at 10^14, which stands for "any amount" in an upper
//! bound without history.

/// The largest amount, in milli-cores or bytes.
pub const MOST: u64 = 100_000_000_000_000;

/// CPU and memory of one container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// CPU in thousandths of a core.
    pub cpu_millicores: u64,
    /// Memory in bytes.
    pub memory_bytes: u64,
}

impl Resources {
    /// From cores and bytes, each rounded down to its grain.
    #[must_use]
    pub fn new(cpu_cores: f64, memory_bytes: f64) -> Self {
        Self { cpu_millicores: whole(cpu_cores * 1_000.0), memory_bytes: whole(memory_bytes) }
    }

    /// CPU in cores.
    #[must_use]
    pub fn cpu_cores(&self) -> f64 {
        self.cpu_millicores as f64 / 1_000.0
    }

    /// Both amounts times a factor.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        self.each(|amount| whole(amount as f64 * factor))
    }

    /// Both amounts plus this share of themselves.
    #[must_use]
    pub fn with_margin(&self, fraction: f64) -> Self {
        self.each(|amount| amount.saturating_add(whole(amount as f64 * fraction)).min(MOST))
    }

    /// The larger of each amount.
    #[must_use]
    pub fn at_least(&self, minimum: Self) -> Self {
        Self {
            cpu_millicores: self.cpu_millicores.max(minimum.cpu_millicores),
            memory_bytes: self.memory_bytes.max(minimum.memory_bytes),
        }
    }

    fn each(&self, change: impl Fn(u64) -> u64) -> Self {
        Self { cpu_millicores: change(self.cpu_millicores), memory_bytes: change(self.memory_bytes) }
    }
}

/// A number as an amount: rounded down, at most [`MOST`], and zero if it is negative or no number.
#[must_use]
pub fn whole(amount: f64) -> u64 {
    (amount as u64).min(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_rounded_down_and_bounded() {
        assert_eq!(Resources::new(0.0125, 10.9), Resources { cpu_millicores: 12, memory_bytes: 10 });
        assert_eq!(Resources::new(f64::NAN, -3.0), Resources::default());
        assert_eq!(
            Resources::new(1.0, 1.0).scaled(f64::INFINITY),
            Resources { cpu_millicores: MOST, memory_bytes: MOST }
        );
        assert_eq!(Resources::new(0.0, 0.0).scaled(f64::INFINITY), Resources::default());
    }

    #[test]
    fn a_margin_is_rounded_down_by_itself() {
        let found = Resources { cpu_millicores: 19, memory_bytes: 1_001 }.with_margin(0.15);
        assert_eq!(found, Resources { cpu_millicores: 21, memory_bytes: 1_151 });
    }
}
