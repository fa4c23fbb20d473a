//! Opening a store, or making it. A file that is something else is never written to.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::experiment::store::{Fault, Missing};

/// What tells a store from other SQLite files: "fore" in ASCII.
const APPLICATION: i32 = 0x666f_7265;
/// The version of the table.
const SCHEMA: i32 = 1;
const TABLE: &str = "CREATE TABLE finding (key TEXT PRIMARY KEY, content TEXT NOT NULL, checksum TEXT NOT NULL) STRICT";
/// The first bytes of every SQLite file.
const MAGIC: &[u8] = b"SQLite format 3\0";
/// Between two tries, where SQLite does not wait by itself.
const PAUSE: Duration = Duration::from_millis(20);

pub(super) fn open(path: &Path, missing: Missing, wait: Duration) -> Result<Connection, Fault> {
    look(path, missing)?;
    let failed = |error| Fault::of(path, wait, error);
    // A path such as `:memory:` is a file like any other.
    let absolute = std::path::absolute(path).map_err(|error| Fault::not_writable(path, &error.to_string()))?;
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    flags.set(OpenFlags::SQLITE_OPEN_CREATE, missing == Missing::Make);
    let mut connection = Connection::open_with_flags(absolute, flags).map_err(failed)?;
    connection.busy_timeout(wait).map_err(failed)?;
    if missing == Missing::Make && pragma(&connection, "page_count").map_err(failed)? == 0 {
        make(&mut connection).map_err(failed)?;
    }
    recognise(path, wait, &connection)?;
    if missing == Missing::Make {
        if connection.is_readonly("main").map_err(failed)? {
            return Err(Fault::not_writable(path, "it is write-protected"));
        }
        write_ahead(&connection, wait).map_err(failed)?;
    }
    inspect(path, wait, &connection)?;
    Ok(connection)
}

/// What can be told without SQLite.
fn look(path: &Path, missing: Missing) -> Result<(), Fault> {
    let not_writable = |error: std::io::Error| Fault::not_writable(path, &error.to_string());
    let about = match std::fs::metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == ErrorKind::NotFound && missing == Missing::Refuse => {
            let help = "check the path; `forescale run` makes a store";
            return Err(Fault::input(path, format!("there is no store {}", path.display()), help));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            return folder.map_or(Ok(()), std::fs::create_dir_all).map_err(not_writable);
        }
        Err(error) => return Err(not_writable(error)),
    };
    if !about.is_file() {
        return Err(Fault::not_a_store(path, "it is not a file"));
    }
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAGIC.len() as u64).read_to_end(&mut start));
    read.map_err(|error| {
        Fault::work(path, format!("cannot read the store {}: {error}", path.display()), "check who may")
    })?;
    // An empty file is what is left when a process is killed while it makes a store.
    if start != MAGIC && !(start.is_empty() && missing == Missing::Make) {
        return Err(Fault::not_a_store(path, "it is not an SQLite file"));
    }
    Ok(())
}

/// Makes the table, unless another process was faster.
fn make(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let tables: i32 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 && pragma(&transaction, "application_id")? == 0 {
        transaction.execute(TABLE, [])?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", SCHEMA)?;
    }
    transaction.commit()
}

/// Whether it is a store, and one of this version.
fn recognise(path: &Path, wait: Duration, connection: &Connection) -> Result<(), Fault> {
    let failed = |error| Fault::of(path, wait, error);
    if pragma(connection, "application_id").map_err(failed)? != APPLICATION {
        return Err(Fault::not_a_store(path, "it is an SQLite file of another program"));
    }
    let version = pragma(connection, "user_version").map_err(failed)?;
    let shown = path.display();
    let help = "name another file with --store; this one is left as it is";
    if version < SCHEMA {
        let message =
            format!("the store {shown} has the layout {version} of an older forescale; this one has {SCHEMA}");
        return Err(Fault::input(path, message, help));
    }
    if version > SCHEMA {
        let message =
            format!("the store {shown} has the layout {version} of a newer forescale; this one knows {SCHEMA}");
        return Err(Fault::input(path, message, help));
    }
    Ok(())
}

/// Readers and the writer do not wait for each other, and a process that is killed leaves every finished row.
fn write_ahead(connection: &Connection, wait: Duration) -> rusqlite::Result<()> {
    // Where the file system cannot do it, SQLite stays with its rollback journal, which is as safe.
    let mut waited = Duration::ZERO;
    loop {
        let mode = connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()));
        match mode {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && waited < wait => {
                sleep(PAUSE);
                waited += PAUSE;
            }
            other => break other?,
        }
    }
    connection.pragma_update(None, "synchronous", "FULL")
}

/// Whether the file hangs together. The rows have checksums of their own.
fn inspect(path: &Path, wait: Duration, connection: &Connection) -> Result<(), Fault> {
    let verdict = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0));
    match verdict {
        Ok(verdict) if verdict == "ok" => Ok(()),
        Ok(verdict) => Err(Fault::damaged(path, verdict.lines().last().unwrap_or_default())),
        Err(error) => Err(Fault::of(path, wait, error)),
    }
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}
