//! Tables: how many rows lie on how many pages, and on which page a key is.

use serde::Deserialize;

use crate::diagnostic::span::Spanned;
use crate::techniques::technique::Mistake;
use crate::units::{Bytes, Duration};

/// Of a page, as PostgreSQL's.
pub const PAGE_BYTES: u64 = 8_192;

/// Pages of all tables together that are told apart; beyond that several neighbours count as one.
pub const MOST_PAGES: u64 = 1 << 22;

const MOST_ROWS: u64 = 1 << 44;

/// A table as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    pub rows: Spanned<u64>,
    pub row_size: Bytes,
    /// The key space whose keys the rows belong to: with fewer keys than rows, each key has as many rows, side by side.
    pub key: Spanned<String>,
    /// Parts that a statement may be confined to.
    #[serde(default)]
    pub partitions: Option<Spanned<u32>>,
}

impl Table {
    /// How many parts it has.
    pub fn partitions(&self) -> u32 {
        self.partitions.as_ref().map_or(1, |partitions| partitions.value)
    }

    /// Mistakes in it.
    pub fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        if !(1..=MOST_ROWS).contains(&self.rows.value) {
            found.push(Mistake::new(
                self.rows.span,
                "a table has between 1 and 2^44 rows",
                "write for example 5_000_000",
            ));
        }
        if !(1..=1 << 20).contains(&self.row_size.bytes) {
            let message = "a row has between 1 byte and 1 MiB";
            found.push(Mistake::new(self.rows.span, message, "write for example row_size: \"200B\""));
        }
        if let Some(partitions) = self.partitions.as_ref().filter(|one| !(1..=100_000).contains(&one.value)) {
            let message = "a table has between 1 and 100,000 partitions";
            found.push(Mistake::new(partitions.span, message, "write for example 12, or leave it out"));
        }
        found
    }
}

/// Pages that were written go to the disk now and then.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// PostgreSQL's `checkpoint_timeout`.
    pub every: Duration,
    /// Over how long the writing is spread: `checkpoint_completion_target` as a time.
    pub spread: Duration,
}

impl Checkpoint {
    /// Mistakes in it.
    pub fn mistakes(written: &Spanned<Self>) -> Vec<Mistake> {
        let mut found = Vec::new();
        if written.every.ns < 1_000_000_000 || written.spread.ns > written.every.ns {
            let message = "checkpoints come every second at most, and each is written before the next begins";
            let help = "write for example Checkpoint(every: \"5m\", spread: \"4m\")";
            found.push(Mistake::new(written.span, message, help));
        }
        found
    }
}

/// Where the rows of a table lie.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    pub rows: u64,
    pub partitions: u32,
    /// The key space, and how many keys it has.
    pub space: u16,
    keys: u64,
    /// Rows lie on pages, or a row on several.
    rows_per_page: u64,
    pages_per_row: u64,
    pub pages: u64,
    /// Keys are stored in an order that has nothing to do with how often they are asked for.
    stride: u64,
}

impl Layout {
    /// The layout of a table whose rows belong to `keys` keys of a space.
    pub fn new(table: &Table, space: u16, keys: u64) -> Self {
        let row_bytes = table.row_size.bytes.max(1);
        let rows_per_page = (PAGE_BYTES / row_bytes).max(1);
        let pages_per_row = row_bytes.div_ceil(PAGE_BYTES);
        let rows = table.rows.value.max(1);
        let keys = keys.max(1);
        let pages = rows.div_ceil(rows_per_page) * pages_per_row;
        let mut stride = 0x9E37_79B1 % keys;
        while greatest_common_divisor(stride, keys) != 1 {
            stride = (stride + 1) % keys;
        }
        Self { rows, partitions: table.partitions(), space, keys, rows_per_page, pages_per_row, pages, stride }
    }

    /// Keys that it has rows of.
    pub fn keys(&self) -> u64 {
        self.keys
    }

    /// The first page of a key's rows.
    pub fn page_of(&self, key: u64) -> u64 {
        let place = u128::from(key % self.keys) * u128::from(self.stride) % u128::from(self.keys);
        let row = (place * u128::from(self.rows) / u128::from(self.keys)) as u64;
        row / self.rows_per_page * self.pages_per_row
    }

    /// Pages that so many rows side by side lie on.
    pub fn pages_of(&self, rows: u64) -> u64 {
        (rows.div_ceil(self.rows_per_page) * self.pages_per_row).clamp(1, self.pages)
    }

    /// Pages and rows of so many of its partitions, or of all.
    pub fn part(&self, partitions: Option<u32>) -> (u64, u64) {
        let partitions = partitions.unwrap_or(self.partitions);
        let share = |all: u64| (u128::from(all) * u128::from(partitions)).div_ceil(u128::from(self.partitions)) as u64;
        (share(self.pages).min(self.pages), share(self.rows).min(self.rows))
    }
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::span::Span;

    fn table(rows: u64, row_bytes: u64) -> Table {
        let at = Span::default();
        let key = Spanned::new("user".to_owned(), at);
        Table { rows: Spanned::new(rows, at), row_size: Bytes { bytes: row_bytes }, key, partitions: None }
    }

    #[test]
    fn every_key_has_rows_of_its_own() {
        let layout = Layout::new(&table(1000, 8_192), 0, 1000);
        let mut pages: Vec<u64> = (0..1000).map(|key| layout.page_of(key)).collect();
        pages.sort_unstable();
        assert_eq!(pages, (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn rows_share_pages_and_large_rows_have_several() {
        let small = Layout::new(&table(1000, 80), 0, 10);
        assert_eq!((small.pages, small.pages_of(1), small.pages_of(205)), (10, 1, 3));
        let large = Layout::new(&table(10, 20_000), 0, 10);
        assert_eq!((large.pages, large.pages_of(2)), (30, 6));
    }

    #[test]
    fn a_partition_is_its_share_of_the_table() {
        let mut written = table(1200, 8_192);
        written.partitions = Some(Spanned::new(12, Span::default()));
        assert_eq!(Layout::new(&written, 0, 10).part(Some(1)), (100, 100));
    }
}
