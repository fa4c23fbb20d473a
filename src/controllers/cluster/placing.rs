//! Pods come to stand on machines, and leave them.

use crate::controllers::cluster::inventory::{MachinePhase, Pod, PodName};
use crate::controllers::cluster::node::{ClusterNode, IMAGE_PULLED};
use crate::engine::Timer;
use crate::engine::context::Context;
use crate::engine::control::Command;

impl ClusterNode {
    /// Finds a machine for the pod that came last, or lets it wait for one.
    pub(super) fn schedule_last(&mut self, context: &mut Context) {
        let Some(pod) = self.pending.pop() else { return };
        if self.schedule(context, pod) {
            return;
        }
        self.pending.push(pod);
        if context.now_ns() == 0 {
            self.found(context);
        } else {
            self.prolong_batch(context);
        }
    }

    /// Puts a pod on the best machine that has room for it. Returns whether there is one.
    pub(super) fn schedule(&mut self, context: &mut Context, pod: Pod) -> bool {
        let machines = self.inventory.ready();
        let machines = machines.map(|machine| (machine.number as usize, machine.requested, machine.allocatable));
        let chosen = self.settings.scoring.choose(pod.requests, machines);
        if let Some(number) = chosen {
            self.bind(context, number as u32, pod);
        }
        chosen.is_some()
    }

    /// Puts those of the waiting pods on a machine that fit, in the order in which they came. Nothing else has changed, so
    /// nothing else need be looked at.
    pub(super) fn fill(&mut self, context: &mut Context, number: u32) {
        for pod in std::mem::take(&mut self.pending) {
            let machine = self.inventory.get(number).filter(|machine| machine.phase == MachinePhase::Ready);
            if machine.is_some_and(|machine| pod.requests.fits_into(machine.free())) {
                self.bind(context, number, pod);
            } else {
                self.pending.push(pod);
            }
        }
    }

    fn bind(&mut self, context: &mut Context, number: u32, pod: Pod) {
        let now_ns = context.now_ns();
        self.inventory.take_in(now_ns, number, pod);
        self.homes.insert(pod.name, number);
        let there_ns = self.image_there_ns(context, number, pod.name.service);
        if there_ns > now_ns {
            context.at(there_ns, Timer { kind: IMAGE_PULLED, data: pod.name.word() });
        } else {
            self.tell_placed(context, pod);
        }
    }

    /// When the image of a service is on a machine. The kubelet pulls one image after the other.
    fn image_there_ns(&mut self, context: &Context, number: u32, service: u16) -> u64 {
        let now_ns = context.now_ns();
        let purpose = self.purposes.image_pull;
        let Some(machine) = self.inventory.get_mut(number) else { return now_ns };
        if let Some((_, there_ns)) = machine.images.iter().find(|(known, _)| *known == service) {
            return *there_ns;
        }
        let pulled_ns = machine.images.iter().map(|(_, there_ns)| *there_ns).fold(now_ns, u64::max);
        // What is written stands at time zero.
        let pull_ns = match now_ns {
            0 => 0,
            _ => Self::draw_ns(context, &self.image_pull, purpose, number.into(), service.into()),
        };
        let there_ns = pulled_ns.saturating_add(pull_ns);
        machine.images.push((service, there_ns));
        there_ns
    }

    /// A pull is over that this pod, if it is still there, waited for.
    pub(super) fn image_is_there(&mut self, context: &mut Context, name: PodName) {
        let machine = self.homes.get(&name).and_then(|number| self.inventory.get(*number));
        let pod = machine.and_then(|machine| machine.pods.iter().find(|pod| pod.name == name));
        if let Some(&pod) = pod {
            self.tell_placed(context, pod);
        }
    }

    fn tell_placed(&mut self, context: &mut Context, pod: Pod) {
        self.placed += 1;
        self.placed_after_ns += u128::from(context.now_ns() - pod.asked_ns);
        let service = self.services[usize::from(pod.name.service)];
        context.command(service, Command::Placed { replica: pod.name.replica });
    }

    /// A pod is gone: its room is free, and a machine that only waited for it goes.
    pub(super) fn let_out(&mut self, context: &mut Context, name: PodName) {
        let Some(number) = self.homes.remove(&name) else {
            return self.pending.retain(|pod| pod.name != name);
        };
        self.inventory.let_out(context.now_ns(), number, name);
        match self.inventory.get(number) {
            Some(machine) if machine.phase == MachinePhase::Ready => self.fill(context, number),
            Some(machine) if machine.pods.is_empty() => self.remove(context, number),
            _ => {}
        }
    }
}
