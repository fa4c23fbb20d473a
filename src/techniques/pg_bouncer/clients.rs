//! The connections of clients, as the pooler keeps them.

use crate::engine::gauge::Gauge;

/// A client connection.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    pub process: u16,
    /// What it does: the visit that is here for it.
    pub visit: Option<u32>,
    /// The server connection that is its own for now.
    pub server: Option<u16>,
    /// Its client is gone; it ends with what it does.
    pub is_closing: bool,
}

/// All client connections of a pooler.
#[derive(Clone, Debug)]
pub struct Clients {
    /// By number; `None` where the number is free.
    all: Vec<Option<Client>>,
    free: Vec<u16>,
    /// Of each process.
    counts: Vec<u32>,
    /// Of each process at most.
    most: u32,
    next: u16,
    pub open: Gauge,
    pub accepted: u64,
    pub refused: u64,
}

impl Clients {
    /// No connections to so many processes, of at most so many each.
    pub fn new(processes: u32, most: u32) -> Self {
        Self {
            all: Vec::new(),
            free: Vec::new(),
            counts: vec![0; processes as usize],
            most,
            next: 0,
            open: Gauge::default(),
            accepted: 0,
            refused: 0,
        }
    }

    /// One more connection, to the process that the caller has chosen or else to the next one; `None` if it has too many.
    pub fn accept(&mut self, now_ns: u64, chosen: u16) -> Option<u16> {
        let processes = self.counts.len() as u16;
        let process = if chosen < processes { chosen } else { self.next };
        if chosen >= processes {
            self.next = (self.next + 1) % processes;
        }
        let count = &mut self.counts[usize::from(process)];
        if *count >= self.most {
            self.refused += 1;
            return None;
        }
        *count += 1;
        self.accepted += 1;
        self.open.add(now_ns, 1);
        let client = Client { process, visit: None, server: None, is_closing: false };
        let number = self.free.pop().unwrap_or_else(|| {
            self.all.push(None);
            self.all.len() as u16 - 1
        });
        self.all[usize::from(number)] = Some(client);
        Some(number)
    }

    /// The connection of this number, if it is open.
    pub fn get(&mut self, number: u16) -> Option<&mut Client> {
        self.all.get_mut(usize::from(number))?.as_mut()
    }

    /// A connection has ended. Returns what it was.
    pub fn close(&mut self, now_ns: u64, number: u16) -> Option<Client> {
        let client = self.all.get_mut(usize::from(number))?.take()?;
        self.counts[usize::from(client.process)] -= 1;
        self.open.subtract(now_ns, 1);
        self.free.push(number);
        Some(client)
    }

    /// Checks what holds at all times, exactly: as many visits are here as connections do something.
    pub fn audit(&self, visits: u64) -> Result<(), String> {
        let busy = self.all.iter().flatten().filter(|client| client.visit.is_some()).count() as u64;
        let open = self.all.iter().flatten().count() as u64;
        let counted: u64 = self.counts.iter().map(|count| u64::from(*count)).sum();
        if busy != visits || open != counted || open != self.open.level() {
            return Err(format!("{open} clients of which {busy} are busy, but {counted} counted and {visits} visits"));
        }
        Ok(())
    }
}
