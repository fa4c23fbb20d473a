//! How copies that were away come back: by themselves with something to fetch, or made anew elsewhere.

const NANOSECONDS: f64 = 1e9;

/// What each copy lacks, and whether it is being made anew.
#[derive(Clone, Debug)]
pub struct Repair {
    pub delay_ns: u64,
    bytes_per_s: f64,
    write_bytes: u64,
    lacks: Vec<Lack>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Lack {
    /// Writes that it has missed.
    missed: u64,
    /// Tells what was meant for an earlier absence.
    absence: u32,
    /// Taken for lost, but what it is made of is not there.
    waits: bool,
    fetches: bool,
}

impl Repair {
    /// Of copies that lack nothing.
    pub fn new(copies: u16, delay_ns: u64, bytes_per_s: f64, write_bytes: u64) -> Self {
        Self { delay_ns, bytes_per_s, write_bytes, lacks: vec![Lack::default(); usize::from(copies)] }
    }

    /// A copy misses a write.
    pub fn miss(&mut self, copy: u16) {
        self.lacks[usize::from(copy)].missed += 1;
    }

    /// A copy is away. Returns what a timer says of that.
    pub fn is_away(&mut self, copy: u16) -> u64 {
        let lack = &mut self.lacks[usize::from(copy)];
        lack.absence = lack.absence.wrapping_add(1);
        lack.waits = false;
        lack.fetches = false;
        u64::from(lack.absence) << 16 | u64::from(copy)
    }

    /// The copy that a timer is about, if it is still the same absence.
    pub fn copy(&self, word: u64) -> Option<u16> {
        let copy = word as u16;
        let lack = self.lacks.get(usize::from(copy))?;
        (u64::from(lack.absence) == word >> 16).then_some(copy)
    }

    /// What a timer says of a copy.
    pub fn word(&self, copy: u16) -> u64 {
        u64::from(self.lacks[usize::from(copy)].absence) << 16 | u64::from(copy)
    }

    /// A copy cannot be made anew yet.
    pub fn put_off(&mut self, copy: u16) {
        self.lacks[usize::from(copy)].waits = true;
    }

    /// The copies that wait to be made anew; they are asked for once.
    pub fn take_waiting(&mut self) -> Vec<u16> {
        let waits = |(copy, lack): (usize, &mut Lack)| std::mem::take(&mut lack.waits).then_some(copy as u16);
        self.lacks.iter_mut().enumerate().filter_map(waits).collect()
    }

    /// How long a segment of so many bytes takes to be copied.
    pub fn copying_ns(&self, bytes: u64) -> u64 {
        (bytes as f64 / self.bytes_per_s * NANOSECONDS) as u64
    }

    /// If a copy lacks anything and does not fetch it yet, it begins to: how long that takes.
    pub fn fetch(&mut self, copy: u16) -> Option<u64> {
        let lack = &mut self.lacks[usize::from(copy)];
        if lack.missed == 0 || lack.fetches {
            return None;
        }
        lack.fetches = true;
        let bytes = self.write_bytes.saturating_mul(lack.missed);
        Some(self.copying_ns(bytes))
    }

    /// A copy has everything.
    pub fn is_complete(&mut self, copy: u16) {
        let lack = &mut self.lacks[usize::from(copy)];
        lack.missed = 0;
        lack.fetches = false;
        lack.waits = false;
    }
}
