//! Which replica a caller sends its next request to: one caller's view of a replica set.

use std::sync::Arc;

use serde::Deserialize;
use xxhash_rust::xxh3::xxh3_64;

use crate::diagnostic::span::Spanned;
use crate::engine::context::Context;
use crate::engine::visit::Visit;
use crate::random::{Purpose, Stream, mix};
use crate::techniques::parts::executor::resalt;
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
    /// Always the same one for the same user.
    SessionAffinity,
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
                State::ConsistentHash { space: wiring.key_space(key), ring: ring(view.count).into() }
            }
            Self::SessionAffinity => State::SessionAffinity,
            Self::ZoneAware => State::ZoneAware { zones: view.zones.max(1), start: 0 },
        };
        Ok(Balancer { outstanding: vec![0; count], purpose: wiring.purpose("balancing"), state })
    }
}

/// A policy at work. Every [`Balancer::choose`] is matched by one [`Balancer::returned`].
#[derive(Clone, Debug)]
pub struct Balancer {
    outstanding: Vec<u32>,
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
    ConsistentHash { space: u16, ring: Arc<[(u64, u32)]> },
    SessionAffinity,
    ZoneAware { zones: u8, start: u32 },
}

impl Balancer {
    /// The replica for this visit; `attempt` tells the attempts of a caller that tries again apart, zero being the first.
    #[inline]
    pub fn choose(&mut self, context: &mut Context, slot: u32, attempt: u32) -> u16 {
        let count = self.outstanding.len() as u32;
        let visit: Visit = *context.visit(slot);
        let chosen = match &mut self.state {
            State::RoundRobin { next } => {
                let chosen = *next;
                *next = if chosen + 1 == count { 0 } else { chosen + 1 };
                chosen
            }
            State::Choices { choices } => {
                let salt = if attempt == 0 { visit.salt } else { resalt(visit.salt, attempt) };
                let mut stream = Stream::keyed(visit.key, self.purpose, salt);
                let mut best = stream.below(u64::from(count)) as u32;
                for _ in 1..*choices {
                    let other = stream.below(u64::from(count)) as u32;
                    if self.outstanding[other as usize] < self.outstanding[best as usize] {
                        best = other;
                    }
                }
                best
            }
            State::Weighted { weights, credit } => smooth_weighted(weights, credit),
            State::LeastOutstanding { start } => {
                *start = if *start + 1 >= count { 0 } else { *start + 1 };
                least(&self.outstanding, *start, |_| true)
            }
            State::LeastResponseTime { average_ns } => {
                let cost = |index: usize| average_ns[index] * f64::from(self.outstanding[index] + 1);
                let mut best = 0;
                for index in 1..count as usize {
                    let better = (cost(index), self.outstanding[index]) < (cost(best), self.outstanding[best]);
                    best = if better { index } else { best };
                }
                best as u32
            }
            State::ConsistentHash { space, ring } => {
                let point = mix(context.key(*space, visit.key));
                let position = ring.partition_point(|&(hash, _)| hash < point);
                ring[if position == ring.len() { 0 } else { position }].1
            }
            State::SessionAffinity => {
                let session = mix(u64::from(visit.user) ^ 0x5E55_1017);
                ((u128::from(session) * u128::from(count)) >> 64) as u32
            }
            State::ZoneAware { zones, start } => {
                *start = if *start + 1 >= count { 0 } else { *start + 1 };
                let zones = u32::from(*zones);
                let zone = u32::from(visit.zone) % zones;
                if zone < count {
                    least(&self.outstanding, *start, |index| index % zones == zone)
                } else {
                    least(&self.outstanding, *start, |_| true)
                }
            }
        };
        self.outstanding[chosen as usize] += 1;
        chosen as u16
    }

    /// A request meant for this replica never reached it.
    pub fn withdrawn(&mut self, replica: u16) {
        self.outstanding[usize::from(replica)] -= 1;
    }

    /// A request sent to this replica came back after `response_ns`.
    #[inline]
    pub fn returned(&mut self, replica: u16, response_ns: u64) {
        let index = usize::from(replica);
        self.outstanding[index] -= 1;
        if let State::LeastResponseTime { average_ns } = &mut self.state {
            let average = &mut average_ns[index];
            let weight = if *average == 0.0 { 1.0 } else { RESPONSE_TIME_WEIGHT };
            *average += weight * (response_ns as f64 - *average);
        }
    }
}

/// Smooth weighted round robin: each gains its weight in credit, the richest is chosen and pays the total.
fn smooth_weighted(weights: &[f64], credit: &mut [f64]) -> u32 {
    let mut best = 0;
    let mut total = 0.0;
    for index in 0..weights.len() {
        credit[index] += weights[index];
        total += weights[index];
        if credit[index] > credit[best] {
            best = index;
        }
    }
    credit[best] -= total;
    best as u32
}

/// The first least loaded from `start` on, going round.
fn least(outstanding: &[u32], start: u32, eligible: impl Fn(u32) -> bool) -> u32 {
    let count = outstanding.len() as u32;
    let mut best = None;
    for step in 0..count {
        let index = if start + step >= count { start + step - count } else { start + step };
        let load = outstanding[index as usize];
        if eligible(index) && best.is_none_or(|(smallest, _)| load < smallest) {
            best = Some((load, index));
            if load == 0 {
                break;
            }
        }
    }
    best.map_or(0, |(_, index)| index)
}

fn ring(replicas: u32) -> Vec<(u64, u32)> {
    let mut ring: Vec<(u64, u32)> = (0..replicas.max(1))
        .flat_map(|replica| {
            (0..POINTS_PER_REPLICA).map(move |point| (xxh3_64(format!("{replica}-{point}").as_bytes()), replica))
        })
        .collect();
    ring.sort_unstable();
    ring
}
