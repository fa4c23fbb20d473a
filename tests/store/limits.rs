//! Disks that are full, folders that cannot be written, files that somebody else holds.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use forescale::experiment::store::{Kind, Missing, Store};

use crate::{Batch, POINTS, STORE, finished, said, whole};

#[test]
fn a_limit_on_the_size_of_files_ends_the_run_and_loses_nothing() {
    let batch = Batch::new();
    // Blocks of 512 or 1024 bytes: the store is made, and some rows fit.
    let script = "trap '' XFSZ; ulimit -f 100; exec \"$0\" run small.ron --quick --threads 1";
    let output = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_forescale")])
        .current_dir(batch.path(""))
        .output()
        .expect("a shell");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("the store plots/forescale.sqlite"), "{}", said(&output));
    let kept = batch.rows(STORE);
    assert!(kept > 0 && kept < POINTS, "{kept} rows");
    assert_eq!(batch.taken(&[]), kept);
    assert_eq!(batch.results(), whole().0);
}

/// A small file system, taken away at the end.
struct SmallDisk<'a>(&'a Path);

impl SmallDisk<'_> {
    fn mount(&self, options: &str) -> bool {
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", options, "none"]).arg(self.0);
        command.output().is_ok_and(|output| output.status.success())
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).output();
    }
}

#[test]
fn a_full_disk_ends_the_run_and_room_lets_it_go_on() {
    let batch = Batch::new();
    let folder = batch.path("disk");
    std::fs::create_dir(&folder).expect("a folder");
    let disk = SmallDisk(&folder);
    if !disk.mount("size=160k") {
        println!("skipped: this user may not mount a small file system");
        return;
    }
    let output = batch.run(&["--store", "disk/s.sqlite", "--threads", "1"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("the store disk/s.sqlite"), "{}", said(&output));
    assert!(said(&output).contains("what was finished before is kept"), "{}", said(&output));
    assert!(disk.mount("remount,size=4m"));
    let kept = batch.rows("disk/s.sqlite");
    assert!(kept > 0 && kept < POINTS, "{kept} rows");
    assert_eq!(batch.taken(&["--store", "disk/s.sqlite"]), kept);
    assert_eq!(batch.results(), whole().0);
}

#[test]
#[cfg(unix)]
fn a_folder_that_may_not_be_written_is_a_failure_of_the_run() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let batch = finished();
    let mode = |path: &str, mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(batch.path(path), permissions).expect("an own file");
    };
    for (name, text) in [("locked", 0o555), ("locked/with", 0o555), ("out", 0o777)] {
        std::fs::create_dir(batch.path(name)).expect("a folder");
        if name == "locked/with" {
            std::fs::copy(batch.path(STORE), batch.path("locked/with/s.sqlite")).expect("a copy");
            mode("locked/with/s.sqlite", 0o444);
        }
        mode(name, if name == "locked" { 0o777 } else { text });
    }
    mode("locked", 0o555);
    mode("", 0o755);
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    for store in ["locked/new.sqlite", "locked/below/new.sqlite", "locked/with/s.sqlite"] {
        let mut command = batch.command(&["run", "small.ron", "--quick", "--out", "out", "--store", store]);
        if is_root {
            // Nothing is locked for the superuser.
            command.uid(65534).gid(65534);
        }
        let Ok(output) = command.output() else {
            println!("skipped: another user may not run the command");
            return;
        };
        assert_eq!(output.status.code(), Some(1), "{store}: {}", said(&output));
        assert!(said(&output).contains("cannot write to the store locked/"), "{store}: {}", said(&output));
    }
}

#[test]
fn a_store_that_another_process_holds_is_waited_for_and_then_told() {
    let batch = finished();
    let path = batch.path(STORE);
    let store = Store::open_waiting(&path, Missing::Make, Duration::from_millis(50)).expect("a store");
    let other = Store::open(&batch.path("other.sqlite"), Missing::Make).expect("a store");
    batch.sql(STORE, "DELETE FROM finding WHERE rowid = 1");
    let holder = rusqlite::Connection::open(&path).expect("the store opens");
    holder.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
    let fault = store.take_over(&other).expect_err("it is held");
    assert_eq!(fault.kind, Kind::Work);
    assert!(fault.message.contains("another process has held the store"), "{}", fault.message);

    // A run waits until it is let go.
    let child = batch
        .command(&["run", "small.ron", "--quick"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts");
    std::thread::sleep(Duration::from_millis(300));
    holder.execute_batch("COMMIT").expect("let go");
    assert!(child.wait_with_output().expect("it ends").status.success());
    assert_eq!(batch.results(), whole().0);
}
