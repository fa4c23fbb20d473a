//! Transactions: a visit holds a connection of a database, or of a pooler before it, between its statements.

use std::collections::BTreeMap;

use crate::engine::context::Context;
use crate::engine::control::Command;
use crate::engine::visit::NONE;
use crate::engine::{Destination, NodeIndex, Outcome, Reply};
use crate::techniques::parts::executor::{Executor, Finish, resalt};
use crate::techniques::parts::program::{Instruction, TransactionPart};

/// A connection that some visit holds.
#[derive(Clone, Copy, Debug)]
struct Held {
    node: NodeIndex,
    number: u16,
}

/// The connections that the visits of a node hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Transactions {
    /// By visit, and by which of its transactions.
    held: BTreeMap<(u64, u16), Held>,
    /// Visits that were killed while they waited for a connection of this node.
    forsaken: BTreeMap<u64, NodeIndex>,
}

impl Executor {
    /// Comes to a part of a transaction. Returns the visit if it goes on at once.
    #[inline(never)]
    pub(super) fn transact(&mut self, context: &mut Context, slot: u32, part: u16) -> u32 {
        let word = context.id(slot).word();
        let transactions = self.transactions.get_or_insert_default();
        match self.program.transactions[usize::from(part)] {
            TransactionPart::Begin { destination, occurrence, .. } => {
                call(context, slot, destination, occurrence);
                NONE
            }
            TransactionPart::Statement { destination, occurrence, transaction } => {
                let number = transactions.held.get(&(word, transaction)).map(|held| held.number);
                let statement = call(context, slot, destination, occurrence);
                context.visit(statement).replica = number.unwrap_or_default();
                NONE
            }
            TransactionPart::End { transaction } => {
                if let Some(held) = transactions.held.remove(&(word, transaction)) {
                    context.command(held.node, Command::Disconnect { connection: held.number });
                }
                context.visit(slot).program_counter += 1;
                slot
            }
        }
    }

    /// A part of a transaction is answered.
    #[inline(never)]
    pub(super) fn transacted(
        &mut self,
        context: &mut Context,
        slot: u32,
        part: u16,
        reply: Reply,
        finish: &mut impl Finish,
    ) {
        if matches!(reply.outcome, Outcome::Failed(_)) {
            let next = self.fail(context, slot, seen_from_outside(reply.outcome), finish);
            return self.go_on(context, next, finish);
        }
        if let TransactionPart::Begin { destination, transaction, .. } = self.program.transactions[usize::from(part)] {
            let held = Held { node: destination.node, number: reply.replica };
            let word = context.id(slot).word();
            self.transactions.get_or_insert_default().held.insert((word, transaction), held);
        }
        self.proceed(context, slot, finish);
    }

    /// A visit that ends before its transactions do gives their connections back.
    pub(super) fn roll_back(&mut self, context: &mut Context, slot: u32) {
        let word = context.id(slot).word();
        let Some(transactions) = &mut self.transactions else { return };
        while let Some((&key, &held)) = transactions.held.range((word, 0)..=(word, u16::MAX)).next() {
            transactions.held.remove(&key);
            context.command(held.node, Command::Disconnect { connection: held.number });
        }
    }

    /// A visit is killed. What it holds is given back, and so will be the connection that it waits for.
    pub(super) fn forsake(&mut self, context: &mut Context, slot: u32) {
        self.roll_back(context, slot);
        let word = context.id(slot).word();
        let at = context.visit(slot).program_counter;
        let Some(transactions) = &mut self.transactions else { return };
        if let Instruction::Transaction(part) = self.program.code[usize::from(at)]
            && let TransactionPart::Begin { destination, .. } = self.program.transactions[usize::from(part)]
        {
            transactions.forsaken.insert(word, destination.node);
        }
    }

    /// A reply comes to a visit that is there no more.
    #[cold]
    #[inline(never)]
    pub(super) fn too_late(&mut self, context: &mut Context, reply: Reply) {
        let Some(transactions) = &mut self.transactions else { return };
        if let Some(node) = transactions.forsaken.remove(&reply.token.0)
            && reply.outcome == Outcome::Done
        {
            context.command(node, Command::Disconnect { connection: reply.replica });
        }
    }
}

fn call(context: &mut Context, slot: u32, destination: Destination, occurrence: u32) -> u32 {
    let visit = *context.visit(slot);
    let mut identity = visit.identity();
    identity.salt = resalt(visit.salt, occurrence);
    let token = context.id(slot).token();
    context.call(destination, token, 0, identity)
}

/// To whoever called this node it is an error like any other that a replica elsewhere was killed.
fn seen_from_outside(outcome: Outcome) -> Outcome {
    use crate::engine::Failure;
    if outcome == Outcome::Failed(Failure::Killed) { Outcome::Failed(Failure::Error) } else { outcome }
}
