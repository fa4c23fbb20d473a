//! The machines that there are, what stands on them, and their levels over time.

use crate::controllers::cluster::group::Group;
use crate::controllers::cluster::resources::Resources;
use crate::engine::control::ReplicaId;
use crate::engine::gauge::Gauge;
use crate::engine::record::{NodeRecord, Share};

/// A replica of one of the services, which are known by their places among the targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodName {
    pub service: u16,
    pub replica: ReplicaId,
}

impl PodName {
    /// As the data of a timer: a replica takes 48 bits.
    pub fn word(self) -> u64 {
        u64::from(self.service) << 48 | self.replica.word()
    }

    /// The name that [`PodName::word`] was made of.
    pub fn from_word(word: u64) -> Self {
        Self { service: (word >> 48) as u16, replica: ReplicaId::from_word(word & 0xFFFF_FFFF_FFFF) }
    }
}

/// A replica that asked for a place.
#[derive(Clone, Copy, Debug)]
pub struct Pod {
    pub name: PodName,
    pub requests: Resources,
    pub asked_ns: u64,
}

/// Where a machine is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MachinePhase {
    Starting,
    Ready,
    /// It takes no new pods, and is gone when it has none.
    Leaving,
}

/// One machine.
#[derive(Clone, Debug)]
pub struct Machine {
    /// How many there had been before.
    pub number: u32,
    pub group: usize,
    pub phase: MachinePhase,
    pub allocatable: Resources,
    pub requested: Resources,
    pub pods: Vec<Pod>,
    /// Services whose images are there, or will be at this time.
    pub images: Vec<(u16, u64)>,
    pub unneeded_since_ns: Option<u64>,
    /// When a pod last came or left.
    pub changed_ns: u64,
}

impl Machine {
    /// What is left for pods.
    pub fn free(&self) -> Resources {
        self.allocatable - self.requested
    }
}

/// All machines, in the order of their numbers.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    machines: Vec<Machine>,
    starting: Gauge,
    /// Ready or leaving, as of the levels below.
    ready: Gauge,
    cpu_milli: Gauge,
    cpu_requested_milli: Gauge,
    memory_bytes: Gauge,
    memory_requested_bytes: Gauge,
    micro_usd_per_hour: Gauge,
}

impl Inventory {
    /// The machines.
    pub fn machines(&self) -> &[Machine] {
        &self.machines
    }

    /// Those that take new pods.
    pub fn ready(&self) -> impl Iterator<Item = &Machine> {
        self.machines.iter().filter(|machine| machine.phase == MachinePhase::Ready)
    }

    fn place(&self, number: u32) -> Option<usize> {
        self.machines.binary_search_by_key(&number, |machine| machine.number).ok()
    }

    /// The machine of this number, if it is still there.
    pub fn get(&self, number: u32) -> Option<&Machine> {
        self.place(number).map(|place| &self.machines[place])
    }

    /// As [`Inventory::get`].
    pub fn get_mut(&mut self, number: u32) -> Option<&mut Machine> {
        self.place(number).map(|place| &mut self.machines[place])
    }

    /// A machine of this group is asked for, and paid from now on.
    pub fn add(&mut self, now_ns: u64, number: u32, place: usize, group: &mut Group) {
        group.machines += 1;
        self.starting.add(now_ns, 1);
        self.micro_usd_per_hour.add(now_ns, group.micro_usd_per_hour);
        self.machines.push(Machine {
            number,
            group: place,
            phase: MachinePhase::Starting,
            allocatable: group.allocatable,
            requested: Resources::default(),
            pods: Vec::new(),
            images: Vec::new(),
            unneeded_since_ns: None,
            changed_ns: now_ns,
        });
    }

    /// The machine takes pods from now on. Returns whether there is such a machine that did not before.
    pub fn become_ready(&mut self, now_ns: u64, number: u32) -> bool {
        let Some(machine) = self.get_mut(number).filter(|machine| machine.phase == MachinePhase::Starting) else {
            return false;
        };
        machine.phase = MachinePhase::Ready;
        machine.changed_ns = now_ns;
        let allocatable = machine.allocatable;
        self.starting.subtract(now_ns, 1);
        self.ready.add(now_ns, 1);
        self.cpu_milli.add(now_ns, allocatable.cpu_milli);
        self.memory_bytes.add(now_ns, allocatable.memory_bytes);
        true
    }

    /// The machine is gone, and what stood on it with it.
    pub fn remove(&mut self, now_ns: u64, number: u32, groups: &mut [Group]) -> Option<Machine> {
        let machine = self.machines.remove(self.place(number)?);
        let group = &mut groups[machine.group];
        group.machines -= 1;
        self.micro_usd_per_hour.subtract(now_ns, group.micro_usd_per_hour);
        if machine.phase == MachinePhase::Starting {
            self.starting.subtract(now_ns, 1);
        } else {
            self.ready.subtract(now_ns, 1);
            self.cpu_milli.subtract(now_ns, machine.allocatable.cpu_milli);
            self.memory_bytes.subtract(now_ns, machine.allocatable.memory_bytes);
            self.cpu_requested_milli.subtract(now_ns, machine.requested.cpu_milli);
            self.memory_requested_bytes.subtract(now_ns, machine.requested.memory_bytes);
        }
        Some(machine)
    }

    /// The machine takes a pod in.
    pub fn take_in(&mut self, now_ns: u64, number: u32, pod: Pod) {
        let Some(machine) = self.get_mut(number) else { return };
        machine.requested += pod.requests;
        machine.pods.push(pod);
        machine.changed_ns = now_ns;
        machine.unneeded_since_ns = None;
        self.cpu_requested_milli.add(now_ns, pod.requests.cpu_milli);
        self.memory_requested_bytes.add(now_ns, pod.requests.memory_bytes);
    }

    /// A pod has left the machine.
    pub fn let_out(&mut self, now_ns: u64, number: u32, name: PodName) {
        let Some(machine) = self.get_mut(number) else { return };
        let Some(place) = machine.pods.iter().position(|pod| pod.name == name) else { return };
        let pod = machine.pods.remove(place);
        machine.requested -= pod.requests;
        machine.changed_ns = now_ns;
        self.cpu_requested_milli.subtract(now_ns, pod.requests.cpu_milli);
        self.memory_requested_bytes.subtract(now_ns, pod.requests.memory_bytes);
    }

    /// Checks that no machine holds more than it has, no group is larger than allowed, and the levels are those of the machines.
    pub fn audit(&self, groups: &[Group]) -> Result<(), String> {
        let (mut starting, mut cpu, mut requested, mut price) = (0, 0, 0, 0);
        let mut counts = vec![0; groups.len()];
        for machine in &self.machines {
            let held = machine.pods.iter().fold(Resources::default(), |sum, pod| sum + pod.requests);
            if held != machine.requested || !held.fits_into(machine.allocatable) {
                return Err(format!("machine {} holds {held:?} of {:?}", machine.number, machine.allocatable));
            }
            let is_starting = machine.phase == MachinePhase::Starting;
            starting += u64::from(is_starting);
            cpu += if is_starting { 0 } else { machine.allocatable.cpu_milli };
            requested += held.cpu_milli;
            price += groups[machine.group].micro_usd_per_hour;
            counts[machine.group] += 1;
        }
        let levels = [
            ("machines that start", self.starting.level(), starting),
            ("machines that are ready", self.ready.level(), self.machines.len() as u64 - starting),
            ("milli-cores", self.cpu_milli.level(), cpu),
            ("milli-cores requested", self.cpu_requested_milli.level(), requested),
            ("micro-dollars per hour", self.micro_usd_per_hour.level(), price),
        ];
        for (name, counted, there) in levels {
            if counted != there {
                return Err(format!("{counted} {name} counted, {there} are"));
            }
        }
        let is_wrong = |(group, count): (&Group, &u32)| group.machines != *count || *count > group.maximum;
        if groups.iter().zip(&counts).any(is_wrong) {
            return Err(format!("groups have {counts:?} machines"));
        }
        Ok(())
    }

    /// Fills in a record.
    pub fn observe(&self, now_ns: u64, record: &mut NodeRecord) {
        record.counters.charged_ns = self.micro_usd_per_hour.integral(now_ns);
        record.shares.push(Share::level("starting_nodes", &self.starting, now_ns));
        record.shares.push(Share::level("ready_nodes", &self.ready, now_ns));
        let mut ratio = |name, part: &Gauge, whole: &Gauge| {
            let (numerator, denominator) = (part.integral(now_ns), whole.integral(now_ns));
            record.shares.push(Share { name, numerator, denominator });
        };
        ratio("node_cpu_requested_ratio", &self.cpu_requested_milli, &self.cpu_milli);
        ratio("node_memory_requested_ratio", &self.memory_requested_bytes, &self.memory_bytes);
    }
}
