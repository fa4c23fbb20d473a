//! Finished points on disk, so that a batch that was stopped goes on where it was.
//!
//! One SQLite file, one row per point, one transaction per row. A row is found by its [`Key`], which holds everything that
//! decides its numbers, so that nothing stale is ever found. Rows are added and read, never changed.

mod fault;
mod key;
mod merge;
mod open;
mod row;

pub use fault::{Fault, Kind};
pub use key::Key;
pub use merge::Merged;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::experiment::finding::Finding;
use crate::experiment::store::row::Row;

/// How long another process may hold the file.
const WAIT: Duration = Duration::from_secs(60);

/// An open store. Threads write one after the other.
pub struct Store {
    path: PathBuf,
    wait: Duration,
    connection: Mutex<Connection>,
}

/// Whether a store may be made if there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    Make,
    Refuse,
}

impl Store {
    /// Opens a store. A file that is anything else is left as it is.
    ///
    /// # Errors
    /// When the file is no store, is damaged, cannot be written, or is held by another process for a minute.
    pub fn open(path: &Path, missing: Missing) -> Result<Self, Fault> {
        Self::open_waiting(path, missing, WAIT)
    }

    /// As [`Store::open`], and waits this long for other processes, then and later.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_waiting(path: &Path, missing: Missing, wait: Duration) -> Result<Self, Fault> {
        let connection = open::open(path, missing, wait)?;
        Ok(Self { path: path.to_owned(), wait, connection: Mutex::new(connection) })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was found for a key.
    ///
    /// # Errors
    /// When the store cannot be read, or the row is damaged.
    pub fn get(&self, key: &Key) -> Result<Option<Finding>, Fault> {
        let row = self.row(&self.connection(), key)?;
        row.map(|row| row.finding().ok_or_else(|| Fault::damaged_row(&self.path, &row.key))).transpose()
    }

    /// Keeps what was found for a key. What cannot be written as JSON and read again as the same is not kept.
    ///
    /// # Errors
    /// When the store cannot be written, or holds something else for the key.
    pub fn put(&self, key: &Key, finding: &Finding) -> Result<(), Fault> {
        let Some(row) = Row::of(key, finding) else { return Ok(()) };
        let mut connection = self.connection();
        let failed = |error| Fault::of(&self.path, self.wait, error);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        match self.row(&transaction, key)? {
            Some(kept) if kept == row => return Ok(()),
            Some(kept) if !kept.is_sound() => return Err(Fault::damaged_row(&self.path, &row.key)),
            Some(_) => return Err(Fault::conflict(&row.key, &self.path, Path::new("this run"))),
            None => row.insert(&transaction).map_err(failed)?,
        }
        transaction.commit().map_err(failed)
    }

    fn row(&self, connection: &Connection, key: &Key) -> Result<Option<Row>, Fault> {
        let query = "SELECT key, content, checksum FROM finding WHERE key = ?1";
        let row = connection.query_row(query, [key.as_str()], Row::read).optional();
        row.map_err(|error| Fault::of(&self.path, self.wait, error))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // What a thread that panicked left behind is a transaction that was rolled back.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Store").field("path", &self.path).finish_non_exhaustive()
    }
}
