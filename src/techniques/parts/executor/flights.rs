//! Lookups in caches that are guarded against stampedes: of those at one replica who miss the same key only one fetches it, and
//! what is stale is fetched anew while it is still served.

use std::collections::BTreeMap;

use crate::engine::context::Context;
use crate::engine::record::{NodeRecord, Share};
use crate::engine::visit::VisitId;
use crate::engine::{Destination, NodeIndex, Outcome, Reply};
use crate::techniques::parts::executor::{Executor, Finish, resalt};
use crate::techniques::parts::program::{Guard, GuardPart, Program};

/// What is being fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Flight {
    replica: u16,
    cache: NodeIndex,
    space: u16,
    key: u64,
}

/// Who fetches, and who waits for it: visits, each with the guard of its lookup.
#[derive(Clone, Debug)]
struct Crew {
    leader: VisitId,
    waiting: Vec<(u32, u16)>,
}

/// All flights of a node.
#[derive(Clone, Debug, Default)]
pub struct Flights {
    crews: BTreeMap<Flight, Crew>,
    joined: u64,
    begun: u64,
}

impl Flights {
    /// For a program in which somebody may wait for another's fetch.
    pub fn of(program: &Program) -> Option<Box<Self>> {
        program.guards.iter().any(|guard| guard.single_flight).then(Box::default)
    }

    /// Of those who missed, how many waited for another's fetch.
    pub fn observe(&self, record: &mut NodeRecord) {
        let missed = u128::from(self.joined + self.begun);
        record.shares.push(Share { name: "coalesced_ratio", numerator: self.joined.into(), denominator: missed });
    }

    /// Whatever was in the air at a replica that is gone.
    pub fn forget(&mut self, replica: u16) {
        self.crews.retain(|flight, _| flight.replica != replica);
    }
}

impl Executor {
    /// Carries out a part of a guarded lookup. Returns whether the visit goes on at once.
    #[cold]
    #[inline(never)]
    pub(super) fn guarded(&mut self, context: &mut Context, slot: u32, part: GuardPart, number: u16) -> bool {
        let guard = self.program.guards[usize::from(number)];
        match part {
            GuardPart::Ask | GuardPart::Tell => {
                self.ask(context, slot, &guard);
                false
            }
            GuardPart::Join => self.join_flight(context, slot, &guard, number),
            GuardPart::Land => {
                self.land(context, slot, &guard);
                context.visit(slot).program_counter += 1;
                true
            }
            GuardPart::Refresh => {
                self.refresh(context, slot, &guard);
                context.visit(slot).program_counter += 1;
                true
            }
        }
    }

    fn ask(&mut self, context: &mut Context, slot: u32, guard: &Guard) {
        let token = context.id(slot).token();
        let visit = *context.visit(slot);
        let mut identity = visit.identity();
        identity.salt = resalt(visit.salt, guard.occurrence);
        if guard.is_local {
            context.call_replica(guard.cache, visit.replica, token, identity);
        } else {
            context.call(guard.cache, token, 0, identity);
        }
    }

    /// The cache has answered.
    #[cold]
    #[inline(never)]
    pub(super) fn looked_up<F: Finish>(
        &mut self,
        context: &mut Context,
        slot: u32,
        number: u16,
        reply: Reply,
        finish: &mut F,
    ) {
        let guard = self.program.guards[usize::from(number)];
        let visit = context.visit(slot);
        match reply.outcome {
            Outcome::Done => visit.program_counter = guard.hit,
            Outcome::Stale => visit.program_counter = guard.stale,
            Outcome::Pending => visit.program_counter = guard.pending,
            Outcome::Miss | Outcome::Failed(_) => visit.program_counter += 1,
        }
        self.run(context, slot, finish);
    }

    fn flight(&self, context: &mut Context, slot: u32, guard: &Guard) -> Flight {
        let visit = *context.visit(slot);
        Flight {
            replica: visit.replica,
            cache: guard.cache.node,
            space: guard.space,
            key: context.key(guard.space, visit.key),
        }
    }

    /// Waits for who fetches the same, or is the one. Returns whether it goes on at once.
    fn join_flight(&mut self, context: &mut Context, slot: u32, guard: &Guard, number: u16) -> bool {
        let flight = self.flight(context, slot, guard);
        let leader = context.id(slot);
        let Some(flights) = &mut self.flights else { return true };
        // One that looks the same up while it fetches it would wait for itself.
        if let Some(crew) = flights.crews.get_mut(&flight).filter(|crew| crew.leader != leader) {
            flights.joined += 1;
            crew.waiting.push((slot, number));
            return false;
        }
        flights.begun += 1;
        flights.crews.entry(flight).or_insert(Crew { leader, waiting: Vec::new() });
        context.visit(slot).program_counter += 1;
        true
    }

    /// Those who wait for what this visit has fetched can go on.
    fn land(&mut self, context: &mut Context, slot: u32, guard: &Guard) {
        let flight = self.flight(context, slot, guard);
        let leader = context.id(slot);
        let Some(flights) = &mut self.flights else { return };
        if flights.crews.get(&flight).is_some_and(|crew| crew.leader == leader) {
            self.disband(context, flight, true);
        }
    }

    fn disband(&mut self, context: &mut Context, flight: Flight, is_success: bool) {
        let Some(crew) = self.flights.as_mut().and_then(|flights| flights.crews.remove(&flight)) else { return };
        for (waiting, number) in crew.waiting {
            let guard = &self.program.guards[usize::from(number)];
            context.visit(waiting).program_counter = if is_success { guard.hit } else { guard.failed };
            self.ready.push(waiting);
        }
    }

    /// What a visit was fetching comes to nobody: it has failed.
    #[cold]
    #[inline(never)]
    pub(super) fn abandon_flights(&mut self, context: &mut Context, slot: u32) {
        let leader = context.id(slot);
        let Some(flights) = &self.flights else { return };
        let led: Vec<Flight> =
            flights.crews.iter().filter(|(_, crew)| crew.leader == leader).map(|(flight, _)| *flight).collect();
        for flight in led {
            self.disband(context, flight, false);
        }
    }

    /// Starts to fetch an entry anew that is still served, unless somebody at this replica does so already.
    fn refresh(&mut self, context: &mut Context, slot: u32, guard: &Guard) {
        let flight = self.flight(context, slot, guard);
        if self.flights.as_ref().is_some_and(|flights| flights.crews.contains_key(&flight)) {
            return;
        }
        let visit = *context.visit(slot);
        let mut identity = visit.identity();
        identity.salt = resalt(visit.salt, guard.refresh_occurrence);
        let operation = self.program.hidden + guard.refresh;
        let started = context.spawn(Destination { node: context.node(), operation }, identity);
        context.visit(started).replica = visit.replica;
    }
}
