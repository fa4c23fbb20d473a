//! Compiles lookups in caches, with what guards them against stampedes:
//!
//! ```text
//!          ask the cache; hit -> hit, stale -> stale, pending -> pending, else go on
//!          join: somebody of this replica fetches it -> wait for that, then hit or failed; else go on   (single flight)
//!          the steps of the miss
//!          store
//!          land: those who wait go on                                                                   (single flight)
//!          jump hit
//! stale:   start the steps of the miss as an operation of their own; jump hit                           (soft time to live)
//! pending: wait; ask again                                                                              (lease)
//! failed:  fail                                                                                         (single flight)
//! hit:     what follows
//! ```
//!
//! A lookup without guards is one instruction, and so is its store.

use crate::diagnostic::span::Spanned;
use crate::distribution::Distribution;
use crate::engine::Destination;
use crate::techniques::parts::program::{Compiler, FAIL, Instruction, LATER, Operation, ProgramCounter, WAIT};
use crate::techniques::parts::steps::{Lease, Step};
use crate::techniques::technique::{CacheCommand, CompileError, Guards, Jitter, LeaseTerms};
use crate::units::Ratio;

/// A lookup that is guarded, or of a cache within each replica.
#[derive(Clone, Copy, Debug)]
pub struct Guard {
    pub cache: Destination,
    pub occurrence: u32,
    pub space: u16,
    /// Whether the cache must know which replica asks.
    pub is_local: bool,
    pub hit: ProgramCounter,
    pub stale: ProgramCounter,
    pub pending: ProgramCounter,
    pub failed: ProgramCounter,
    /// The operation that fetches a stale entry anew, among the hidden ones.
    pub refresh: u16,
    pub refresh_occurrence: u32,
    pub single_flight: bool,
}

/// What is done of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuardPart {
    Ask,
    Join,
    Land,
    Refresh,
    /// A command whose result does not matter, to a cache within each replica.
    Tell,
}

/// A lookup as written.
pub(super) struct Written<'a> {
    pub cache: &'a Spanned<String>,
    pub key: &'a Spanned<String>,
    pub ttl_ns: Option<u64>,
    pub ttl_jitter: Jitter,
    pub soft_ttl_ns: Option<u64>,
    pub single_flight: bool,
    pub lease: Option<&'a Lease>,
}

/// An operation that nobody calls by name.
pub(super) struct Later {
    operation: Operation,
    steps: Vec<Step>,
    /// Of a lookup that found something stale: what stores the result, and the guard of the lookup.
    stores: Option<(Instruction, u16)>,
}

pub(super) fn jitter(written: &Option<Spanned<Ratio>>) -> Jitter {
    Jitter { millionths: written.as_ref().map_or(0, |jitter| (jitter.value.value * 1e6).round() as u32) }
}

impl Compiler<'_> {
    /// A cache within the replicas of a service is within reach of that service alone.
    pub(super) fn within_reach(&self, cache: &Spanned<String>) -> Result<(), CompileError> {
        match self.wiring.local_to(cache) {
            Some(service) if service != self.wiring.name() => {
                let message =
                    format!("`{}` is within the replicas of `{service}`, out of the reach of others", **cache);
                Err(CompileError::at(cache.span, message).help("name a shared cache, or move the step to that service"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn cache_aside(&mut self, written: &Written<'_>, miss: &[Step]) -> Result<(), CompileError> {
        let &Written { cache, key, ttl_ns, soft_ttl_ns, single_flight, lease, .. } = written;
        self.within_reach(cache)?;
        let space = self.wiring.key_space(key);
        let is_local = self.wiring.local_to(cache).is_some();
        if !is_local && soft_ttl_ns.is_none() && !single_flight && lease.is_none() {
            return self.plain_cache_aside(written, space, miss);
        }
        let guards = Guards {
            stale_before_expiry_ns: soft_ttl_ns.and_then(|soft_ttl_ns| Some(ttl_ns?.saturating_sub(soft_ttl_ns))),
            lease: lease.map(|lease| LeaseTerms { interval_ns: lease.interval.ns, serves_stale: lease.serve_stale }),
        };
        let ask =
            if guards == Guards::default() { CacheCommand::Get { space } } else { CacheCommand::Ask { space, guards } };
        let asked = self.wiring.cache(cache, ask)?;
        let occurrence = self.operation.occurrence(&format!("get {}", **key));
        let number = self.program.guards.len() as u16;
        let mut guard = Guard {
            cache: asked,
            occurrence,
            space,
            is_local,
            hit: 0,
            stale: 0,
            pending: 0,
            failed: 0,
            refresh: 0,
            refresh_occurrence: 0,
            single_flight,
        };
        self.program.guards.push(guard);
        let part = |part| Instruction::Guarded { part, guard: number };
        let start = self.here();
        self.program.code.push(part(GuardPart::Ask));
        if single_flight {
            self.program.code.push(part(GuardPart::Join));
        }
        self.steps(miss)?;
        let store = self.store(cache, key, ttl_ns, written.ttl_jitter, lease.is_some())?;
        self.program.code.push(store.clone());
        if single_flight {
            self.program.code.push(part(GuardPart::Land));
        }
        let mut to_hit = vec![self.program.code.len()];
        self.program.code.push(Instruction::Jump(0));
        if guards.stale_before_expiry_ns.is_some() {
            guard.stale = self.here();
            guard.refresh_occurrence = self.operation.occurrence(&format!("refresh {}", **key));
            guard.refresh = self.do_later(miss.to_vec(), Some((store, number)));
            self.program.code.push(part(GuardPart::Refresh));
            to_hit.push(self.program.code.len());
            self.program.code.push(Instruction::Jump(0));
        }
        if let Some(lease) = lease {
            guard.pending = self.here();
            let law = self.wiring.sampler(&Spanned { value: Distribution::Constant(lease.retry), span: cache.span })?;
            let purpose = self.operation.draw(WAIT);
            self.program.code.push(Instruction::Wait { law, purpose });
            self.program.code.push(Instruction::Jump(start));
        }
        if single_flight {
            guard.failed = self.here();
            let purpose = self.operation.draw(FAIL);
            self.program.code.push(Instruction::Fail { probability: 1.0, purpose });
        }
        guard.hit = self.here();
        for jump in to_hit {
            self.program.code[jump] = Instruction::Jump(guard.hit);
        }
        self.program.guards[usize::from(number)] = guard;
        Ok(())
    }

    fn plain_cache_aside(&mut self, written: &Written<'_>, space: u16, miss: &[Step]) -> Result<(), CompileError> {
        let &Written { cache, key, ttl_ns, ttl_jitter, .. } = written;
        let get = self.wiring.cache(cache, CacheCommand::Get { space })?;
        let set = self.wiring.cache(cache, set(space, ttl_ns, ttl_jitter, false))?;
        let at = self.program.code.len();
        let asked = self.operation.occurrence(&format!("get {}", **key));
        let stored = self.operation.occurrence(&format!("set {}", **key));
        let lookup = |hit| Instruction::CacheGet { destination: get, occurrence: asked, hit };
        self.program.code.push(lookup(0));
        self.steps(miss)?;
        self.program.code.push(Instruction::CacheCommand { destination: set, occurrence: stored });
        self.program.code[at] = lookup(self.here());
        Ok(())
    }

    /// What stores an entry.
    pub(super) fn store(
        &mut self,
        cache: &Spanned<String>,
        key: &Spanned<String>,
        ttl_ns: Option<u64>,
        ttl_jitter: Jitter,
        is_leased: bool,
    ) -> Result<Instruction, CompileError> {
        let space = self.wiring.key_space(key);
        let destination = self.wiring.cache(cache, set(space, ttl_ns, ttl_jitter, is_leased))?;
        let occurrence = self.operation.occurrence(&format!("set {}", **key));
        Ok(self.command(cache, destination, occurrence))
    }

    /// What gives a cache a command whose result does not matter.
    pub(super) fn command(&mut self, cache: &str, destination: Destination, occurrence: u32) -> Instruction {
        if self.wiring.local_to(cache).is_none() {
            return Instruction::CacheCommand { destination, occurrence };
        }
        let guard = Guard {
            cache: destination,
            occurrence,
            space: 0,
            is_local: true,
            hit: 0,
            stale: 0,
            pending: 0,
            failed: 0,
            refresh: 0,
            refresh_occurrence: 0,
            single_flight: false,
        };
        self.program.guards.push(guard);
        Instruction::Guarded { part: GuardPart::Tell, guard: self.program.guards.len() as u16 - 1 }
    }

    /// Adds an operation that nobody calls by name. Returns its number among these.
    fn do_later(&mut self, steps: Vec<Step>, stores: Option<(Instruction, u16)>) -> u16 {
        let number = self.hidden;
        let purpose = self.operation.purpose.child(LATER).child(u64::from(number));
        self.later.push_back(Later { operation: Operation::new(purpose), steps, stores });
        self.hidden += 1;
        number
    }

    /// As an operation that nobody calls by name: its number among these.
    pub fn hidden_operation(&mut self, name: &str, steps: &[Step]) -> u16 {
        self.operation = Operation::new(self.wiring.purpose(name));
        self.do_later(steps.to_vec(), None)
    }

    pub(super) fn compile_later(&mut self) -> Result<(), CompileError> {
        self.program.hidden = self.program.starts.len() as u16;
        while let Some(Later { operation, steps, stores }) = self.later.pop_front() {
            self.operation = operation;
            let start = self.here();
            self.program.starts.push(start);
            let Some((store, of)) = stores else {
                self.steps(&steps)?;
                self.program.code.push(Instruction::End);
                continue;
            };
            let guard = self.program.guards[usize::from(of)];
            let number = self.program.guards.len() as u16;
            self.program.guards.push(guard);
            let part = |part| Instruction::Guarded { part, guard: number };
            if guard.single_flight {
                self.program.code.push(part(GuardPart::Join));
            }
            self.steps(&steps)?;
            self.program.code.push(store);
            if guard.single_flight {
                self.program.code.push(part(GuardPart::Land));
            }
            // Nobody waits for it: who joins another flight is done when that lands, however it ends.
            let end = self.here();
            self.program.guards[usize::from(number)] = Guard { hit: end, failed: end, ..guard };
            self.program.code.push(Instruction::End);
        }
        Ok(())
    }
}

fn set(space: u16, ttl_ns: Option<u64>, ttl_jitter: Jitter, is_leased: bool) -> CacheCommand {
    if ttl_jitter == Jitter::default() && !is_leased {
        return CacheCommand::Set { space, ttl_ns };
    }
    CacheCommand::Fill { space, ttl_ns, ttl_jitter, is_leased }
}
