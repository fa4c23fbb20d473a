//! Keyed random streams: every draw is a pure function of what it is for.
//!
//! A stream is not a queue of numbers that everybody takes from. It is addressed: `(seed, replication, purpose)` names a
//! long-lived stream, and `(request, purpose, salt)` names the draws one request makes for one thing. Two variants of a
//! model therefore see the same arrivals and the same demands (common random numbers), adding a node shifts nobody
//! else's draws, and the number of threads cannot matter.
//!
//! The generator is SplitMix64 (Steele, Lea & Flood, OOPSLA 2014): a Weyl sequence through a 64-bit finalizer. The
//! finalizer is Stafford's variant 13, which also spreads the address over the state.

use std::convert::Infallible;

use rand::TryRng;
use xxhash_rust::xxh3::xxh3_64;

const WEYL_INCREMENT: u64 = 0x9E37_79B9_7F4A_7C15;
const SALT_MULTIPLIER: u64 = 0xD1B5_4A32_D192_ED03;

/// Stafford's variant 13 of the 64-bit finalizer: a bijection whose output bits each depend on all input bits.
#[inline(always)]
pub const fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// What a draw is for, as a 64-bit address made from names, so that it survives every change elsewhere in a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Purpose(u64);

impl Purpose {
    /// The purpose with this name, for example `"users/arrivals"`.
    pub fn named(name: &str) -> Self {
        Self(xxh3_64(name.as_bytes()))
    }

    /// A purpose below this one, for example the third step of an operation.
    #[must_use]
    pub fn child(self, index: u64) -> Self {
        Self(mix(self.0.wrapping_add(index.wrapping_add(1).wrapping_mul(WEYL_INCREMENT))))
    }
}

/// The root of all randomness of one replication.
#[derive(Clone, Copy, Debug)]
pub struct Seed(u64);

impl Seed {
    /// The root for this user-visible seed and replication number.
    pub fn new(seed: u64, replication: u64) -> Self {
        Self(mix(mix(seed.wrapping_add(WEYL_INCREMENT)) ^ replication.wrapping_mul(SALT_MULTIPLIER)))
    }

    /// The identity of the `index`-th request made for `purpose`: the key of everything that request draws.
    #[inline(always)]
    pub fn request(self, purpose: Purpose, index: u64) -> u64 {
        mix((self.0 ^ purpose.0).wrapping_add(index.wrapping_mul(WEYL_INCREMENT)))
    }

    /// A long-lived stream.
    pub fn stream(self, purpose: Purpose) -> Stream {
        Stream { state: mix(self.0 ^ purpose.0) }
    }
}

/// A sequence of uniform 64-bit words. Implements rand's traits, so `rand_distr` works on it.
#[derive(Clone, Debug)]
pub struct Stream {
    state: u64,
}

impl Stream {
    /// The draws that the request `key` makes for `purpose`; `salt` tells repeated visits of one request apart.
    #[inline(always)]
    pub fn keyed(key: u64, purpose: Purpose, salt: u32) -> Self {
        Self { state: mix(key.wrapping_add(purpose.0) ^ u64::from(salt).wrapping_mul(SALT_MULTIPLIER)) }
    }

    /// The next 64 uniform bits.
    #[inline(always)]
    pub fn next_word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(WEYL_INCREMENT);
        mix(self.state)
    }

    /// A uniform number in `[0, 1)` with 53 random bits.
    #[inline(always)]
    pub fn unit(&mut self) -> f64 {
        (self.next_word() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// A uniform integer in `[0, bound)`; the bias is below `bound / 2^64` (Lemire, TOMACS 2019, without rejection).
    #[inline(always)]
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_word()) * u128::from(bound)) >> 64) as u64
    }
}

impl TryRng for Stream {
    type Error = Infallible;

    #[inline(always)]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.next_word() >> 32) as u32)
    }

    #[inline(always)]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next_word())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            let word = self.next_word().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}
