//! A group of equal machines: as written, and as the controller keeps it.

use serde::Deserialize;

use crate::controllers::cluster::resources::Resources;
use crate::diagnostic::span::Spanned;
use crate::distribution::{Distribution, Sampler};
use crate::price::HourlyPrice;
use crate::techniques::technique::{CompileError, Mistake, Wiring, law_mistakes};
use crate::units::{Bytes, Duration, Rate};

/// What the kubelet takes.
const MOST_PODS: u32 = 110;
/// What clouds give.
const NOTICE_NS: u64 = 120_000_000_000;
/// Machines that one group may have.
const MOST_MACHINES: u32 = 15_000;
/// How long a group is passed over after a machine did not come, at first and at most, and when that is forgotten.
const FIRST_BACK_OFF_NS: u64 = 300_000_000_000;
const LONGEST_BACK_OFF_NS: u64 = 1_800_000_000_000;
const FAILURES_FORGOTTEN_AFTER_NS: u64 = 10_800_000_000_000;

/// Equal machines as written: one instance type.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeGroup {
    /// Cores of each machine.
    pub cpu: Spanned<f64>,
    pub memory: Spanned<Bytes>,
    /// Of each machine, from when it is asked for until it is gone.
    #[serde(default)]
    pub price: Option<HourlyPrice>,
    #[serde(default)]
    pub min_nodes: Option<Spanned<u32>>,
    pub max_nodes: Spanned<u32>,
    /// From asking for a machine until it takes pods.
    #[serde(default)]
    pub provisioning: Option<Spanned<Distribution>>,
    /// What the machine's own agents keep.
    #[serde(default)]
    pub system_cpu: Option<Spanned<f64>>,
    #[serde(default)]
    pub system_memory: Option<Spanned<Bytes>>,
    #[serde(default)]
    pub max_pods: Option<Spanned<u32>>,
    #[serde(default)]
    pub priority: u32,
    #[serde(default)]
    pub spot: Option<Spanned<Spot>>,
}

/// Machines that the cloud takes back when it needs them.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spot {
    /// Of each machine.
    pub interruptions: Rate,
    /// From the warning until the machine is gone.
    #[serde(default)]
    pub notice: Option<Duration>,
}

impl NodeGroup {
    fn minimum(&self) -> u32 {
        self.min_nodes.as_ref().map_or(0, |nodes| nodes.value)
    }

    fn system_cores(&self) -> f64 {
        self.system_cpu.as_ref().map_or(0.0, |cpu| cpu.value)
    }

    /// What each machine leaves for pods.
    pub fn allocatable(&self) -> Resources {
        let system_bytes = self.system_memory.as_ref().map_or(0, |memory| memory.bytes);
        let pods = self.max_pods.as_ref().map_or(MOST_PODS, |pods| pods.value);
        Resources::allocatable(self.cpu.value, self.system_cores(), self.memory.bytes, system_bytes, pods)
    }

    /// Mistakes in it.
    pub fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        if !(0.001..=100_000.0).contains(&self.cpu.value) {
            let message = "a machine has between 0.001 and 100,000 cores";
            found.push(Mistake::new(self.cpu.span, message, "write for example 4"));
        } else if let Some(system) =
            self.system_cpu.as_ref().filter(|system| !(0.0..self.cpu.value).contains(&system.value))
        {
            let message = format!("the system of a machine keeps less than its {} cores", self.cpu.value);
            found.push(Mistake::new(system.span, message, "write for example 0.2"));
        }
        if self.memory.bytes == 0 {
            let message = "a machine without memory runs nothing";
            found.push(Mistake::new(self.memory.span, message, "write for example \"16GiB\""));
        } else if let Some(system) = self.system_memory.as_ref().filter(|system| system.bytes >= self.memory.bytes) {
            let message = format!("the system of a machine keeps less than its {}", self.memory.value);
            found.push(Mistake::new(system.span, message, "write for example \"1GiB\""));
        }
        let (minimum, maximum) = (self.minimum(), self.max_nodes.value);
        if !(1..=MOST_MACHINES).contains(&maximum) {
            let message = "a group has room for between 1 and 15,000 machines";
            found.push(Mistake::new(self.max_nodes.span, message, "write for example max_nodes: 20"));
        } else if let Some(written) = self.min_nodes.as_ref().filter(|_| minimum > maximum) {
            let message = format!("min_nodes {minimum} is above max_nodes {maximum}");
            found.push(Mistake::new(written.span, message, format!("write at most {maximum}, or raise max_nodes")));
        }
        if let Some(pods) = self.max_pods.as_ref().filter(|pods| pods.value == 0) {
            let message = "a machine that takes no pods is of no use";
            found.push(Mistake::new(pods.span, message, "write for example 110"));
        }
        if let Some(law) = &self.provisioning {
            found.extend(law_mistakes(law));
        }
        if let Some(spot) = self.spot.as_ref().filter(|spot| spot.interruptions.per_second <= 0.0) {
            let message = "spot machines that are never interrupted are plain ones";
            found.push(Mistake::new(
                spot.span,
                message,
                "write for example interruptions: \"0.05/h\", or leave spot out",
            ));
        }
        found
    }

    /// The running form.
    pub fn compile(&self, wiring: &mut dyn Wiring) -> Result<Group, CompileError> {
        let provisioning = match &self.provisioning {
            Some(law) => wiring.sampler(law)?,
            None => Sampler::default(),
        };
        let interruptions = self.spot.as_ref().map(|spot| Interruptions {
            lifetime: Sampler::exponential_ns(1e9 / spot.interruptions.per_second),
            notice_ns: spot.notice.map_or(NOTICE_NS, |notice| notice.ns),
        });
        Ok(Group {
            micro_usd_per_hour: self.price.map_or(0, |price| (price.usd_per_hour * 1e6).round() as u64),
            minimum: self.minimum(),
            maximum: self.max_nodes.value,
            provisioning,
            priority: self.priority,
            interruptions,
            ..Group::of(self.allocatable())
        })
    }
}

/// When the cloud takes a machine back.
#[derive(Clone, Debug)]
pub struct Interruptions {
    pub lifetime: Sampler,
    pub notice_ns: u64,
}

/// A group at work.
#[derive(Clone, Debug)]
pub struct Group {
    pub allocatable: Resources,
    pub micro_usd_per_hour: u64,
    pub minimum: u32,
    pub maximum: u32,
    pub provisioning: Sampler,
    pub priority: u32,
    pub interruptions: Option<Interruptions>,
    /// Machines that there are, whatever they do.
    pub machines: u32,
    /// Machines that did not come, one soon after the other, the last one's time, and until when none is asked for.
    failures: u32,
    failed_ns: u64,
    closed_until_ns: u64,
}

impl Group {
    /// Machines of this size, for nothing, without a limit.
    pub fn of(allocatable: Resources) -> Self {
        Self {
            allocatable,
            micro_usd_per_hour: 0,
            minimum: 0,
            maximum: u32::MAX,
            provisioning: Sampler::default(),
            priority: 0,
            interruptions: None,
            machines: 0,
            failures: 0,
            failed_ns: 0,
            closed_until_ns: 0,
        }
    }

    /// Machines that may still be asked for.
    pub fn left(&self, now_ns: u64) -> u32 {
        if now_ns < self.closed_until_ns { 0 } else { self.maximum.saturating_sub(self.machines) }
    }

    /// A machine did not come in time: for a while, others are asked.
    pub fn fail(&mut self, now_ns: u64) {
        let is_forgotten = now_ns - self.failed_ns >= FAILURES_FORGOTTEN_AFTER_NS;
        // Machines that were asked for together fail together, and once.
        if now_ns >= self.closed_until_ns || self.failures == 0 {
            self.failures = if is_forgotten { 1 } else { self.failures.saturating_add(1) };
            let back_off_ns = FIRST_BACK_OFF_NS << (self.failures - 1).min(8);
            self.closed_until_ns = now_ns.saturating_add(back_off_ns.min(LONGEST_BACK_OFF_NS));
        }
        self.failed_ns = now_ns;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_fails_is_left_alone_for_longer_and_longer() {
        const MINUTE_NS: u64 = 60_000_000_000;
        let mut group = Group { maximum: 10, ..Group::of(Resources::default()) };
        group.fail(0);
        group.fail(0);
        assert_eq!((group.left(5 * MINUTE_NS - 1), group.left(5 * MINUTE_NS)), (0, 10));
        group.fail(6 * MINUTE_NS);
        assert_eq!((group.left(16 * MINUTE_NS - 1), group.left(16 * MINUTE_NS)), (0, 10));
        group.fail(7 * 60 * MINUTE_NS);
        assert_eq!(group.left((7 * 60 + 5) * MINUTE_NS), 10);
    }
}
