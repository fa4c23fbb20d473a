//! A pooler at work.

use crate::engine::context::Context;
use crate::engine::control::{Command, NodeSample};
use crate::engine::record::{NodeRecord, Share};
use crate::engine::visit::{Identity, VisitId};
use crate::engine::{Destination, Evidence, Failure, Node, NodeIndex, Outcome, Reply, Timer, Token};
use crate::random::Purpose;
use crate::techniques::parts::meter::Meter;
use crate::techniques::parts::pool::{Act, Pools, Protocol, Wish, breaks};
use crate::techniques::pg_bouncer::clients::Clients;
use crate::techniques::pg_bouncer::event_loop::{EventLoops, PROCESSED};
use crate::techniques::pg_bouncer::{PgBouncer, PoolMode};
use crate::techniques::technique::{CompileError, Wiring};

/// The timer by which a look at the pool of a process is due.
const LOOK: u32 = 0;

/// The branch of calls that open server connections.
const OPENS: u8 = 1;

/// Marks on a visit: it waits for a server connection; its result has come, and how, from this bit on.
const WAITS: u8 = 1;
const HAS_RESULT: u8 = 2;
const RESULT_SHIFT: u32 = 4;

const OUTCOMES: [Outcome; 6] = [
    Outcome::Done,
    Outcome::Miss,
    Outcome::Failed(Failure::Rejected),
    Outcome::Failed(Failure::TimedOut),
    Outcome::Failed(Failure::Error),
    Outcome::Failed(Failure::Killed),
];

/// A pooler at work. A visit keeps the number of its client connection in `pending`, and that of its server connection in
/// `program_counter`.
#[derive(Clone, Debug)]
pub struct PgBouncerNode {
    protocol: Protocol,
    /// The way to the database.
    server: NodeIndex,
    mode: PoolMode,
    processes: u32,
    loops: Option<EventLoops>,
    clients: Clients,
    pools: Pools,
    /// Whether it is being done what the pools have decided.
    acts: bool,
    openings: u64,
    purpose: Purpose,
    meter: Meter,
}

impl PgBouncerNode {
    /// Compiles the written form.
    pub fn compile(spec: &PgBouncer, wiring: &mut dyn Wiring) -> Result<Self, CompileError> {
        let (protocol, server) = wiring.connections(&spec.target)?;
        let processes = spec.processes();
        let loops = match &spec.processing {
            Some(law) => Some(EventLoops::new(wiring.sampler(law)?, wiring.purpose("processing"), processes)),
            None => None,
        };
        Ok(Self {
            protocol,
            server,
            mode: spec.pool_mode,
            processes,
            loops,
            clients: Clients::new(processes, spec.client_connections()),
            pools: Pools::new(spec.rules(), processes as usize),
            acts: false,
            openings: 0,
            purpose: wiring.purpose("connections"),
            meter: Meter::default(),
        })
    }

    /// A message of a visit comes to the event loop.
    fn process(&mut self, context: &mut Context, slot: u32) {
        let visit = *context.visit(slot);
        let Some(process) = self.clients.get(visit.pending).map(|client| client.process) else { return };
        match &mut self.loops {
            // What is written is connected at time zero.
            Some(loops) if context.now_ns() > 0 || self.protocol.wish(visit.operation) != Wish::Connect => {
                loops.push(context, &mut self.meter, process, slot, message(visit.flags));
            }
            _ => self.processed(context, slot),
        }
    }

    /// The event loop has dealt with a message of a visit.
    fn processed(&mut self, context: &mut Context, slot: u32) {
        let visit = *context.visit(slot);
        if visit.flags & HAS_RESULT != 0 {
            return self.end_statement(context, slot);
        }
        let Some(client) = self.clients.get(visit.pending) else { return };
        if client.is_closing || self.protocol.wish(visit.operation) == Wish::Connect {
            let is_closing = client.is_closing;
            context.visit(slot).replica = visit.pending;
            return self.answer(context, slot, if is_closing { GONE } else { Outcome::Done });
        }
        if let Some(number) = client.server {
            return self.dispatch(context, slot, number);
        }
        let (now_ns, process) = (context.now_ns(), client.process);
        match self.pools.ask(now_ns, process, slot) {
            Some(number) => self.dispatch(context, slot, number),
            None => {
                self.meter.wait(now_ns);
                let visit = context.visit(slot);
                visit.flags |= WAITS;
                visit.started_ns = now_ns;
            }
        }
        self.carry_out(context);
    }

    /// A statement goes to the database over this server connection.
    fn dispatch(&mut self, context: &mut Context, slot: u32, number: u16) {
        let token = context.id(slot).token();
        let visit = context.visit(slot);
        visit.program_counter = number;
        let visit = *visit;
        if let Some(client) = self.clients.get(visit.pending) {
            client.server = Some(number);
        }
        let wish = match self.protocol.wish(visit.operation) {
            Wish::Alone(operation) => Wish::Over(operation),
            wish => wish,
        };
        let destination = Destination { node: self.server, operation: self.protocol.number(wish) };
        let call = context.call(destination, token, 0, visit.identity());
        context.visit(call).replica = self.pools.target(number);
    }

    /// The result of a statement is passed back, and its server connection is free if the mode says so.
    fn end_statement(&mut self, context: &mut Context, slot: u32) {
        let now_ns = context.now_ns();
        let visit = *context.visit(slot);
        let outcome = OUTCOMES[usize::from(visit.flags >> RESULT_SHIFT) % OUTCOMES.len()];
        let number = visit.program_counter;
        let wish = self.protocol.wish(visit.operation);
        if let Some(client) = self.clients.get(visit.pending) {
            let is_free = match self.mode {
                PoolMode::Session => matches!(wish, Wish::Alone(_)),
                PoolMode::Transaction => !matches!(wish, Wish::Within(_)),
                PoolMode::Statement => true,
            };
            let is_broken = breaks(outcome) || client.is_closing;
            if is_free || is_broken {
                client.server = None;
                if is_broken {
                    self.pools.break_off(now_ns, number);
                }
                self.pools.release(now_ns, number);
            }
        }
        self.answer(context, slot, outcome);
        self.carry_out(context);
    }

    /// A visit ends, and its client connection with it if nobody keeps it.
    fn answer(&mut self, context: &mut Context, slot: u32, outcome: Outcome) {
        let now_ns = context.now_ns();
        let visit = *context.visit(slot);
        let is_alone = matches!(self.protocol.wish(visit.operation), Wish::Alone(_));
        let is_refused = self.protocol.wish(visit.operation) == Wish::Connect && outcome != Outcome::Done;
        if let Some(client) = self.clients.get(visit.pending) {
            client.visit = None;
            if is_alone || is_refused || client.is_closing {
                let server = client.server;
                self.clients.close(now_ns, visit.pending);
                server.into_iter().for_each(|server| self.pools.release(now_ns, server));
            }
        }
        self.meter.answer(!matches!(outcome, Outcome::Failed(_)), now_ns - visit.entered_ns, visit.started_ns);
        self.meter.leave(now_ns, visit.entered_ns);
        context.reply(slot, outcome);
    }

    /// The client of a connection is gone.
    fn disconnect(&mut self, context: &mut Context, number: u16) {
        let now_ns = context.now_ns();
        let Some(client) = self.clients.get(number) else { return };
        let Some(slot) = client.visit else {
            let server = client.server;
            self.clients.close(now_ns, number);
            if let Some(server) = server {
                self.pools.release(now_ns, server);
            }
            return;
        };
        client.is_closing = true;
        let (process, server) = (client.process, client.server);
        if self.pools.withdraw(now_ns, process, slot) {
            self.waited(context, slot);
            self.answer(context, slot, GONE);
        } else if let Some(server) = server {
            // The database works on; the pool does not wait for that.
            self.pools.break_off(now_ns, server);
        }
    }

    /// A visit waits for a server connection no more.
    fn waited(&mut self, context: &mut Context, slot: u32) {
        let now_ns = context.now_ns();
        self.meter.waited(now_ns);
        let visit = context.visit(slot);
        visit.flags &= !WAITS;
        visit.started_ns = now_ns - visit.started_ns;
    }

    /// Does what the pools have decided. What follows from that is done in the same turn.
    fn carry_out(&mut self, context: &mut Context) {
        if self.acts {
            return;
        }
        self.acts = true;
        while let Some(act) = self.pools.next_act() {
            match act {
                Act::Grant { slot, number } => {
                    self.waited(context, slot);
                    self.dispatch(context, slot, number);
                }
                Act::Drop { slot, failure } => {
                    self.waited(context, slot);
                    self.answer(context, slot, Outcome::Failed(failure));
                }
                Act::Open { ticket } => self.open(context, ticket),
                Act::Close { target } => context.command(self.server, Command::Disconnect { connection: target }),
                Act::Look { place, at_ns } => context.at(at_ns, Timer { kind: LOOK, data: u64::from(place) }),
            }
        }
        self.acts = false;
    }

    fn open(&mut self, context: &mut Context, ticket: u64) {
        self.openings += 1;
        let key = context.seed().request(self.purpose, self.openings);
        let identity = Identity { key, user: 0, salt: 0, priority: 0, zone: 0 };
        let destination = Destination { node: self.server, operation: self.protocol.number(Wish::Connect) };
        context.call(destination, Token(ticket), OPENS, identity);
    }
}

/// Who has left is told nothing that it hears.
const GONE: Outcome = Outcome::Failed(Failure::Error);

/// The how-many-eth message of its statement a visit with these marks is about.
fn message(flags: u8) -> u32 {
    u32::from(flags & HAS_RESULT != 0)
}

impl Node for PgBouncerNode {
    fn start(&mut self, context: &mut Context) {
        (0..self.processes as u16).for_each(|process| self.pools.begin(context.now_ns(), process));
        self.carry_out(context);
    }

    #[inline(never)]
    fn arrive(&mut self, context: &mut Context, slot: u32) {
        let now_ns = context.now_ns();
        self.meter.arrive(now_ns);
        let visit = context.visit(slot);
        visit.started_ns = 0;
        let (operation, replica) = (visit.operation, visit.replica);
        let number = match self.protocol.wish(operation) {
            Wish::Alone(_) | Wish::Connect => self.clients.accept(now_ns, replica),
            Wish::Over(_) | Wish::Within(_) => Some(replica),
        };
        let client = number.and_then(|number| self.clients.get(number));
        match (number, client) {
            (Some(number), Some(client)) if client.visit.is_none() => {
                client.visit = Some(slot);
                context.visit(slot).pending = number;
                self.process(context, slot);
            }
            _ => {
                self.meter.reject(now_ns, context.visit(slot).entered_ns);
                context.reply(slot, Outcome::Failed(Failure::Rejected));
            }
        }
    }

    #[inline(never)]
    fn reply(&mut self, context: &mut Context, reply: Reply) {
        if reply.branch == OPENS {
            self.pools.opened(context.now_ns(), reply.token.0, reply.outcome, reply.replica);
            return self.carry_out(context);
        }
        let Some(slot) = context.visits().find(VisitId::from_token(reply.token)) else { return };
        let result = OUTCOMES.iter().position(|outcome| *outcome == reply.outcome).unwrap_or(0) as u8;
        context.visit(slot).flags |= HAS_RESULT | result << RESULT_SHIFT;
        self.process(context, slot);
    }

    #[inline(never)]
    fn timer(&mut self, context: &mut Context, timer: Timer) {
        if timer.kind == LOOK {
            self.pools.look(context.now_ns(), timer.data as u16);
            return self.carry_out(context);
        }
        debug_assert_eq!(timer.kind, PROCESSED, "there are no other timers");
        let Some(loops) = &mut self.loops else { return };
        if let Some(slot) = loops.pop(context, &mut self.meter, timer.data as u16, message) {
            self.processed(context, slot);
        }
    }

    fn command(&mut self, context: &mut Context, command: Command) {
        match command {
            Command::Disconnect { connection } => self.disconnect(context, connection),
            Command::EndTransaction { connection } if self.mode == PoolMode::Transaction => {
                let now_ns = context.now_ns();
                let client = self.clients.get(connection).filter(|client| client.visit.is_none());
                if let Some(server) = client.and_then(|client| client.server.take()) {
                    self.pools.release(now_ns, server);
                }
            }
            _ => {}
        }
        self.carry_out(context);
    }

    fn sample(&self, now_ns: u64, sample: &mut NodeSample) {
        self.meter.sample(sample);
        sample.busy_ns = self.meter.busy_ns(now_ns);
        sample.desired = self.processes;
    }

    fn audit(&self, now_ns: u64, evidence: &Evidence) -> Result<(), String> {
        self.meter.audit(now_ns, evidence)?;
        self.meter.audit_cores(now_ns, EventLoops::left_ns(evidence))?;
        self.clients.audit(self.meter.in_system())?;
        self.pools.audit(now_ns)
    }

    fn observe(&mut self, now_ns: u64, record: &mut NodeRecord) {
        self.meter.observe(now_ns, record);
        record.counters.replica_ns = u128::from(self.processes) * u128::from(now_ns);
        if self.loops.is_some() {
            record.counters.capacity_ns = record.counters.replica_ns;
        }
        self.pools.observe(now_ns, &mut record.shares);
        record.shares.push(Share::level("client_connections", &self.clients.open, now_ns));
        record.shares.push(Share {
            name: "refused_client_ratio",
            numerator: self.clients.refused.into(),
            denominator: u128::from(self.clients.accepted + self.clients.refused),
        });
    }
}
