//! The union of stores.

use rusqlite::TransactionBehavior;

use crate::experiment::store::row::Row;
use crate::experiment::store::{Fault, Key, Store};

/// What came out of taking over the rows of another store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Rows that were not there yet.
    pub added: usize,
    /// Rows that were there already, with the same content.
    pub known: usize,
    /// Rows of the other store that are damaged, and were left out.
    pub damaged: Vec<Fault>,
}

impl Store {
    /// Takes over all sound rows of another store, or none if the stores contradict each other.
    ///
    /// # Errors
    /// When a store cannot be read or written, or both have different contents for one key.
    pub fn take_over(&self, other: &Store) -> Result<Merged, Fault> {
        let (mut connection, source) = (self.connection(), other.connection());
        let unreadable = |error| Fault::of(&other.path, other.wait, error);
        let failed = |error| Fault::of(&self.path, self.wait, error);
        let mut statement =
            source.prepare("SELECT key, content, checksum FROM finding ORDER BY key").map_err(unreadable)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let mut merged = Merged::default();
        for row in statement.query_map([], Row::read).map_err(unreadable)? {
            let row = row.map_err(unreadable)?;
            if !row.is_sound() {
                merged.damaged.push(Fault::damaged_row(&other.path, &row.key));
                continue;
            }
            match self.row(&transaction, &Key::read(&row.key))? {
                None => {
                    row.insert(&transaction).map_err(failed)?;
                    merged.added += 1;
                }
                Some(kept) if kept == row => merged.known += 1,
                Some(kept) if !kept.is_sound() => return Err(Fault::damaged_row(&self.path, &row.key)),
                Some(_) => return Err(Fault::conflict(&row.key, &self.path, &other.path)),
            }
        }
        transaction.commit().map_err(failed)?;
        Ok(merged)
    }
}
