//! Machines are asked for, and come.

use crate::controllers::cluster::expander::Offer;
use crate::controllers::cluster::group::Group;
use crate::controllers::cluster::inventory::MachinePhase;
use crate::controllers::cluster::karpenter::{Kind, machines_for};
use crate::controllers::cluster::node::{
    BATCH, Batch, ClusterNode, MACHINE_GIVEN_UP, MACHINE_INTERRUPTED, MACHINE_READY,
};
use crate::controllers::cluster::packing::{estimate, left_over};
use crate::controllers::cluster::resources::Resources;
use crate::controllers::cluster::written::Provisioner;
use crate::engine::Timer;
use crate::engine::context::Context;
use crate::random::Stream;

/// Machines that Cluster Autoscaler asks for at once.
const MOST_MACHINES_AT_ONCE: u32 = 1_000;

impl ClusterNode {
    /// Time zero: the machines that the pods need are there.
    pub(super) fn found(&mut self, context: &mut Context) {
        loop {
            for pod in std::mem::take(&mut self.pending) {
                if !self.schedule(context, pod) {
                    self.pending.push(pod);
                }
            }
            let before = self.asked_for;
            match self.settings.provisioner {
                Provisioner::ClusterAutoscaler => {
                    let waiting = self.unschedulable();
                    self.scale_up(context, &waiting);
                }
                Provisioner::Karpenter => self.provision(context),
            }
            if self.asked_for == before {
                return;
            }
        }
    }

    /// Asks for machines of groups that have fewer than they must.
    pub(super) fn keep_minimum(&mut self, context: &mut Context) {
        for group in 0..self.groups.len() {
            while self.groups[group].machines < self.groups[group].minimum
                && self.groups[group].left(context.now_ns()) > 0
            {
                self.ask_for(context, group);
            }
        }
    }

    /// What waiting pods request that will not fit on the machines on their way.
    pub(super) fn unschedulable(&self) -> Vec<Resources> {
        let on_their_way = |phase: MachinePhase| phase == MachinePhase::Starting;
        let machines = self.inventory.machines().iter();
        let mut rooms: Vec<Resources> =
            machines.filter(|machine| on_their_way(machine.phase)).map(|machine| machine.allocatable).collect();
        left_over(self.pending.iter().map(|pod| pod.requests), &mut rooms)
    }

    /// Lets the best group grow for these pods. Others that still wait are seen to at the next scan.
    pub(super) fn scale_up(&mut self, context: &mut Context, waiting: &[Resources]) {
        let now_ns = context.now_ns();
        let offers: Vec<Offer<'_>> = self
            .groups
            .iter()
            .enumerate()
            .map(|(place, group)| {
                let most = group.left(now_ns).min(MOST_MACHINES_AT_ONCE);
                Offer { place, group, estimate: estimate(waiting, group.allocatable, most) }
            })
            .filter(|offer| offer.estimate.machines > 0)
            .collect();
        let best = self.settings.expander.best(&offers);
        let chosen = match best.as_slice() {
            [] => return,
            [only] => *only,
            several => {
                let purpose = self.purposes.expander;
                let key = context.seed().request(purpose, self.choices);
                self.choices += 1;
                several[Stream::keyed(key, purpose, 0).below(several.len() as u64) as usize]
            }
        };
        let (group, machines) = (offers[chosen].place, offers[chosen].estimate.machines);
        for _ in 0..machines {
            self.ask_for(context, group);
        }
    }

    /// One more pod waits.
    pub(super) fn prolong_batch(&mut self, context: &mut Context) {
        if self.settings.provisioner != Provisioner::Karpenter {
            return;
        }
        let now_ns = context.now_ns();
        match &mut self.batch {
            Some(batch) => batch.last_ns = now_ns,
            None => {
                self.batch = Some(Batch { first_ns: now_ns, last_ns: now_ns });
                self.wait_for_batch(context);
            }
        }
    }

    fn batch_end_ns(&self, batch: Batch) -> u64 {
        let idle_ns = batch.last_ns.saturating_add(self.settings.batch_idle_duration_ns);
        idle_ns.min(batch.first_ns.saturating_add(self.settings.batch_max_duration_ns))
    }

    fn wait_for_batch(&self, context: &mut Context) {
        if let Some(batch) = self.batch {
            context.at(self.batch_end_ns(batch).max(context.now_ns()), Timer { kind: BATCH, data: 0 });
        }
    }

    /// Asks for machines if no pod came in the meantime, and waits on if one did.
    pub(super) fn end_batch(&mut self, context: &mut Context) {
        if self.batch.is_some_and(|batch| self.batch_end_ns(batch) > context.now_ns()) {
            return self.wait_for_batch(context);
        }
        self.batch = None;
        self.provision(context);
    }

    /// The types of machines, as Karpenter compares them.
    pub(super) fn kinds(&self, now_ns: u64) -> Vec<Kind> {
        let kind = |group: &Group| Kind {
            allocatable: group.allocatable,
            micro_usd_per_hour: group.micro_usd_per_hour,
            left: group.left(now_ns),
            is_spot: group.interruptions.is_some(),
        };
        self.groups.iter().map(kind).collect()
    }

    /// Asks for the cheapest machines that take the waiting pods.
    pub(super) fn provision(&mut self, context: &mut Context) {
        for group in machines_for(&self.unschedulable(), &self.kinds(context.now_ns())) {
            self.ask_for(context, group);
        }
    }

    /// Asks for a machine, and returns its number. At time zero it is there.
    pub(super) fn ask_for(&mut self, context: &mut Context, group: usize) -> u32 {
        let now_ns = context.now_ns();
        let number = self.asked_for;
        self.asked_for += 1;
        self.inventory.add(now_ns, number, group, &mut self.groups[group]);
        let group = &self.groups[group];
        let timer = |kind: u32| Timer { kind, data: number.into() };
        if let Some(interruptions) = &group.interruptions {
            let purpose = self.purposes.interruptions;
            let lifetime_ns = Self::draw_ns(context, &interruptions.lifetime, purpose, number.into(), 0);
            context.after(lifetime_ns, timer(MACHINE_INTERRUPTED));
        }
        if now_ns == 0 {
            self.inventory.become_ready(now_ns, number);
            return number;
        }
        let purpose = self.purposes.provisioning;
        let provisioning_ns = Self::draw_ns(context, &group.provisioning, purpose, number.into(), 0);
        let limit_ns = self.settings.max_node_provision_time_ns;
        if provisioning_ns > limit_ns {
            context.after(limit_ns, timer(MACHINE_GIVEN_UP));
        } else {
            context.after(provisioning_ns, timer(MACHINE_READY));
        }
        self.asked_for_ns = Some(now_ns);
        number
    }

    /// A machine has come.
    pub(super) fn become_ready(&mut self, context: &mut Context, number: u32) {
        if !self.inventory.become_ready(context.now_ns(), number) {
            return;
        }
        self.fill(context, number);
        if let Some((old, _)) = self.replacement.take_if(|(_, new)| *new == number) {
            self.leave(context, old);
        }
    }

    /// A machine has not come in time.
    pub(super) fn give_up(&mut self, context: &mut Context, number: u32) {
        let Some(group) = self.inventory.get(number).map(|machine| machine.group) else { return };
        if self.settings.provisioner == Provisioner::ClusterAutoscaler {
            self.groups[group].fail(context.now_ns());
        }
        self.remove(context, number);
    }
}
