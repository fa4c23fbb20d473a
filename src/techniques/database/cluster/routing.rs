//! Which server answers a statement.

use crate::diagnostic::span::Spanned;
use crate::engine::context::Context;
use crate::engine::visit::Visit;
use crate::techniques::database::cluster::Cluster;
use crate::techniques::database::read_replicas::{Consistency, ReadReplicas};
use crate::techniques::parts::balancer::{Balancer, Policy};
use crate::techniques::parts::executor::{Executor, Next};
use crate::techniques::technique::{CompileError, ReplicaView, Wiring};

/// Marks a visit whose server an endpoint's balancer chose.
const BALANCED: u8 = 64;

/// An endpoint at work.
#[derive(Clone, Debug)]
pub struct Route {
    /// The replicas that it leads to; all if left out.
    replicas: Option<Vec<u32>>,
    balancer: Balancer,
    members: Vec<u16>,
}

impl Route {
    /// The reader endpoint and then the custom ones.
    pub fn all(written: &ReadReplicas, wiring: &mut dyn Wiring) -> Result<Vec<Self>, CompileError> {
        let view = ReplicaView { count: written.count.value + 1, zones: 1 };
        let mut policy = written.balancing.as_ref().map(|policy| policy.value.clone()).unwrap_or_default();
        // Places begin with the writer's.
        if let Policy::Weighted(weights) = &mut policy {
            weights.rotate_right(1);
            let first = weights.first().copied().unwrap_or_default();
            weights.push(first);
        }
        let custom = written.endpoints.values().map(|replicas: &Spanned<Vec<u32>>| Some(replicas.value.clone()));
        let route = |replicas| Ok(Self { replicas, balancer: policy.compile(view, wiring)?, members: Vec::new() });
        std::iter::once(None).chain(custom).map(route).collect()
    }
}

impl Cluster {
    /// Tells the endpoints who answers reads now.
    pub(super) fn set_members(&mut self) {
        for route in &mut self.routes {
            let followers = self.followers.iter().enumerate();
            let serving = followers.filter(|(_, one)| one.as_ref().is_some_and(|(_, follower)| follower.is_serving));
            let leads_to =
                |place: &u16| route.replicas.as_ref().is_none_or(|replicas| replicas.contains(&u32::from(*place)));
            let members: Vec<u16> = serving.map(|(place, _)| place as u16).filter(leads_to).collect();
            if members != route.members {
                route.balancer.set_members(&members);
                route.members = members;
            }
        }
    }

    /// A statement arrives.
    pub fn arrive(&mut self, executor: &mut Executor, context: &mut Context, slot: u32) {
        executor.receive(context, slot);
        match self.route(context, slot) {
            Some(place) if executor.has_room(place) => executor.serve(context, slot, place, self),
            Some(place) => {
                let visit = *context.visit(slot);
                if visit.flags & BALANCED != 0
                    && let Some(route) = self.statements[usize::from(visit.operation)].route
                {
                    self.routes[route].balancer.withdrawn(place as u16);
                }
                executor.refuse(context, slot);
            }
            None => executor.refuse(context, slot),
        }
    }

    /// The server for this statement, if there is one.
    fn route(&mut self, context: &mut Context, slot: u32) -> Option<usize> {
        let visit = *context.visit(slot);
        let statement = self.statements[usize::from(visit.operation)];
        let Some(index) = statement.route else { return self.writer };
        let chosen = self.routes[index].balancer.choose(context, slot, 0);
        if chosen == Visit::ANY_REPLICA {
            // Without replicas the reader endpoint leads to the writer.
            return if index == 0 { self.writer } else { None };
        }
        let mut place = chosen;
        if statement.consistency != Consistency::Eventual {
            let session = self.session(context, visit.key, visit.user);
            let now_ns = context.now_ns();
            let is_fresh = |place: &u16| self.is_fresh(*place, statement.consistency, session, now_ns);
            if !is_fresh(&chosen) {
                let members = self.routes[index].members.iter().copied().filter(is_fresh);
                let nearest = members.max_by_key(|place| self.applied_by(*place));
                self.routes[index].balancer.withdrawn(chosen);
                let Some(nearest) = nearest else {
                    self.measures.fall_back();
                    return self.writer;
                };
                self.routes[index].balancer.add(nearest);
                place = nearest;
            }
        }
        context.visit(slot).flags |= BALANCED;
        Some(usize::from(place))
    }

    fn applied_by(&self, place: u16) -> Option<u64> {
        self.followers[usize::from(place)].as_ref().map(|(_, follower)| follower.applied)
    }

    /// Whether the replica at this place has what a read must see.
    fn is_fresh(&self, place: u16, consistency: Consistency, session: u64, now_ns: u64) -> bool {
        let Some(applied) = self.applied_by(place) else { return false };
        match consistency {
            Consistency::Eventual => true,
            Consistency::ReadYourWrites => !self.log.hides_session(applied, session),
            Consistency::BoundedStaleness(bound) => {
                self.log.get(applied).is_none_or(|oldest| now_ns - oldest.committed_ns <= bound.ns)
            }
        }
    }

    /// A read begins: is what it sees outdated?
    pub(super) fn look(&mut self, context: &mut Context, slot: u32) -> Next {
        let visit = *context.visit(slot);
        let Some(space) = self.statements[usize::from(visit.operation)].key else { return Next::GoOn };
        let key = (space, context.key(space, visit.key));
        let follower = self.followers[usize::from(visit.replica)].as_ref();
        self.measures.read(follower.is_some_and(|(_, follower)| self.log.hides_key(follower.applied, key)));
        Next::GoOn
    }

    /// A statement has left its server.
    pub(super) fn leave(&mut self, context: &Context, visit: &Visit, place: usize) {
        if visit.flags & BALANCED != 0
            && let Some(route) = self.statements[usize::from(visit.operation)].route
        {
            self.routes[route].balancer.returned(place as u16, context.now_ns() - visit.entered_ns);
        }
    }
}
