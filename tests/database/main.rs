//! Databases with replicas, tables, memory, disks and locks, against what is known of them exactly.

#[path = "../behaviour/run.rs"]
#[allow(dead_code, reason = "the tests of behaviour need more of it")]
mod run;

mod replication;
mod storage;
