//! What an operation does, as written in a model: a list of steps.

use serde::Deserialize;

use crate::diagnostic::span::{Span, Spanned};
use crate::distribution::Distribution;
use crate::techniques::technique::{Demand, DemandedCall, Mistake, Reference, law_mistakes, mean_s};
use crate::units::{Duration, Ratio};

/// One step. Steps of a list run one after the other.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Step {
    /// Uses a core for this long (longer if the cores are shared).
    Compute(Spanned<Distribution>),
    /// Waits for something that is not modelled, such as a disk, without using a core.
    Wait(Spanned<Distribution>),
    /// Calls `"node.operation"` and waits for the reply. If the call fails, so does this operation.
    Call(Spanned<String>),
    /// Runs lists of steps at the same time and waits for all of them.
    Parallel(Spanned<Vec<Vec<Step>>>),
    /// Runs one of the lists, by probability.
    Choose(Spanned<Vec<(Ratio, Vec<Step>)>>),
    /// Runs `then` for the most popular keys, those of rank below `ranks_below`, and `otherwise` for all others.
    ChooseByKey {
        key: Spanned<String>,
        ranks_below: u64,
        then: Vec<Step>,
        #[serde(default)]
        otherwise: Vec<Step>,
    },
    /// Looks a key up in a cache; on a miss runs `miss` and stores the result for `ttl`.
    CacheAside {
        cache: Spanned<String>,
        key: Spanned<String>,
        /// How long the entry stays valid; forever if left out.
        #[serde(default)]
        ttl: Option<Spanned<Duration>>,
        miss: Vec<Step>,
        /// By which share of it each entry's `ttl` is longer or shorter, at random.
        #[serde(default)]
        ttl_jitter: Option<Spanned<Ratio>>,
        /// An older entry is still served, while `miss` runs in the background.
        #[serde(default)]
        soft_ttl: Option<Spanned<Duration>>,
        /// Who misses what another request at the same replica already fetches waits for that.
        #[serde(default)]
        single_flight: bool,
        /// The cache lets one of all who miss a key fetch it, as memcached can.
        #[serde(default)]
        lease: Option<Spanned<Lease>>,
    },
    /// Puts a key into a cache.
    Store {
        cache: Spanned<String>,
        key: Spanned<String>,
        #[serde(default)]
        ttl: Option<Spanned<Duration>>,
        #[serde(default)]
        ttl_jitter: Option<Spanned<Ratio>>,
    },
    /// Removes a key from a cache.
    Invalidate { cache: Spanned<String>, key: Spanned<String> },
    /// Hands a message to `"queue.message"` and waits until the queue has accepted it.
    Publish(Spanned<String>),
    /// Calls of this database, or of a pooler before it, are statements of one transaction: a connection is held until the
    /// last step has ended.
    Transaction { database: Spanned<String>, steps: Vec<Step> },
    /// Runs the steps this many times.
    Repeat { times: Spanned<u32>, steps: Vec<Step> },
    /// Answers the caller now; the remaining steps go on in the background, on the same worker.
    Reply,
    /// Fails with this probability.
    Fail(Spanned<Ratio>),
}

/// How a cache lets one of many fetch what all of them miss (Nishtala et al., *Scaling Memcache at Facebook*, NSDI 2013).
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lease {
    /// After this time another one may fetch.
    pub interval: Duration,
    /// Until the others ask again.
    pub retry: Duration,
    /// Whether the others get what was there before, if it was invalidated less than an interval ago.
    pub serve_stale: bool,
}

impl Default for Lease {
    fn default() -> Self {
        Self { interval: Duration { ns: 10_000_000_000 }, retry: Duration { ns: 10_000_000 }, serve_stale: false }
    }
}

/// Steps that one operation may unroll to.
pub const LARGEST_PROGRAM: usize = 20_000;

/// Visits all steps, outer before inner.
fn walk<'a>(steps: &'a [Step], visit: &mut impl FnMut(&'a Step)) {
    for step in steps {
        visit(step);
        match step {
            Step::Parallel(branches) => branches.iter().for_each(|branch| walk(branch, visit)),
            Step::Choose(choices) => choices.iter().for_each(|(_, choice)| walk(choice, visit)),
            Step::ChooseByKey { then, otherwise, .. } => {
                walk(then, visit);
                walk(otherwise, visit);
            }
            Step::CacheAside { miss: inner, .. }
            | Step::Repeat { steps: inner, .. }
            | Step::Transaction { steps: inner, .. } => walk(inner, visit),
            _ => {}
        }
    }
}

/// Every name the steps refer to.
pub fn references(steps: &[Step]) -> Vec<Reference<'_>> {
    let mut found = Vec::new();
    walk(steps, &mut |step| match step {
        Step::Call(name) => found.push(Reference::Operation(name)),
        Step::Publish(name) => found.push(Reference::Message(name)),
        Step::CacheAside { cache, key, .. } | Step::Store { cache, key, .. } | Step::Invalidate { cache, key } => {
            found.push(Reference::Node { name: cache, kind: "Cache" });
            found.push(Reference::Key(key));
        }
        Step::ChooseByKey { key, .. } => found.push(Reference::Key(key)),
        Step::Transaction { database, .. } => found.push(Reference::Connection(database)),
        _ => {}
    });
    found
}

/// Whether a step may fail by itself.
pub fn can_fail(steps: &[Step]) -> bool {
    let mut found = false;
    walk(steps, &mut |step| found |= matches!(step, Step::Fail(probability) if probability.value.value > 0.0));
    found
}

/// Mistakes that the steps alone show.
pub fn mistakes(steps: &[Step], span: Span) -> Vec<Mistake> {
    let mut found = Vec::new();
    walk(steps, &mut |step| match step {
        Step::Compute(law) | Step::Wait(law) => {
            found.extend(law_mistakes(law));
        }
        Step::Choose(choices) => {
            let total = choices.iter().fold(0.0, |total, (probability, _)| total + probability.value);
            if choices.is_empty() {
                let help = "write for example [(0.3, [Call(\"database.read\")]), (0.7, [])]";
                found.push(Mistake::new(choices.span, "there is nothing to choose from", help));
            } else if (total - 1.0).abs() > 1e-6 {
                let message = format!("the probabilities of these choices add up to {total}, not to 1");
                found.push(Mistake::new(choices.span, message, "add an empty choice for the rest, such as (0.3, [])"));
            }
        }
        Step::Parallel(branches) if branches.is_empty() => {
            found.push(Mistake::new(branches.span, "there is nothing to run in parallel", "add a list of steps"));
        }
        Step::Parallel(branches) if branches.iter().any(|branch| replies(branch)) => {
            let help = "move Reply before or after the parallel step";
            found.push(Mistake::new(
                branches.span,
                "a branch cannot reply: its caller is the step that waits for it",
                help,
            ));
        }
        Step::Transaction { database, steps } if steps.iter().any(runs_in_parallel) => {
            let help = "move Parallel out of the transaction, or run its steps one after the other";
            found.push(Mistake::new(
                database.span,
                "the statements of a transaction go over one connection, one after the other",
                help,
            ));
        }
        Step::Repeat { times, .. } if **times == 0 => {
            found.push(Mistake::new(times.span, "repeating 0 times does nothing", "write 1 or more"));
        }
        Step::Fail(probability) if !(0.0..=1.0).contains(&probability.value.value) => {
            found.push(Mistake::new(
                probability.span,
                "a probability lies between 0 and 1",
                "write for example \"1%\"",
            ));
        }
        Step::CacheAside { ttl, ttl_jitter, soft_ttl, lease, .. } => {
            found.extend(mistakes_of_times(ttl, ttl_jitter, soft_ttl));
            if let Some(lease) = lease.as_ref().filter(|lease| lease.retry.ns == 0 || lease.interval.ns == 0) {
                let help = "write for example Lease(interval: \"10s\", retry: \"5ms\")";
                found.push(Mistake::new(
                    lease.span,
                    "a lease lasts for a time, and who waits for it asks again later",
                    help,
                ));
            }
        }
        Step::Store { ttl, ttl_jitter, .. } => found.extend(mistakes_of_times(ttl, ttl_jitter, &None)),
        _ => {}
    });
    if size(steps) > LARGEST_PROGRAM {
        let message = format!("the operation unrolls to more than {LARGEST_PROGRAM} steps");
        found.push(Mistake::new(span, message, "repeat fewer times"));
    }
    found
}

/// Mistakes in how long entries live.
pub fn mistakes_of_times(
    ttl: &Option<Spanned<Duration>>,
    ttl_jitter: &Option<Spanned<Ratio>>,
    soft_ttl: &Option<Spanned<Duration>>,
) -> Vec<Mistake> {
    let mut found = Vec::new();
    if let Some(ttl) = ttl.as_ref().filter(|ttl| ttl.ns == 0) {
        found.push(Mistake::new(ttl.span, "an entry that expires at once is never found", "write \"15m\""));
    }
    for (span, what) in [
        ttl_jitter.as_ref().map(|jitter| (jitter.span, "a jitter varies")),
        soft_ttl.as_ref().map(|soft_ttl| (soft_ttl.span, "a soft time to live lies within")),
    ]
    .into_iter()
    .flatten()
    {
        if ttl.is_none() {
            let message = format!("{what} a time to live, and there is none");
            found.push(Mistake::new(span, message, "add for example ttl: \"15m\""));
        }
    }
    if let Some(jitter) = ttl_jitter.as_ref().filter(|jitter| !(0.0..1.0).contains(&jitter.value.value)) {
        let message = "a jitter is a share of the time to live, less than all of it";
        found.push(Mistake::new(jitter.span, message, "write for example \"10%\""));
    }
    if let (Some(ttl), Some(soft_ttl)) = (ttl, soft_ttl)
        && soft_ttl.ns >= ttl.ns
    {
        let message = format!("entries are gone after {}, before they are stale", ttl.value);
        found.push(Mistake::new(soft_ttl.span, message, "write a time shorter than the time to live"));
    }
    found
}

/// The longest time to live of what the steps store, in seconds.
pub fn longest_ttl_s(steps: &[Step]) -> f64 {
    let mut longest_s = 0.0;
    walk(steps, &mut |step| {
        if let Step::CacheAside { ttl: Some(ttl), .. } | Step::Store { ttl: Some(ttl), .. } = step {
            longest_s = f64::max(longest_s, ttl.as_s());
        }
    });
    longest_s
}

/// Databases to which a transaction is begun within another one, and how many are open then.
pub fn connections_at_once(steps: &[Step]) -> Vec<(&Spanned<String>, u32)> {
    let mut found = Vec::new();
    nested(steps, &mut Vec::new(), &mut found);
    found
}

fn nested<'a>(steps: &'a [Step], open: &mut Vec<&'a str>, found: &mut Vec<(&'a Spanned<String>, u32)>) {
    for step in steps {
        match step {
            Step::Transaction { database, steps } => {
                let others = open.iter().filter(|name| **name == database.value).count() as u32;
                if others > 0 {
                    found.push((database, others + 1));
                }
                open.push(&database.value);
                nested(steps, open, found);
                open.pop();
            }
            Step::Parallel(branches) => branches.iter().for_each(|branch| nested(branch, open, found)),
            Step::Choose(choices) => choices.iter().for_each(|(_, choice)| nested(choice, open, found)),
            Step::ChooseByKey { then, otherwise, .. } => {
                nested(then, open, found);
                nested(otherwise, open, found);
            }
            Step::CacheAside { miss: inner, .. } | Step::Repeat { steps: inner, .. } => nested(inner, open, found),
            _ => {}
        }
    }
}

fn replies(steps: &[Step]) -> bool {
    let mut found = false;
    walk(steps, &mut |step| found |= matches!(step, Step::Reply));
    found
}

fn runs_in_parallel(step: &Step) -> bool {
    let mut found = false;
    walk(std::slice::from_ref(step), &mut |step| found |= matches!(step, Step::Parallel(_)));
    found
}

/// Steps after unrolling.
fn size(steps: &[Step]) -> usize {
    steps.iter().fold(0, |total, step| {
        let inner = match step {
            Step::Parallel(branches) => branches.iter().map(|branch| size(branch)).fold(0, usize::saturating_add),
            Step::Choose(choices) => choices.iter().map(|(_, choice)| size(choice)).fold(0, usize::saturating_add),
            Step::ChooseByKey { then, otherwise, .. } => size(then).saturating_add(size(otherwise)),
            Step::CacheAside { miss, .. } => size(miss),
            Step::Transaction { steps, .. } => size(steps).saturating_add(1),
            Step::Repeat { times, steps } => size(steps).saturating_mul(**times as usize),
            _ => 0,
        };
        total.saturating_add(1).saturating_add(inner)
    })
}

/// What the steps cause on average if no call fails. A cache is taken to hit, and of two ways that a key may choose only
/// what both have in common counts; the time of parallel branches overlaps, so only the longest counts.
pub fn demand(steps: &[Step]) -> Demand {
    let mut total = Demand::default();
    for step in steps {
        // The share of visits that get this far.
        let reach = total.reach;
        match step {
            Step::Compute(law) => {
                total.core_s += reach * mean_s(law);
                total.held_s += reach * mean_s(law);
            }
            Step::Wait(law) => total.held_s += reach * mean_s(law),
            Step::Call(name) | Step::Publish(name) => total.call(name, reach),
            Step::CacheAside { cache, miss, .. } => {
                total.call(cache, reach);
                total.reach *= demand(miss).reach;
            }
            Step::Store { cache, .. } | Step::Invalidate { cache, .. } => total.call(cache, reach),
            Step::Transaction { steps, .. } => {
                let inner = demand(steps);
                total.add(&inner, reach);
                total.reach = reach * inner.reach;
            }
            Step::Parallel(branches) => {
                let inner: Vec<Demand> = branches.iter().map(|branch| demand(branch)).collect();
                let longest_s = inner.iter().map(|one| one.held_s).fold(0.0, f64::max);
                let ends: f64 = inner.iter().map(|one| one.reach).product();
                for one in inner {
                    let calls = one.calls.into_iter().map(|call| DemandedCall { is_awaited: false, ..call });
                    total.add(&Demand { held_s: 0.0, calls: calls.collect(), ..one }, reach);
                }
                total.held_s += reach * longest_s;
                total.reach = reach * ends;
            }
            Step::Choose(choices) => {
                let mut ends = 0.0;
                for (probability, choice) in choices.iter() {
                    let choice = demand(choice);
                    total.add(&choice, reach * probability.value);
                    ends += probability.value * choice.reach;
                }
                total.reach = reach * ends.min(1.0);
            }
            Step::ChooseByKey { then, otherwise, .. } => {
                let (then, otherwise) = (demand(then), demand(otherwise));
                total.core_s += reach * then.core_s.min(otherwise.core_s);
                total.held_s += reach * then.held_s.min(otherwise.held_s);
                total.replies_early |= then.replies_early || otherwise.replies_early;
                total.reach *= then.reach.min(otherwise.reach);
            }
            Step::Repeat { times, steps } => {
                let once = demand(steps);
                let rounds = f64::from(**times);
                let all = once.reach.powf(rounds);
                // The share that each round is reached by, summed up from the second on.
                let later = if once.reach < 1.0 { (once.reach - all) / (1.0 - once.reach) } else { rounds - 1.0 };
                total.add(&once, reach);
                total.add(&once, reach * later.max(0.0));
                total.reach *= all;
            }
            Step::Fail(probability) => total.reach *= 1.0 - probability.value.value,
            Step::Reply => total.replies_early = true,
        }
    }
    total
}
