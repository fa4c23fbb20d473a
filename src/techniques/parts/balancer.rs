//! Which replica a caller sends its next request to: one caller's view of a replica set.

use serde::Deserialize;

use crate::diagnostic::span::Spanned;
use crate::engine::context::Context;
use crate::engine::visit::Visit;
use crate::random::{Purpose, Stream, mix};
use crate::techniques::parts::executor::resalt;
use crate::techniques::parts::placement::ring::Ring;
use crate::techniques::technique::{CompileError, Mistake, Reference, ReplicaView, Wiring};

/// Points of one replica on the ring of a consistent hash.
const POINTS_PER_REPLICA: u32 = 160;
/// Replicas that a random choice may be among.
const MOST_CHOICES: u32 = 100;
/// Replicas that a policy which looks at every one of them may have: each request costs as many steps.
const MOST_LOOKED_AT: u32 = 5_000;
/// Weight of the newest response time in its moving average.
const RESPONSE_TIME_WEIGHT: f64 = 0.1;

/// A balancing policy as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Policy {
    /// Each in turn.
    #[default]
    RoundRobin,
    /// Each in turn, in proportion to its weight; weights are repeated if there are more replicas than weights.
    Weighted(Vec<f64>),
    /// Any, with equal probability.
    Random,
    /// The one with the fewest requests of this caller outstanding; ties go round.
    LeastOutstanding,
    /// The smallest product of a moving average of the response time and the number outstanding plus one.
    LeastResponseTime,
    /// The least outstanding of this many chosen at random (with replacement).
    PowerOfChoices(u32),
    /// By a key of the request on a hash ring, so that few keys move when replicas come or go.
    ConsistentHash { key: Spanned<String> },
    /// The same one for the same user, as long as the replicas stay the same; when they change, some users move.
    SessionAffinity,
    /// Over a connection that a user keeps until its replica goes, as WebSocket and gRPC do: new replicas get new users
    /// only. Requests of open workloads have a connection each.
    PersistentConnections,
    /// The least outstanding in the sender's own zone; any zone if none is there.
    ZoneAware,
}

impl Policy {
    /// Names the policy refers to.
    pub fn references(&self) -> Vec<Reference<'_>> {
        match self {
            Self::ConsistentHash { key } => vec![Reference::Key(key)],
            _ => Vec::new(),
        }
    }

    /// Mistakes in the policy itself, reported at `span`.
    pub fn mistakes(&self, span: crate::diagnostic::span::Span) -> Vec<Mistake> {
        match self {
            Self::PowerOfChoices(choices) if !(1..=MOST_CHOICES).contains(choices) => {
                let message = format!("a choice is among 1 to {MOST_CHOICES} replicas, not among {choices}");
                vec![Mistake::new(span, message, "write PowerOfChoices(2)")]
            }
            Self::Weighted(weights)
                if !weights.iter().all(|weight| weight.is_finite() && *weight >= 0.0)
                    || weights.iter().sum::<f64>() <= 0.0 =>
            {
                vec![Mistake::new(
                    span,
                    "weights must not be negative, and one must be above zero",
                    "write for example Weighted([3, 1])",
                )]
            }
            _ => Vec::new(),
        }
    }

    /// The policy over this many replicas.
    ///
    /// # Errors
    /// When a policy that looks at every replica has too many of them.
    pub fn compile(&self, view: ReplicaView, wiring: &dyn Wiring) -> Result<Balancer, CompileError> {
        let looks_at_all =
            matches!(self, Self::Weighted(_) | Self::LeastOutstanding | Self::LeastResponseTime | Self::ZoneAware);
        if looks_at_all && view.count > MOST_LOOKED_AT {
            let message = format!("this policy looks at each of {} replicas for every request", view.count);
            return Err(CompileError::new(message).help("use PowerOfChoices(2), or at most 5,000 replicas"));
        }
        let count = view.count.max(1) as usize;
        let everybody: Vec<u16> = (0..count as u16).collect();
        let state = match self {
            Self::RoundRobin => State::RoundRobin { next: 0 },
            Self::Weighted(weights) => State::Weighted {
                weights: (0..count).map(|index| weights[index % weights.len().max(1)]).collect(),
                credit: vec![0.0; count],
            },
            Self::Random => State::Choices { choices: 1 },
            Self::PowerOfChoices(choices) => State::Choices { choices: *choices },
            Self::LeastOutstanding => State::LeastOutstanding { start: 0 },
            Self::LeastResponseTime => State::LeastResponseTime { average_ns: vec![0.0; count] },
            Self::ConsistentHash { key } => {
                State::ConsistentHash { space: wiring.key_space(key), ring: ring_of(&everybody) }
            }
            Self::SessionAffinity => State::SessionAffinity,
            Self::PersistentConnections => {
                State::PersistentConnections { connections: Vec::new(), users: wiring.population(), next: 0 }
            }
            Self::ZoneAware => State::ZoneAware { zones: view.zones.max(1), start: 0 },
        };
        Ok(Balancer { outstanding: vec![0; count], members: everybody, purpose: wiring.purpose("balancing"), state })
    }
}

/// A policy at work. Every [`Balancer::choose`] is matched by one [`Balancer::returned`] or [`Balancer::withdrawn`].
#[derive(Clone, Debug)]
pub struct Balancer {
    /// By replica.
    outstanding: Vec<u32>,
    /// The replicas that may be chosen, in ascending order.
    members: Vec<u16>,
    purpose: Purpose,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    RoundRobin { next: u32 },
    Weighted { weights: Vec<f64>, credit: Vec<f64> },
    Choices { choices: u32 },
    LeastOutstanding { start: u32 },
    LeastResponseTime { average_ns: Vec<f64> },
    ConsistentHash { space: u16, ring: Ring },
    SessionAffinity,
    PersistentConnections { connections: Vec<u16>, users: u32, next: u32 },
    ZoneAware { zones: u8, start: u32 },
}

impl Balancer {
    /// The replica for this visit, or [`Visit::ANY_REPLICA`] if none is there; `attempt` tells the attempts of a caller that
    /// tries again apart, zero being the first.
    #[inline]
    pub fn choose(&mut self, context: &mut Context, slot: u32, attempt: u32) -> u16 {
        let count = self.members.len() as u32;
        if count == 0 {
            return Visit::ANY_REPLICA;
        }
        // Turns are the rule, and need not look at the visit.
        let position = match &mut self.state {
            State::RoundRobin { next } => in_turn(next, count),
            _ => self.position(context, slot, attempt, count),
        };
        let chosen = self.members[position as usize];
        self.outstanding[usize::from(chosen)] += 1;
        chosen
    }

    /// Which of so many members is chosen.
    #[inline(never)]
    fn position(&mut self, context: &mut Context, slot: u32, attempt: u32, count: u32) -> u32 {
        let visit: Visit = *context.visit(slot);
        let (members, outstanding) = (&self.members, &self.outstanding);
        let load = |position: u32| outstanding[usize::from(members[position as usize])];
        match &mut self.state {
            State::RoundRobin { next } => in_turn(next, count),
            State::Choices { choices } => {
                let salt = if attempt == 0 { visit.salt } else { resalt(visit.salt, attempt) };
                let mut stream = Stream::keyed(visit.key, self.purpose, salt);
                let mut best = stream.below(u64::from(count)) as u32;
                for _ in 1..*choices {
                    let other = stream.below(u64::from(count)) as u32;
                    if load(other) < load(best) {
                        best = other;
                    }
                }
                best
            }
            State::Weighted { weights, credit } => smooth_weighted(members, weights, credit),
            State::LeastOutstanding { start } => {
                *start = if *start + 1 >= count { 0 } else { *start + 1 };
                least(count, load, *start, |_| true)
            }
            State::LeastResponseTime { average_ns } => {
                let cost =
                    |position: u32| average_ns[usize::from(members[position as usize])] * f64::from(load(position) + 1);
                let mut best = 0;
                for other in 1..count {
                    let better = (cost(other), load(other)) < (cost(best), load(best));
                    best = if better { other } else { best };
                }
                best
            }
            State::ConsistentHash { space, ring } => ring.position(mix(context.key(*space, visit.key))),
            State::SessionAffinity => {
                let session = mix(u64::from(visit.user) ^ 0x5E55_1017);
                ((u128::from(session) * u128::from(count)) >> 64) as u32
            }
            State::PersistentConnections { connections, users, next } => {
                connected(connections, visit.user, *users, members, || in_turn(next, count))
            }
            State::ZoneAware { zones, start } => {
                *start = if *start + 1 >= count { 0 } else { *start + 1 };
                let zones = u32::from(*zones);
                let zone = u32::from(visit.zone) % zones;
                let is_near = |position: u32| u32::from(members[position as usize]) % zones == zone;
                if (0..count).any(is_near) {
                    least(count, load, *start, is_near)
                } else {
                    least(count, load, *start, |_| true)
                }
            }
        }
    }

    /// From now on only these replicas, in ascending order, are chosen.
    pub fn set_members(&mut self, members: &[u16]) {
        self.members.clear();
        self.members.extend_from_slice(members);
        let places = members.last().map_or(0, |last| usize::from(*last) + 1).max(self.outstanding.len());
        self.outstanding.resize(places, 0);
        match &mut self.state {
            State::RoundRobin { next }
            | State::LeastOutstanding { start: next }
            | State::ZoneAware { start: next, .. } => {
                *next = if *next as usize >= members.len() { 0 } else { *next };
            }
            State::Weighted { weights, credit } => {
                let given = weights.clone();
                weights.extend((given.len()..places).map(|place| given[place % given.len().max(1)]));
                credit.resize(places, 0.0);
            }
            // A replica that is new in its place has answered nothing yet.
            State::LeastResponseTime { average_ns } => {
                average_ns.resize(places, 0.0);
                (0..places)
                    .filter(|place| !members.contains(&(*place as u16)))
                    .for_each(|place| average_ns[place] = 0.0);
            }
            State::ConsistentHash { ring, .. } => *ring = ring_of(members),
            // Connections end with their replica; another one at its place knows nothing of them.
            State::PersistentConnections { connections, .. } => connections
                .iter_mut()
                .filter(|replica| members.binary_search(replica).is_err())
                .for_each(|replica| *replica = Visit::ANY_REPLICA),
            State::Choices { .. } | State::SessionAffinity => {}
        }
    }

    /// A request goes to this replica, which somebody else has chosen.
    pub fn add(&mut self, replica: u16) {
        if let Some(outstanding) = self.outstanding.get_mut(usize::from(replica)) {
            *outstanding += 1;
        }
    }

    /// A request meant for this replica never reached it.
    pub fn withdrawn(&mut self, replica: u16) {
        if let Some(outstanding) = self.outstanding.get_mut(usize::from(replica)) {
            *outstanding -= 1;
        }
    }

    /// A request sent to this replica came back after `response_ns`. Nothing happens for one that was sent to any replica.
    #[inline]
    pub fn returned(&mut self, replica: u16, response_ns: u64) {
        let index = usize::from(replica);
        let Some(outstanding) = self.outstanding.get_mut(index) else { return };
        *outstanding -= 1;
        if let State::LeastResponseTime { average_ns } = &mut self.state {
            let average = &mut average_ns[index];
            let weight = if *average == 0.0 { 1.0 } else { RESPONSE_TIME_WEIGHT };
            *average += weight * (response_ns as f64 - *average);
        }
    }
}

/// The next position, going round.
#[inline]
fn in_turn(next: &mut u32, count: u32) -> u32 {
    let position = if *next >= count { 0 } else { *next };
    *next = if position + 1 == count { 0 } else { position + 1 };
    position
}

/// The position of the replica that a user is connected to; a new connection goes to the position that `connect` names.
fn connected(connections: &mut Vec<u16>, user: u32, users: u32, members: &[u16], connect: impl FnOnce() -> u32) -> u32 {
    if user >= users {
        return connect();
    }
    let known = connections.get(user as usize).and_then(|replica| members.binary_search(replica).ok());
    if let Some(position) = known {
        return position as u32;
    }
    let position = connect();
    if connections.len() <= user as usize {
        connections.resize(users as usize, Visit::ANY_REPLICA);
    }
    connections[user as usize] = members[position as usize];
    position
}

/// Smooth weighted round robin: each gains its weight in credit, the richest is chosen and pays the total.
fn smooth_weighted(members: &[u16], weights: &[f64], credit: &mut [f64]) -> u32 {
    let mut best = 0;
    let mut total = 0.0;
    for (position, &member) in members.iter().enumerate() {
        let member = usize::from(member);
        credit[member] += weights[member];
        total += weights[member];
        if credit[member] > credit[usize::from(members[best])] {
            best = position;
        }
    }
    credit[usize::from(members[best])] -= total;
    best as u32
}

/// The first least loaded from `start` on, going round.
fn least(count: u32, load: impl Fn(u32) -> u32, start: u32, eligible: impl Fn(u32) -> bool) -> u32 {
    let mut best = None;
    for step in 0..count {
        let position = if start + step >= count { start + step - count } else { start + step };
        let load = load(position);
        if eligible(position) && best.is_none_or(|(smallest, _)| load < smallest) {
            best = Some((load, position));
            if load == 0 {
                break;
            }
        }
    }
    best.map_or(0, |(_, position)| position)
}

/// The hash ring of these replicas. A replica's points stay where they are whoever else is there, so that few keys move.
fn ring_of(members: &[u16]) -> Ring {
    Ring::of(members.iter().map(|member| u32::from(*member)), POINTS_PER_REPLICA)
}
