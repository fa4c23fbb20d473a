//! Maglev hashing (Eisenbud et al., NSDI 2016): each backend has a permutation of the rows of a table, and the backends take
//! turns to claim the next row of their own that is still free. All have nearly the same number of rows, and a key finds its
//! backend in one step; when a backend goes, most rows keep theirs, but not all.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Where a backend's permutation begins, and how far each step goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permutation {
    pub offset: u32,
    pub skip: u32,
}

impl Permutation {
    /// Of the backend with this name, in a table of `size` rows.
    fn of(name: &str, size: u32) -> Self {
        let size = u64::from(size);
        let offset = xxh3_64_with_seed(name.as_bytes(), 1) % size;
        let skip = xxh3_64_with_seed(name.as_bytes(), 2) % (size - 1) + 1;
        Self { offset: offset as u32, skip: skip as u32 }
    }

    /// The rows in the order in which the backend wants them; `size` is a prime.
    pub fn rows(self, size: u32) -> impl Iterator<Item = u32> {
        let row = move |step: u64| (u64::from(self.offset) + step * u64::from(self.skip)) % u64::from(size);
        (0..u64::from(size)).map(move |step| row(step) as u32)
    }
}

/// The table: for each row, the position of its backend.
pub fn populate(permutations: &[Permutation], size: u32) -> Vec<u32> {
    let mut table = vec![u32::MAX; size as usize];
    let mut wishes: Vec<_> = permutations.iter().map(|permutation| permutation.rows(size)).collect();
    let mut free = if permutations.is_empty() { 0 } else { table.len() };
    while free > 0 {
        for (backend, rows) in wishes.iter_mut().enumerate() {
            let Some(row) = rows.find(|row| table[*row as usize] == u32::MAX).filter(|_| free > 0) else { continue };
            table[row as usize] = backend as u32;
            free -= 1;
        }
    }
    table
}

/// The table of this many shards.
pub fn lookup_table(shards: u32, size: u32) -> Vec<u32> {
    let permutations: Vec<_> = (0..shards).map(|shard| Permutation::of(&format!("shard-{shard}"), size)).collect();
    populate(&permutations, size)
}

/// Whether the number is a prime.
pub fn is_prime(number: u32) -> bool {
    let number = u64::from(number);
    number >= 2
        && (2..).take_while(|divisor| divisor * divisor <= number).all(|divisor| !number.is_multiple_of(divisor))
}
