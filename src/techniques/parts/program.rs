//! Operations compiled to flat programs of instructions: indices and samplers, no names.

mod guards;

pub use guards::{Guard, GuardPart};

use std::collections::VecDeque;

use crate::diagnostic::span::Spanned;
use crate::distribution::AliasTable;
use crate::distribution::Sampler;
use crate::engine::{Destination, NodeIndex};
use crate::random::{Purpose, Stream, mix};
use crate::techniques::parts::pool::{Protocol, Wish};
use crate::techniques::parts::steps::Step;
use crate::techniques::technique::{CacheCommand, CompileError, Wiring};

/// A place in a program.
pub type ProgramCounter = u16;

/// One instruction of a compiled program.
#[derive(Clone, Debug)]
pub enum Instruction {
    Compute {
        law: Sampler,
        purpose: Purpose,
        /// Whether the next instruction is the end, so that nobody need look.
        is_last: bool,
    },
    Wait {
        law: Sampler,
        purpose: Purpose,
    },
    /// `occurrence`, never zero, names the place of the call in the model: what one request causes at one operation from
    /// several places, or by coming round in a circle, must draw apart.
    Call {
        destination: Destination,
        occurrence: u32,
    },
    /// Starts the branches of this table entry; the visit goes on at `join` when all have ended.
    Parallel {
        branches: u16,
        join: ProgramCounter,
    },
    Choose {
        choices: u16,
    },
    ChooseByKey {
        space: u16,
        ranks_below: u64,
        otherwise: ProgramCounter,
    },
    /// A hit goes on at `hit`, a miss (or a cache that fails) with the next instruction.
    CacheGet {
        destination: Destination,
        occurrence: u32,
        hit: ProgramCounter,
    },
    /// A cache command whose result does not matter.
    CacheCommand {
        destination: Destination,
        occurrence: u32,
    },
    Jump(ProgramCounter),
    /// The part of a transaction in this table entry.
    Transaction(u16),
    /// Part of a guarded lookup, of this table entry.
    Guarded {
        part: GuardPart,
        guard: u16,
    },
    Reply,
    Fail {
        probability: f64,
        purpose: Purpose,
    },
    /// Whatever the node itself means by this number.
    Own(u16),
    End,
}

/// A choice by probability.
#[derive(Clone, Debug)]
pub struct Choice {
    table: AliasTable,
    targets: Vec<ProgramCounter>,
    purpose: Purpose,
}

impl Choice {
    /// Where this request goes on.
    #[inline]
    pub fn target(&self, key: u64, salt: u32) -> ProgramCounter {
        let mut stream = Stream::keyed(key, self.purpose, salt);
        self.targets[self.table.sample(&mut stream)]
    }
}

/// What is done about a transaction.
#[derive(Clone, Copy, Debug)]
pub enum TransactionPart {
    /// Gets a connection.
    Begin { destination: Destination, occurrence: u32, transaction: u16 },
    /// A call over it.
    Statement { destination: Destination, occurrence: u32, transaction: u16 },
    /// Gives it back.
    End { transaction: u16 },
}

/// The operations of one node.
#[derive(Clone, Debug, Default)]
#[repr(C)]
pub struct Program {
    pub code: Vec<Instruction>,
    /// Where each operation begins.
    starts: Vec<ProgramCounter>,
    pub choices: Vec<Choice>,
    /// Where each branch of each parallel step begins.
    pub branches: Vec<Vec<ProgramCounter>>,
    /// Parts of transactions.
    pub transactions: Vec<TransactionPart>,
    /// Lookups that are guarded against stampedes.
    pub guards: Vec<Guard>,
    /// The first of the operations that nobody calls by name, in the order in which they were asked for.
    pub hidden: u16,
}

impl Program {
    /// Where an operation begins: the first one at the beginning, whatever else there is.
    #[inline(always)]
    pub fn start(&self, operation: u16) -> ProgramCounter {
        if operation == 0 { 0 } else { self.starts[usize::from(operation)] }
    }
}

/// Compiles one operation after the other.
pub struct Compiler<'a> {
    wiring: &'a mut dyn Wiring,
    program: Program,
    operation: Operation,
    /// The transactions that are open here: how their database is spoken to, where, and which they are.
    open: Vec<(Protocol, NodeIndex, u16)>,
    transactions: u16,
    /// Operations that nobody calls by name, still to be compiled.
    later: VecDeque<guards::Later>,
    hidden: u16,
}

/// Counts within one operation. Draws are addressed by kind and count, so that inserting a step of one kind (a cache, a
/// call) leaves the draws of the others as they were.
struct Operation {
    purpose: Purpose,
    computes: u64,
    waits: u64,
    choices: u64,
    fails: u64,
    /// The names of the operations called so far, without the nodes that offer them.
    calls: Vec<String>,
}

/// Kinds of draws below an operation's purpose.
const COMPUTE: u64 = 0;
const WAIT: u64 = 1;
const CHOOSE: u64 = 2;
const FAIL: u64 = 3;
const CALL: u64 = 4;
/// What is done in the background, by the operation that asked for it.
const LATER: u64 = 5;

impl<'a> Compiler<'a> {
    /// An empty program for the node that `wiring` speaks for.
    pub fn new(wiring: &'a mut dyn Wiring) -> Self {
        let operation = Operation::new(Purpose::named(""));
        Self {
            wiring,
            program: Program::default(),
            operation,
            open: Vec::new(),
            transactions: 0,
            later: VecDeque::new(),
            hidden: 0,
        }
    }

    /// What the node finds out about the rest of the model.
    pub fn wiring(&mut self) -> &mut dyn Wiring {
        self.wiring
    }

    /// Compiles an operation; its index is the number of operations compiled before.
    pub fn operation(&mut self, name: &str, steps: &[Step]) -> Result<(), CompileError> {
        self.begin(name);
        self.steps(steps)?;
        self.end();
        Ok(())
    }

    /// Begins an operation that is put together piece by piece: from [`Compiler::steps`] and [`Compiler::own`].
    /// Returns its index.
    pub fn begin(&mut self, name: &str) -> u16 {
        self.operation = Operation::new(self.wiring.purpose(name));
        self.program.starts.push(self.here());
        (self.program.starts.len() - 1) as u16
    }

    /// A step of the node's own.
    pub fn own(&mut self, number: u16) {
        self.program.code.push(Instruction::Own(number));
    }

    /// Goes back to the beginning of the operation that was begun.
    pub fn again(&mut self) {
        let start = self.program.starts.last().copied().unwrap_or_default();
        self.program.code.push(Instruction::Jump(start));
    }

    /// Ends the operation that was begun.
    pub fn end(&mut self) {
        self.program.code.push(Instruction::End);
    }

    /// The finished program.
    ///
    /// # Errors
    /// When what is done in the background refers to something that is not there.
    pub fn finish(mut self) -> Result<Program, CompileError> {
        self.compile_later()?;
        let code = &mut self.program.code;
        for next in 1..code.len() {
            let ends = matches!(code[next], Instruction::End);
            if let Instruction::Compute { is_last, .. } = &mut code[next - 1] {
                *is_last = ends;
            }
        }
        Ok(self.program)
    }

    fn here(&self) -> ProgramCounter {
        self.program.code.len() as ProgramCounter
    }

    /// Adds steps to the operation that was begun.
    pub fn steps(&mut self, steps: &[Step]) -> Result<(), CompileError> {
        for step in steps {
            if self.program.code.len() > usize::from(ProgramCounter::MAX) - 16 {
                return Err(CompileError::new("the operations of one node unroll to more than 65,000 steps")
                    .help("repeat fewer times, or split the node"));
            }
            self.step(step)?;
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<(), CompileError> {
        match step {
            Step::Compute(law) => {
                let law = self.wiring.sampler(law)?;
                let purpose = self.operation.draw(COMPUTE);
                self.program.code.push(Instruction::Compute { law, purpose, is_last: false });
            }
            Step::Wait(law) => {
                let law = self.wiring.sampler(law)?;
                let purpose = self.operation.draw(WAIT);
                self.program.code.push(Instruction::Wait { law, purpose });
            }
            Step::Call(name) | Step::Publish(name) => {
                let destination = self.wiring.destination(name)?;
                let occurrence = self.operation.occurrence(name);
                let call = self.statement(destination, occurrence);
                self.program.code.push(call);
            }
            Step::Parallel(branches) => self.parallel(branches)?,
            Step::Choose(choices) => self.choose(choices)?,
            Step::ChooseByKey { key, ranks_below, then, otherwise } => {
                let space = self.wiring.key_space(key);
                let at = self.program.code.len();
                self.program.code.push(Instruction::ChooseByKey { space, ranks_below: *ranks_below, otherwise: 0 });
                self.steps(then)?;
                let jump = self.program.code.len();
                self.program.code.push(Instruction::Jump(0));
                let start = self.here();
                self.program.code[at] = Instruction::ChooseByKey { space, ranks_below: *ranks_below, otherwise: start };
                self.steps(otherwise)?;
                self.program.code[jump] = Instruction::Jump(self.here());
            }
            Step::CacheAside { cache, key, ttl, miss, ttl_jitter, soft_ttl, single_flight, lease } => {
                let written = guards::Written {
                    cache,
                    key,
                    ttl_ns: ttl.as_ref().map(|ttl| ttl.ns),
                    ttl_jitter: guards::jitter(ttl_jitter),
                    soft_ttl_ns: soft_ttl.as_ref().map(|soft_ttl| soft_ttl.ns),
                    single_flight: *single_flight,
                    lease: lease.as_ref().map(|lease| &lease.value),
                };
                self.cache_aside(&written, miss)?;
            }
            Step::Store { cache, key, ttl, ttl_jitter } => {
                self.within_reach(cache)?;
                let ttl_ns = ttl.as_ref().map(|ttl| ttl.ns);
                let store = self.store(cache, key, ttl_ns, guards::jitter(ttl_jitter), false)?;
                self.program.code.push(store);
            }
            Step::Invalidate { cache, key } => {
                self.within_reach(cache)?;
                let space = self.wiring.key_space(key);
                let destination = self.wiring.cache(cache, CacheCommand::Delete { space })?;
                let occurrence = self.operation.occurrence(&format!("delete {}", **key));
                let delete = self.command(cache, destination, occurrence);
                self.program.code.push(delete);
            }
            Step::Transaction { database, steps } => self.transaction(database, steps)?,
            Step::Repeat { times, steps } => {
                for _ in 0..**times {
                    self.steps(steps)?;
                }
            }
            Step::Reply => self.program.code.push(Instruction::Reply),
            Step::Fail(probability) => {
                let purpose = self.operation.draw(FAIL);
                self.program.code.push(Instruction::Fail { probability: probability.value.value, purpose });
            }
        }
        Ok(())
    }

    /// A call, which is a statement if a transaction at the same node is open. The innermost one counts.
    fn statement(&mut self, destination: Destination, occurrence: u32) -> Instruction {
        let open = self.open.iter().rev().find(|(_, node, _)| *node == destination.node);
        let Some(&(protocol, node, transaction)) = open else {
            return Instruction::Call { destination, occurrence };
        };
        let destination = Destination { node, operation: protocol.number(Wish::Within(destination.operation)) };
        self.part(TransactionPart::Statement { destination, occurrence, transaction })
    }

    fn part(&mut self, part: TransactionPart) -> Instruction {
        self.program.transactions.push(part);
        Instruction::Transaction(self.program.transactions.len() as u16 - 1)
    }

    fn transaction(&mut self, database: &Spanned<String>, steps: &[Step]) -> Result<(), CompileError> {
        let (protocol, node) = self.wiring.connections(database)?;
        let transaction = self.transactions;
        self.transactions += 1;
        let destination = Destination { node, operation: protocol.number(Wish::Connect) };
        let occurrence = self.operation.occurrence("(connect)");
        let begin = self.part(TransactionPart::Begin { destination, occurrence, transaction });
        self.program.code.push(begin);
        self.open.push((protocol, node, transaction));
        self.steps(steps)?;
        self.open.pop();
        let end = self.part(TransactionPart::End { transaction });
        self.program.code.push(end);
        Ok(())
    }

    fn parallel(&mut self, lists: &[Vec<Step>]) -> Result<(), CompileError> {
        let at = self.program.code.len();
        let entry = self.program.branches.len() as u16;
        self.program.branches.push(Vec::new());
        self.program.code.push(Instruction::Parallel { branches: entry, join: 0 });
        let mut starts = Vec::new();
        for list in lists {
            starts.push(self.here());
            self.steps(list)?;
            self.program.code.push(Instruction::End);
        }
        self.program.branches[usize::from(entry)] = starts;
        self.program.code[at] = Instruction::Parallel { branches: entry, join: self.here() };
        Ok(())
    }

    fn choose(&mut self, choices: &[(crate::units::Ratio, Vec<Step>)]) -> Result<(), CompileError> {
        let purpose = self.operation.draw(CHOOSE);
        let entry = self.program.choices.len() as u16;
        let weights: Vec<f64> = choices.iter().map(|(probability, _)| probability.value).collect();
        let table = AliasTable::new(&weights).map_err(|error| CompileError::new(error.to_string()))?;
        self.program.choices.push(Choice { table, targets: Vec::new(), purpose });
        self.program.code.push(Instruction::Choose { choices: entry });
        let mut targets = Vec::new();
        let mut jumps = Vec::new();
        for (_, list) in choices {
            targets.push(self.here());
            self.steps(list)?;
            jumps.push(self.program.code.len());
            self.program.code.push(Instruction::Jump(0));
        }
        for jump in jumps {
            self.program.code[jump] = Instruction::Jump(self.here());
        }
        self.program.choices[usize::from(entry)].targets = targets;
        Ok(())
    }
}

impl Operation {
    fn new(purpose: Purpose) -> Self {
        Self { purpose, computes: 0, waits: 0, choices: 0, fails: 0, calls: Vec::new() }
    }

    fn draw(&mut self, kind: u64) -> Purpose {
        let count = match kind {
            COMPUTE => &mut self.computes,
            WAIT => &mut self.waits,
            CHOOSE => &mut self.choices,
            _ => &mut self.fails,
        };
        *count += 1;
        self.purpose.child(kind).child(*count)
    }

    /// A number for a call. It depends on the calling operation and on the name of the called one, not on the node that
    /// offers it: putting a balancer in between, or adding calls of other operations, leaves the callee's draws as they were.
    fn occurrence(&mut self, reference: &str) -> u32 {
        let called = reference.rsplit_once('.').map_or(reference, |(_, operation)| operation);
        let earlier = self.calls.iter().filter(|known| *known == called).count() as u64;
        self.calls.push(called.to_owned());
        let site = self.purpose.child(CALL);
        let key = called.bytes().fold(earlier, |key, byte| mix(key ^ u64::from(byte)));
        Stream::keyed(key, site, 0).next_word() as u32 | 1
    }
}
