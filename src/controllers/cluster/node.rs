//! A ClusterAutoscaler at work: what it is told, and when it looks.

use std::collections::BTreeMap;

use crate::controllers::cluster::group::Group;
use crate::controllers::cluster::inventory::{Inventory, Machine, Pod, PodName};
use crate::controllers::cluster::resources::Resources;
use crate::controllers::cluster::written::{ClusterAutoscaler, Provisioner, Settings};
use crate::controllers::parts::clock::Clock;
use crate::distribution::Sampler;
use crate::engine::context::Context;
use crate::engine::control::Command;
use crate::engine::record::{Happening, NodeRecord, Share};
use crate::engine::{Evidence, Node, NodeIndex, Timer};
use crate::random::{Purpose, Stream};
use crate::techniques::technique::{CompileError, Controller, Wiring};

/// Timer kinds. The data of those about a machine is its number.
const SCAN: u32 = 0;
pub(super) const BATCH: u32 = 1;
pub(super) const MACHINE_READY: u32 = 2;
pub(super) const MACHINE_GIVEN_UP: u32 = 3;
pub(super) const MACHINE_INTERRUPTED: u32 = 4;
pub(super) const MACHINE_OVERDUE: u32 = 5;
pub(super) const IMAGE_PULLED: u32 = 6;

/// What each draw is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Purposes {
    pub provisioning: Purpose,
    pub image_pull: Purpose,
    pub interruptions: Purpose,
    pub expander: Purpose,
}

/// Waiting replicas that are collected before machines are asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch {
    pub first_ns: u64,
    pub last_ns: u64,
}

/// A cluster.
#[derive(Clone, Debug)]
pub struct ClusterNode {
    /// The targets, by place.
    pub(super) services: Vec<NodeIndex>,
    pub(super) groups: Vec<Group>,
    pub(super) settings: Settings,
    pub(super) image_pull: Sampler,
    pub(super) purposes: Purposes,
    pub(super) inventory: Inventory,
    /// Pods that wait for room, in the order in which they came.
    pub(super) pending: Vec<Pod>,
    /// The machine of every other pod.
    pub(super) homes: BTreeMap<PodName, u32>,
    pub(super) batch: Option<Batch>,
    /// A machine that goes when another is ready: the old one and the new one.
    pub(super) replacement: Option<(u32, u32)>,
    /// Machines asked for so far.
    pub(super) asked_for: u32,
    pub(super) asked_for_ns: Option<u64>,
    /// Choices made by chance.
    pub(super) choices: u64,
    pub(super) interruptions: u64,
    /// What befell machines since the last record.
    pub(super) happenings: Vec<Happening>,
    /// Pods that got a place and an image, and how long they waited together.
    pub(super) placed: u64,
    pub(super) placed_after_ns: u128,
    has_started: bool,
    scan: Clock,
}

/// Compiles the written form.
pub fn compile(spec: &ClusterAutoscaler, wiring: &mut dyn Wiring) -> Result<ClusterNode, CompileError> {
    let settings = spec.settings();
    let groups: Result<Vec<Group>, CompileError> =
        spec.node_groups.values().map(|group| group.compile(wiring)).collect();
    let image_pull = match &spec.image_pull {
        Some(law) => wiring.sampler(law)?,
        None => Sampler::default(),
    };
    Ok(ClusterNode {
        services: spec.targets.iter().map(|target| wiring.node(target)).collect(),
        groups: groups?,
        settings,
        image_pull,
        purposes: Purposes {
            provisioning: wiring.purpose("provisioning"),
            image_pull: wiring.purpose("image pull"),
            interruptions: wiring.purpose("interruptions"),
            expander: wiring.purpose("expander"),
        },
        inventory: Inventory::default(),
        pending: Vec::new(),
        homes: BTreeMap::new(),
        batch: None,
        replacement: None,
        asked_for: 0,
        asked_for_ns: None,
        choices: 0,
        interruptions: 0,
        happenings: Vec::new(),
        placed: 0,
        placed_after_ns: 0,
        has_started: false,
        scan: Clock::new(settings.scan_interval_ns, wiring.purpose("scan"), Timer { kind: SCAN, data: 0 }),
    })
}

impl ClusterNode {
    /// A draw about the thing of this number, and about nothing else.
    pub(super) fn draw_ns(context: &Context, law: &Sampler, purpose: Purpose, number: u64, salt: u32) -> u64 {
        law.sample_ns(&mut Stream::keyed(context.seed().request(purpose, number), purpose, salt))
    }

    fn scan(&mut self, context: &mut Context) {
        self.keep_minimum(context);
        match self.settings.provisioner {
            Provisioner::ClusterAutoscaler => {
                let (waiting, before) = (self.unschedulable(), self.asked_for);
                if !waiting.is_empty() {
                    self.scale_up(context, &waiting);
                }
                // Only where machines were asked for is nothing taken away.
                if self.asked_for == before {
                    self.scale_down(context);
                }
            }
            Provisioner::Karpenter => {
                if self.batch.is_none() {
                    self.provision(context);
                }
                self.consolidate(context);
            }
        }
    }
}

impl Node for ClusterNode {
    fn start(&mut self, context: &mut Context) {
        self.has_started = true;
        self.keep_minimum(context);
        self.found(context);
        self.scan.start(context);
    }

    fn arrive(&mut self, _context: &mut Context, _slot: u32) {}

    fn command(&mut self, context: &mut Context, command: Command) {
        let place_of = |node: NodeIndex| self.services.iter().position(|service| *service == node);
        match command {
            Command::Place { node, replica, cores, memory_bytes } => {
                let Some(service) = place_of(node) else { return };
                let name = PodName { service: service as u16, replica };
                let requests = Resources::of_pod(cores, memory_bytes);
                self.pending.push(Pod { name, requests, asked_ns: context.now_ns() });
                // Other nodes start first: the machines for all of them are found together.
                if self.has_started {
                    self.schedule_last(context);
                }
            }
            Command::Left { node, replica } => {
                let Some(service) = place_of(node) else { return };
                self.let_out(context, PodName { service: service as u16, replica });
            }
            _ => {}
        }
    }

    fn timer(&mut self, context: &mut Context, timer: Timer) {
        let number = timer.data as u32;
        match timer.kind {
            SCAN => {
                self.scan(context);
                self.scan.wait(context);
            }
            BATCH => self.end_batch(context),
            MACHINE_READY => self.become_ready(context, number),
            MACHINE_GIVEN_UP => self.give_up(context, number),
            MACHINE_INTERRUPTED => self.interrupt(context, number),
            MACHINE_OVERDUE => self.remove(context, number),
            _ => self.image_is_there(context, PodName::from_word(timer.data)),
        }
    }

    fn audit(&self, _now_ns: u64, _evidence: &Evidence) -> Result<(), String> {
        self.inventory.audit(&self.groups)?;
        let on_machines: usize = self.inventory.machines().iter().map(|machine| machine.pods.len()).sum();
        if on_machines != self.homes.len() {
            return Err(format!("{on_machines} pods stand on machines, {} are known", self.homes.len()));
        }
        let waits_in_vain = |machine: &Machine| self.pending.iter().any(|pod| pod.requests.fits_into(machine.free()));
        if let Some(machine) = self.inventory.ready().find(|machine| waits_in_vain(machine)) {
            return Err(format!("a pod waits though machine {} has room for it", machine.number));
        }
        Ok(())
    }

    fn observe(&mut self, now_ns: u64, record: &mut NodeRecord) {
        self.inventory.observe(now_ns, record);
        record.happenings.append(&mut self.happenings);
        record.shares.push(Share {
            name: "placement_mean_s",
            numerator: self.placed_after_ns,
            denominator: u128::from(self.placed) * 1_000_000_000,
        });
        if self.groups.iter().any(|group| group.interruptions.is_some()) {
            record.shares.push(Share::per_hour("spot_interruptions_per_hour", self.interruptions, now_ns));
        }
    }
}

impl Controller for ClusterNode {
    fn boxed(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
