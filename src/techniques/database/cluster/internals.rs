//! What a server does beneath its statements: pages in memory and on disk, locks of rows, checkpoints.

use crate::engine::Timer;
use crate::engine::Token;
use crate::engine::context::Context;
use crate::engine::gauge::Gauge;
use crate::engine::record::{NodeRecord, Share};
use crate::engine::visit::{Visit, VisitId};
use crate::random::{Stream, mix};
use crate::techniques::database::Database;
use crate::techniques::database::buffers::Buffers;
use crate::techniques::database::cluster::{CHECKPOINT, Cluster, FLUSH, LOCKED};
use crate::techniques::database::disk::Disk;
use crate::techniques::database::locks::Locks;
use crate::techniques::database::log::{Key, Record};
use crate::techniques::database::statement::Access;
use crate::techniques::database::table::{Layout, MOST_PAGES, PAGE_BYTES};
use crate::techniques::parts::executor::{Next, advance};
use crate::techniques::technique::Wiring;

/// Between two portions of a checkpoint's writing.
const FLUSH_EVERY_NS: u64 = 100_000_000;

const SECOND_NS: u128 = 1_000_000_000;

/// What a statement does to a table.
#[derive(Clone, Copy, Debug)]
struct Pages {
    table: usize,
    access: Access,
}

/// What all servers have.
#[derive(Clone, Debug)]
pub struct Internals {
    /// By operation.
    pages: Vec<Option<Pages>>,
    locks_row: Vec<bool>,
    has_io: Vec<bool>,
    is_write: Vec<bool>,
    /// A core's nanoseconds for all rows that it looks through.
    scan_ns: Vec<u64>,
    tables: Vec<Layout>,
    /// The number of the first page of each table, in blocks of so many pages.
    first_block: Vec<u64>,
    pages_per_block: u64,
    /// Nanoseconds for each operation of a disk, if they are limited.
    operation_ns: Option<f64>,
    /// Every so many nanoseconds, over so many.
    checkpoint: Option<(u64, u64)>,
    /// Pages that a checkpoint has still to write, and in how many portions.
    flushing: (u64, u64),
    /// The memory of a server that has just come; without it all pages are there.
    fresh: Option<Buffers>,
    servers: Vec<Server>,
    locks: Locks,
    /// Pages written since the last checkpoint, if pages are told apart, and how many there are.
    dirty: Vec<bool>,
    dirty_pages: u64,
    touched: u64,
    missed: u64,
    there: Gauge,
}

#[derive(Clone, Debug)]
struct Server {
    disk: Disk,
    buffers: Option<Buffers>,
}

impl Internals {
    /// Compiles what is written of memory, disks, tables and locks.
    pub fn compile(spec: &Database, wiring: &dyn Wiring) -> Self {
        let tables: Vec<Layout> = spec
            .tables
            .values()
            .map(|table| Layout::new(table, wiring.key_space(&table.key), wiring.key_count(&table.key)))
            .collect();
        let all: u64 = tables.iter().map(|table| table.pages).sum();
        let pages_per_block = all.div_ceil(MOST_PAGES).max(1);
        let blocks = |table: &Layout| table.pages.div_ceil(pages_per_block);
        let mut first_block = Vec::new();
        let mut next = 0;
        for table in &tables {
            first_block.push(next);
            next += blocks(table);
        }
        let room = spec.buffer_bytes() / PAGE_BYTES / pages_per_block;
        let fresh = (spec.memory.is_some() && !tables.is_empty()).then(|| Buffers::new(next, room));
        let position = |name: &str| spec.tables.keys().position(|known| known.value == name);
        let pages = spec.operations.values().map(|query| {
            let (table, access) = query.access()?;
            Some(Pages { table: position(table)?, access })
        });
        let pages: Vec<Option<Pages>> = pages.collect();
        let rows = |pages: &Option<Pages>| match pages {
            Some(Pages { access: Access::Rows(rows), .. }) => *rows,
            Some(Pages { table, access: Access::Partitions(partitions) }) => tables[*table].part(*partitions).1,
            _ => 0,
        };
        let scans = spec.operations.values().zip(&pages);
        Self {
            scan_ns: scans.map(|(query, pages)| query.row_ns().saturating_mul(rows(pages))).collect(),
            pages,
            locks_row: spec.operations.values().map(|query| query.locks_row()).collect(),
            has_io: spec.operations.values().map(|query| query.io().is_some()).collect(),
            is_write: spec.operations.values().map(|query| query.is_write()).collect(),
            tables,
            first_block,
            pages_per_block,
            operation_ns: spec.iops.as_ref().map(|rate| 1e9 / rate.per_second),
            checkpoint: spec.checkpoint.as_ref().map(|one| (one.every.ns, one.spread.ns)),
            flushing: (0, 0),
            dirty: vec![false; next as usize],
            fresh,
            servers: Vec::new(),
            locks: Locks::default(),
            dirty_pages: 0,
            touched: 0,
            missed: 0,
            there: Gauge::default(),
        }
    }

    /// A server is there: at time zero with the pages in memory that are asked for most, later with none.
    pub fn add_server(&mut self, now_ns: u64, place: usize) {
        let server = Server { disk: Disk::default(), buffers: self.fresh.clone() };
        while self.servers.len() <= place {
            self.servers.push(server.clone());
        }
        self.servers[place] = server;
        self.there.add(now_ns, 1);
        if now_ns == 0 {
            self.fill(place);
        }
    }

    /// The first checkpoint is due.
    pub fn first_checkpoint_ns(&self) -> Option<u64> {
        self.checkpoint.map(|(every_ns, _)| every_ns)
    }

    /// Whoever held a row is gone.
    pub fn forget_locks(&mut self) {
        self.locks.clear();
    }

    /// A server is gone.
    pub fn remove_server(&mut self, now_ns: u64) {
        self.there.subtract(now_ns, 1);
    }

    /// Puts the rows of the first keys of each table into memory, the first of all last.
    fn fill(&mut self, place: usize) {
        let Some(buffers) = &mut self.servers[place].buffers else { return };
        let share = buffers.capacity() / self.tables.len().max(1) as u64;
        for (table, first) in self.tables.iter().zip(&self.first_block) {
            let mut blocks = Vec::new();
            for key in 0..table.keys().min(share) {
                blocks.push(first + table.page_of(key) / self.pages_per_block);
            }
            blocks.iter().rev().for_each(|block| {
                buffers.touch(*block);
            });
        }
    }

    /// The block of pages on which the row of a key lies, if a table has it.
    fn block_of(&self, (space, key): Key) -> Option<u64> {
        let table = self.tables.iter().position(|table| table.space == space)?;
        Some(self.first_block[table] + self.tables[table].page_of(key) / self.pages_per_block)
    }

    /// The key whose row a statement is about.
    fn key(&self, context: &Context, visit: &Visit, table: usize) -> u64 {
        context.key(self.tables[table].space, visit.key)
    }

    /// How many pages of how many a statement has to read from the disk of the server at a place.
    fn misses(&mut self, context: &Context, visit: &Visit, place: usize) -> u64 {
        let operation = usize::from(visit.operation);
        let Some(Pages { table, access }) = self.pages[operation] else {
            return u64::from(self.has_io[operation]);
        };
        let layout = self.tables[table];
        let key = self.key(context, visit, table);
        let (first, count) = match access {
            Access::Row => (layout.page_of(key), layout.pages_of(1)),
            Access::Rows(rows) => (layout.page_of(key), layout.pages_of(rows)),
            Access::Partitions(partitions) => {
                let (pages, _) = layout.part(partitions);
                // Any of them, but for the same key always the same.
                let parts = u64::from(layout.partitions / partitions.unwrap_or(layout.partitions).max(1)).max(1);
                (mix(key) % parts * pages, pages)
            }
        };
        self.touched += count;
        let buffers = &mut self.servers[place].buffers;
        let room = buffers.as_ref().map_or(u64::MAX, Buffers::capacity);
        let table_blocks = layout.pages.div_ceil(self.pages_per_block);
        // What is larger than a quarter of the pool goes through a small ring, as in PostgreSQL, so that it does not push out all else.
        if table_blocks > room && count / self.pages_per_block > room / 4 {
            self.missed += count;
            return count;
        }
        let mut missed = 0;
        let (begin, end) = (first / self.pages_per_block, (first + count - 1) / self.pages_per_block);
        // Statements that write touch a row; without a pool there is nothing to look for.
        let is_write = self.is_write[operation];
        for block in if buffers.is_some() || is_write { begin..end + 1 } else { 0..0 } {
            let block = self.first_block[table] + block % table_blocks;
            if buffers.as_mut().is_some_and(|buffers| !buffers.touch(block)) {
                missed += self.pages_per_block.min(count);
            }
            if is_write && !std::mem::replace(&mut self.dirty[block as usize], true) {
                self.dirty_pages += 1;
            }
        }
        let missed = missed.min(count);
        self.missed += missed;
        missed
    }
}

impl Cluster {
    /// A statement needs its pages: those that are not in memory come from the disk.
    pub(super) fn fetch(&mut self, context: &mut Context, slot: u32) -> Next {
        let now_ns = context.now_ns();
        let visit = *context.visit(slot);
        let operation = usize::from(visit.operation);
        let place = usize::from(visit.replica);
        let internals = &mut self.internals;
        let missed = internals.misses(context, &visit, place);
        if missed == 0 && internals.has_io[operation] {
            // All of it is in memory, so the next step, which waits for the disk, is left out.
            advance(context, slot);
            return Next::GoOn;
        }
        match self.storage {
            Some(storage) => storage.read(context, slot, missed),
            None => self.ask_disk(now_ns, place, missed),
        }
    }

    /// The log goes to the disk.
    pub(super) fn flush_log(&mut self, context: &mut Context, slot: u32) -> Next {
        if let Some(storage) = self.storage {
            return storage.write(context, slot);
        }
        let visit = *context.visit(slot);
        // Without tables, each write is taken to be about a page of its own.
        self.internals.dirty_pages += u64::from(self.internals.pages[usize::from(visit.operation)].is_none());
        self.ask_disk(context.now_ns(), usize::from(visit.replica), 1)
    }

    /// A replica that replays a record needs its page.
    pub(super) fn replay(&mut self, context: &mut Context, slot: u32) -> Next {
        let visit = *context.visit(slot);
        let place = usize::from(visit.replica);
        let Some(record) = self.log.get(visit.started_ns).copied() else { return Next::GoOn };
        let Some(block) = record.key.and_then(|key| self.internals.block_of(key)) else { return Next::GoOn };
        let buffers = self.internals.servers[place].buffers.as_mut();
        if buffers.is_none_or(|buffers| buffers.touch(block)) {
            return Next::GoOn;
        }
        let law = self.apply_io.as_ref();
        let read_ns = law.map_or(0, |(law, purpose)| {
            law.sample_ns(&mut Stream::keyed(record.request, *purpose, visit.replica.into()))
        });
        match self.ask_disk(context.now_ns(), place, 1) {
            Next::Pause(wait_ns) => Next::Pause(wait_ns + read_ns),
            _ => Next::Pause(read_ns),
        }
    }

    /// Whether a server on a shared volume has the page of a record in memory; what it has not it will read as it is by then.
    pub(super) fn has_page(&self, place: usize, record: &Record) -> bool {
        let block = record.key.and_then(|key| self.internals.block_of(key));
        let buffers = self.internals.servers.get(place).and_then(|server| server.buffers.as_ref());
        block.zip(buffers).is_none_or(|(block, buffers)| buffers.has(block))
    }

    fn ask_disk(&mut self, now_ns: u64, place: usize, operations: u64) -> Next {
        match self.internals.operation_ns {
            Some(each_ns) if operations > 0 => {
                Next::Pause(self.internals.servers[place].disk.queue(now_ns, operations, each_ns) - now_ns)
            }
            _ => Next::GoOn,
        }
    }

    /// A statement looks through rows.
    pub(super) fn scan(&mut self, context: &mut Context, slot: u32) -> Next {
        let operation = usize::from(context.visit(slot).operation);
        Next::Compute(self.internals.scan_ns[operation])
    }

    /// The row that a write is about.
    fn row(&self, context: &Context, visit: &Visit) -> Option<Key> {
        let operation = usize::from(visit.operation);
        if !self.internals.locks_row[operation] {
            return None;
        }
        let space = self.statements[operation].key?;
        Some((space, context.key(space, visit.key)))
    }

    /// A write asks for its row.
    pub(super) fn lock(&mut self, context: &mut Context, slot: u32) -> Next {
        let visit = *context.visit(slot);
        let Some(row) = self.row(context, &visit) else { return Next::GoOn };
        context.visit(slot).flags |= LOCKED;
        let word = context.id(slot).word();
        if self.internals.locks.ask(context.now_ns(), row, word) { Next::GoOn } else { Next::Wait }
    }

    /// A write has left: its row goes to the next.
    pub(super) fn unlock(&mut self, context: &mut Context, visit: &Visit, ready: &mut Vec<u32>) {
        if visit.flags & LOCKED == 0 {
            return;
        }
        let Some(row) = self.row(context, visit) else { return };
        let next = self.internals.locks.release(context.now_ns(), row);
        let slot = next.and_then(|word| context.visits().find(VisitId::from_token(Token(word))));
        if let Some(slot) = slot {
            advance(context, slot);
            ready.push(slot);
        }
    }

    /// A checkpoint begins: what was written since the last one goes to the disk, little by little.
    pub(super) fn checkpoint(&mut self, context: &mut Context) {
        let Some((every_ns, spread_ns)) = self.internals.checkpoint else { return };
        let internals = &mut self.internals;
        let pages = std::mem::take(&mut internals.dirty_pages);
        internals.dirty.fill(false);
        let portions = (spread_ns / FLUSH_EVERY_NS).max(1);
        internals.flushing = (pages, portions);
        context.after(every_ns, Timer { kind: CHECKPOINT, data: 0 });
        context.after(0, Timer { kind: FLUSH, data: 0 });
    }

    /// The next portion of a checkpoint.
    pub(super) fn flush(&mut self, context: &mut Context) {
        let (pages, portions) = self.internals.flushing;
        if portions == 0 {
            return;
        }
        let portion = pages / portions;
        self.internals.flushing = (pages - portion, portions - 1);
        if let Some(writer) = self.writer {
            let _ = self.ask_disk(context.now_ns(), writer, portion);
        }
        if portions > 1 {
            context.after(FLUSH_EVERY_NS, Timer { kind: FLUSH, data: 0 });
        }
    }

    /// Fills in what is told of memory, disks and locks.
    pub(super) fn observe_internals(&self, now_ns: u64, record: &mut NodeRecord) {
        let internals = &self.internals;
        if internals.servers.iter().any(|server| server.buffers.is_some()) {
            record.shares.push(Share {
                name: "buffer_hit_ratio",
                numerator: (internals.touched - internals.missed).into(),
                denominator: internals.touched.into(),
            });
        }
        if internals.operation_ns.is_some() {
            let disks = || internals.servers.iter().map(|server| &server.disk);
            record.shares.push(Share {
                name: "disk_utilization_ratio",
                numerator: disks().map(|disk| disk.busy_ns(now_ns)).sum(),
                denominator: internals.there.integral(now_ns),
            });
            record.shares.push(Share {
                name: "disk_operations_per_s",
                numerator: disks().map(|disk| u128::from(disk.operations())).sum::<u128>() * SECOND_NS,
                denominator: now_ns.into(),
            });
        }
        if internals.locks_row.iter().any(|locks| *locks) {
            let (asked, waited_ns) = internals.locks.waits();
            record.shares.push(Share {
                name: "lock_wait_mean_s",
                numerator: waited_ns,
                denominator: u128::from(asked) * SECOND_NS,
            });
        }
    }
}
