//! Kafka's default partitioner: murmur2 of the key's bytes, its sign bit cleared, modulo the number of partitions.

use murmur2::{KAFKA_SEED, murmur2};

/// Kafka's hash of a key, which is signed in Java.
pub fn hash(key: &[u8]) -> i32 {
    murmur2(key, KAFKA_SEED).cast_signed()
}

/// The partition of a key.
pub fn partition(key: &[u8], partitions: u32) -> u32 {
    (hash(key).cast_unsigned() & 0x7fff_ffff) % partitions.max(1)
}
