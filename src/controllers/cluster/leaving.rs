//! Machines are given back, or taken away.

use crate::controllers::cluster::inventory::{Machine, MachinePhase};
use crate::controllers::cluster::karpenter;
use crate::controllers::cluster::node::{ClusterNode, MACHINE_OVERDUE};
use crate::controllers::cluster::packing::Host;
use crate::controllers::cluster::unneeded::unneeded;
use crate::controllers::cluster::written::{Consolidation, Provisioner};
use crate::engine::Timer;
use crate::engine::context::Context;
use crate::engine::control::Command;
use crate::engine::record::Happening;

/// What Cluster Autoscaler gives the pods of a machine to end.
const GRACE_PERIOD_NS: u64 = 600_000_000_000;
/// Empty machines that Cluster Autoscaler gives back at once.
const MOST_EMPTY_AT_ONCE: usize = 10;
/// Of all machines, those that Karpenter gives back at once: one in ten, rounded up.
const DISRUPTED_ONE_IN: usize = 10;

impl ClusterNode {
    /// Gives back what has not been needed for long, in Cluster Autoscaler's way.
    pub(super) fn scale_down(&mut self, context: &mut Context) {
        let now_ns = context.now_ns();
        let settings = self.settings;
        let (numbers, hosts) = self.hosts(|machine| match settings.consolidation {
            Consolidation::WhenUnderutilized => {
                machine.requested.utilization_of(machine.allocatable) < settings.utilization_threshold
                    || machine.pods.is_empty()
            }
            Consolidation::WhenEmpty => machine.pods.is_empty(),
            Consolidation::Never => false,
        });
        let mut ripe = Vec::new();
        for ((number, host), goes) in numbers.into_iter().zip(&hosts).zip(unneeded(&hosts)) {
            let Some(machine) = self.inventory.get_mut(number) else { continue };
            let since_ns = machine.unneeded_since_ns.filter(|_| goes).or(goes.then_some(now_ns));
            machine.unneeded_since_ns = since_ns;
            if since_ns.is_some_and(|since_ns| now_ns - since_ns >= settings.unneeded_time_ns) {
                ripe.push((number, host.pods.is_empty()));
            }
        }
        let rest_ns =
            self.asked_for_ns.map_or(0, |asked_ns| asked_ns.saturating_add(settings.scale_down_delay_after_add_ns));
        if now_ns < rest_ns {
            return;
        }
        let empty: Vec<u32> = ripe.iter().filter(|(_, is_empty)| *is_empty).map(|(number, _)| *number).collect();
        if !empty.is_empty() {
            return self.leave_spared(context, &empty, MOST_EMPTY_AT_ONCE);
        }
        if self.leaving() == 0 {
            let used: Vec<u32> = ripe.into_iter().map(|(number, _)| number).collect();
            self.leave_spared(context, &used, 1);
        }
    }

    /// Gives back what would cost less in another way, in Karpenter's.
    pub(super) fn consolidate(&mut self, context: &mut Context) {
        let now_ns = context.now_ns();
        let settings = self.settings;
        if settings.consolidation == Consolidation::Never || self.replacement.is_some() {
            return;
        }
        let is_left_alone = |machine: &Machine| now_ns - machine.changed_ns >= settings.unneeded_time_ns;
        let (numbers, hosts) = self.hosts(|machine| is_left_alone(machine) && self.is_spared(machine));
        let at_once = self.inventory.machines().len().div_ceil(DISRUPTED_ONE_IN).saturating_sub(self.leaving());
        let is_empty = |host: &Host| host.may_go && host.pods.is_empty();
        let empty: Vec<u32> =
            numbers.iter().zip(&hosts).filter(|(_, host)| is_empty(host)).map(|(number, _)| *number).collect();
        if !empty.is_empty() {
            return self.leave_spared(context, &empty, at_once);
        }
        // Pods that wait, or machines that go, are about to change the picture.
        let is_settled = self.pending.is_empty() && self.leaving() == 0;
        if settings.consolidation != Consolidation::WhenUnderutilized || !is_settled {
            return;
        }
        match karpenter::consolidate(&hosts, &self.kinds(now_ns)) {
            Some((host, None)) => self.leave(context, numbers[host]),
            Some((host, Some(kind))) => {
                let new = self.ask_for(context, kind);
                self.replacement = Some((numbers[host], new));
            }
            None => {}
        }
    }

    /// The ready machines, by number, as those see them who look for one that could go.
    fn hosts(&self, may_go: impl Fn(&Machine) -> bool) -> (Vec<u32>, Vec<Host>) {
        let host = |machine: &Machine| {
            let group = &self.groups[machine.group];
            let host = Host {
                free: machine.free(),
                pods: machine.pods.iter().map(|pod| pod.requests).collect(),
                may_go: may_go(machine),
                micro_usd_per_hour: group.micro_usd_per_hour,
                is_spot: group.interruptions.is_some(),
            };
            (machine.number, host)
        };
        self.inventory.ready().map(host).unzip()
    }

    /// Machines on their way out.
    fn leaving(&self) -> usize {
        self.inventory.machines().iter().filter(|machine| machine.phase == MachinePhase::Leaving).count()
    }

    /// Whether the group of a machine has enough others that stay.
    fn is_spared(&self, machine: &Machine) -> bool {
        let stays = |other: &&Machine| other.group == machine.group && other.phase != MachinePhase::Leaving;
        let staying = self.inventory.machines().iter().filter(stays).count();
        staying > self.groups[machine.group].minimum as usize
    }

    /// Gives back these machines, as many as are allowed at once and their groups can do without.
    fn leave_spared(&mut self, context: &mut Context, numbers: &[u32], most: usize) {
        let mut left = most;
        for &number in numbers {
            if left > 0 && self.inventory.get(number).is_some_and(|machine| self.is_spared(machine)) {
                left -= 1;
                self.leave(context, number);
            }
        }
    }

    /// The machine takes no more pods, and goes when those that it has are gone.
    pub(super) fn leave(&mut self, context: &mut Context, number: u32) {
        let Some(machine) = self.inventory.get_mut(number) else { return };
        if machine.phase == MachinePhase::Leaving {
            return;
        }
        // One that has not come yet is simply no longer wanted.
        if machine.pods.is_empty() {
            return self.remove(context, number);
        }
        machine.phase = MachinePhase::Leaving;
        for pod in &machine.pods {
            let service = self.services[usize::from(pod.name.service)];
            context.command(service, Command::Evict { replica: pod.name.replica });
        }
        if self.settings.provisioner == Provisioner::ClusterAutoscaler {
            context.after(GRACE_PERIOD_NS, Timer { kind: MACHINE_OVERDUE, data: number.into() });
        }
    }

    /// The cloud wants a machine back.
    pub(super) fn interrupt(&mut self, context: &mut Context, number: u32) {
        let Some(machine) = self.inventory.get(number) else { return };
        let Some(interruptions) = &self.groups[machine.group].interruptions else { return };
        let notice_ns = interruptions.notice_ns;
        self.interruptions += 1;
        Happening::remember(&mut self.happenings, context.now_ns(), "spot interruption");
        context.after(notice_ns, Timer { kind: MACHINE_OVERDUE, data: number.into() });
        self.leave(context, number);
    }

    /// A machine is gone, and kills what still stands on it.
    pub(super) fn remove(&mut self, context: &mut Context, number: u32) {
        let Some(machine) = self.inventory.remove(context.now_ns(), number, &mut self.groups) else { return };
        self.replacement.take_if(|(old, new)| *old == number || *new == number);
        for pod in machine.pods {
            self.homes.remove(&pod.name);
            let service = self.services[usize::from(pod.name.service)];
            context.command(service, Command::Kill { replica: pod.name.replica });
        }
    }
}
