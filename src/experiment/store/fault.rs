//! What can be wrong with a store, in words.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Error, ErrorCode};

/// Whose mistake it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The file that was named is not what it should be.
    Input,
    /// The work failed.
    Work,
}

/// What is wrong with a store, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub kind: Kind,
    pub path: PathBuf,
    pub message: String,
    pub help: String,
}

const KEPT: &str = "what was finished before is kept: run it again afterwards";

impl Fault {
    pub(super) fn input(path: &Path, message: String, help: &str) -> Self {
        Self { kind: Kind::Input, path: path.to_owned(), message, help: help.to_owned() }
    }

    pub(super) fn work(path: &Path, message: String, help: &str) -> Self {
        Self { kind: Kind::Work, path: path.to_owned(), message, help: help.to_owned() }
    }

    pub(super) fn of(path: &Path, wait: Duration, error: Error) -> Self {
        let shown = path.display();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::not_a_store(path, "it is not an SQLite file"),
            Some(ErrorCode::DatabaseCorrupt) => Self::damaged(path, &error.to_string()),
            Some(ErrorCode::DiskFull) => Self::work(
                path,
                format!("cannot write to the store {shown}: no room is left"),
                &format!("make room; {KEPT}"),
            ),
            Some(ErrorCode::SystemIoFailure) => Self::work(
                path,
                format!("cannot read or write the store {shown}: {error}"),
                &format!("look whether the disk is full or a limit on the size of files is met; {KEPT}"),
            ),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::work(
                path,
                format!("another process has held the store {shown} for {} s", wait.as_secs_f64()),
                &format!("let that process end, or name another file with --store; {KEPT}"),
            ),
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::not_writable(path, &error.to_string())
            }
            _ => Self::work(path, format!("cannot use the store {shown}: {error}"), "name another file with --store"),
        }
    }

    pub(super) fn not_a_store(path: &Path, why: &str) -> Self {
        let help = "name the file of a store, or one that does not exist yet; this one is left as it is";
        Self::input(path, format!("{} is no store of forescale: {why}", path.display()), help)
    }

    pub(super) fn not_writable(path: &Path, why: &str) -> Self {
        let help = "the store and its folder must be writable; name another place with --store";
        Self::work(path, format!("cannot write to the store {}: {why}", path.display()), help)
    }

    pub(super) fn damaged(path: &Path, why: &str) -> Self {
        let help = "move it away and run again: its points are studied anew; it is left as it is";
        Self::work(path, format!("the store {} is damaged: {why}", path.display()), help)
    }

    pub(super) fn damaged_row(path: &Path, key: &str) -> Self {
        let shown = path.display();
        let message = format!("the store {shown} is damaged: the row {key} is not what was written");
        let help = format!("save the sound rows: forescale merge {shown} --into NEW, then run with --store NEW");
        Self::work(path, message, &help)
    }

    pub(super) fn conflict(key: &str, path: &Path, other: &Path) -> Self {
        let (shown, other) = (path.display(), other.display());
        let message = format!("{shown} and {other} have different numbers for one point, the row {key}");
        let help =
            "equal points give equal numbers: one of the machines is faulty, or forescale is; nothing was changed";
        Self::work(path, message, help)
    }
}
