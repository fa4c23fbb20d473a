//! How the simulator behaves, without knowing what theory says: relations between runs, repeatability, every parameter
//! and variant at work, and fingerprints of every model of this repository.

mod arithmetic;
mod caches;
mod cluster;
mod determinism;
mod faults;
mod fingerprints;
mod knobs;
mod metamorphic;
mod pooling;
mod quorum_storage;
mod raft_group;
mod replicas;
mod resharding;
mod run;
mod shards;
mod shared_volume;
mod suspicions;
mod vector_database;
