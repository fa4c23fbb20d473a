//! Keyed random streams: every draw is a pure function of what it is for.
//!
//! A stream is not a queue of numbers that everybody takes from. It is addressed: `(seed, replication, purpose)` names a
//! long-lived stream, and `(request, purpose, salt)` names the draws one request makes for one thing. Two variants of a
//! model therefore see the same arrivals and the same demands (common random numbers), adding a node shifts nobody
//! else's draws, and the number of threads cannot matter.
//!
//! The generator is SplitMix64 (Steele, Lea & Flood, OOPSLA 2014): a Weyl sequence through a 64-bit finalizer. The
//! finalizer is Stafford's variant 13.

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

/// The value that [`mix`] turns into this one.
const fn unmix(mut value: u64) -> u64 {
    value = value ^ (value >> 31) ^ (value >> 62);
    value = value.wrapping_mul(0x3196_42B2_D24D_8EC3);
    value = value ^ (value >> 27) ^ (value >> 54);
    value = value.wrapping_mul(0x96DE_1B17_3F11_9089);
    value ^ (value >> 30) ^ (value >> 60)
}

/// `WEYL_INCREMENT` times this is 1, modulo 2^64.
const WEYL_INVERSE: u64 = inverse(WEYL_INCREMENT);

/// The multiplicative inverse of an odd number modulo 2^64, by Newton's iteration, which doubles the right bits.
const fn inverse(odd: u64) -> u64 {
    let mut inverse = odd;
    let mut round = 0;
    while round < 6 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(inverse)));
        round += 1;
    }
    inverse
}

/// What a draw is for, as a 64-bit address made from names, so that it survives every change elsewhere in a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Purpose(u64);

impl Purpose {
    /// The purpose with this name, for example `"users/arrivals"`.
    pub fn named(name: &str) -> Self {
        Self(xxh3_64(name.as_bytes()))
    }

    /// 32 bits that tell this purpose from others.
    pub fn word(self) -> u32 {
        mix(self.0) as u32
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

    /// The index of which [`Seed::request`] makes this identity for `purpose`. For an identity that was made otherwise it is a
    /// number that means nothing, nearly always a large one.
    pub fn request_number(self, purpose: Purpose, identity: u64) -> u64 {
        unmix(identity).wrapping_sub(self.0 ^ purpose.0).wrapping_mul(WEYL_INVERSE)
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
    ///
    /// The address itself is not mixed: keys and purposes are hashes, and every word goes through the finalizer anyway.
    #[inline(always)]
    pub fn keyed(key: u64, purpose: Purpose, salt: u32) -> Self {
        Self { state: key.wrapping_add(purpose.0) ^ u64::from(salt).wrapping_mul(SALT_MULTIPLIER) }
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

#[cfg(test)]
mod tests {
    use super::*;

    const CELLS: usize = 256;

    /// Chi-square of the counts in cells that should be alike, as a number of standard deviations from its mean:
    /// with 255 degrees of freedom it is close enough to normal for bounds of 4.5.
    fn deviation(words: impl Iterator<Item = u64>, shift: u32) -> f64 {
        let mut counts = [0u64; CELLS];
        let mut total = 0u64;
        for word in words {
            counts[(word >> shift) as usize % CELLS] += 1;
            total += 1;
        }
        let expected = total as f64 / CELLS as f64;
        let chi_square: f64 = counts.iter().map(|count| (*count as f64 - expected).powi(2) / expected).sum();
        let degrees = CELLS as f64 - 1.0;
        (chi_square - degrees) / (2.0 * degrees).sqrt()
    }

    const DRAWS: u64 = 200_000;

    type Family = Box<dyn Fn(u64) -> Stream>;

    /// Streams addressed by counting up one part of the address at a time.
    fn families() -> Vec<(&'static str, Family)> {
        let purpose = Purpose::named("service/compute");
        let seed = Seed::new(7, 0);
        vec![
            ("plain keys", Box::new(move |i| Stream::keyed(i, purpose, 0))),
            ("request keys", Box::new(move |i| Stream::keyed(seed.request(purpose, i), purpose, 0))),
            ("salts", Box::new(move |i| Stream::keyed(99, purpose, i as u32))),
            ("purposes", Box::new(move |i| Stream::keyed(99, purpose.child(i), 0))),
            ("replications", Box::new(move |i| Seed::new(1, i).stream(purpose))),
            ("seeds", Box::new(move |i| Seed::new(i, 0).stream(purpose))),
            ("high key bits", Box::new(move |i| Stream::keyed(i << 40, purpose, 0))),
        ]
    }

    #[test]
    fn adjacent_addresses_give_equidistributed_words() {
        for (name, stream) in families() {
            for (draw, shift) in [(0, 56), (0, 0), (0, 28), (1, 56), (2, 56), (1, 0)] {
                let words = (0..DRAWS).map(|i| {
                    let mut stream = stream(i);
                    for _ in 0..draw {
                        stream.next_word();
                    }
                    stream.next_word()
                });
                let found = deviation(words, shift);
                assert!(found.abs() < 4.5, "{name}, draw {draw}, shift {shift}: {found} standard deviations");
            }
        }
    }

    #[test]
    fn adjacent_addresses_give_pairs_that_fill_the_square() {
        for (name, stream) in families() {
            let pairs = (0..DRAWS).map(|i| {
                let (first, second) = (stream(i).next_word() >> 60, stream(i + 1).next_word() >> 60);
                first << 4 | second
            });
            let found = deviation(pairs, 0);
            assert!(found.abs() < 4.5, "{name}: {found} standard deviations");
            let within = (0..DRAWS).map(|i| {
                let mut stream = stream(i);
                (stream.next_word() >> 60) << 4 | stream.next_word() >> 60
            });
            let found = deviation(within, 0);
            assert!(found.abs() < 4.5, "{name}, successive draws: {found} standard deviations");
        }
    }

    #[test]
    fn adjacent_addresses_are_uncorrelated() {
        for (name, stream) in families() {
            for lag in [1, 2, 16, 1024] {
                let products: f64 = (0..DRAWS).map(|i| (stream(i).unit() - 0.5) * (stream(i + lag).unit() - 0.5)).sum();
                // A product of two independent centred uniforms has standard deviation 1/12.
                let correlation = products * 12.0 / (DRAWS as f64).sqrt();
                assert!(correlation.abs() < 4.5, "{name}, lag {lag}: {correlation} standard deviations");
            }
        }
    }

    #[test]
    fn every_bit_is_balanced_and_flips_with_half_of_the_address_bits() {
        for (name, stream) in families() {
            let mut ones = [0u32; 64];
            let mut flips = [0u32; 64];
            let count = 40_000u32;
            for i in 0..count {
                let word = stream(u64::from(i)).next_word();
                let neighbour = stream(u64::from(i) ^ 1 << (i % 20)).next_word();
                for bit in 0..64 {
                    ones[bit] += (word >> bit & 1) as u32;
                    flips[bit] += ((word ^ neighbour) >> bit & 1) as u32;
                }
            }
            for bit in 0..64 {
                for (what, found) in [("ones", ones[bit]), ("flips", flips[bit])] {
                    let off = (f64::from(found) - 0.5 * f64::from(count)) / (0.25 * f64::from(count)).sqrt();
                    // Flips are counted twice for pairs visited from both ends, hence the wider bound.
                    assert!(off.abs() < 6.5, "{name}, bit {bit}, {what}: {off} standard deviations");
                }
            }
        }
    }

    #[test]
    fn bounded_integers_are_uniform_and_below_the_bound() {
        let mut stream = Seed::new(3, 1).stream(Purpose::named("below"));
        let words = (0..DRAWS).map(|_| {
            let value = stream.below(CELLS as u64);
            assert!(value < CELLS as u64);
            value
        });
        assert!(deviation(words, 0).abs() < 4.5);
        assert_eq!(stream.below(1), 0);
    }

    #[test]
    fn the_number_of_a_request_can_be_told_from_its_identity() {
        for (seed, replication, number) in [(1, 0, 0), (7, 3, 12_345), (u64::MAX, 19, u64::MAX), (0, 0, 1 << 39)] {
            let (seed, purpose) = (Seed::new(seed, replication), Purpose::named("clients/requests"));
            let identity = seed.request(purpose, number);
            assert_eq!(seed.request_number(purpose, identity), number);
            assert!(seed.request_number(Purpose::named("others/requests"), identity) > 1 << 40);
        }
    }

    #[test]
    fn a_draw_depends_on_its_address_alone() {
        let (purpose, other) = (Purpose::named("a"), Purpose::named("b"));
        let draw = |key, purpose, salt| Stream::keyed(key, purpose, salt).next_word();
        assert_eq!(draw(1, purpose, 0), draw(1, purpose, 0));
        assert_ne!(draw(1, purpose, 0), draw(1, other, 0));
        assert_ne!(draw(1, purpose, 0), draw(1, purpose, 1));
        assert_ne!(draw(1, purpose, 0), draw(2, purpose, 0));
        assert_ne!(purpose.child(0), purpose);
        assert_ne!(purpose.child(0).child(1), purpose.child(1).child(0));
    }
}
