//! What processors can do and the language has no safe word for: the only unsafe code of this crate.
//!
//! Both are instructions of every x86_64 processor; elsewhere the language's own means take their place, and every result is
//! the same.

/// Bytes that are fetched at once.
const LINE: usize = 64;

/// Has the memory of a value fetched, without waiting for it.
///
/// A model of thousands of nodes or a million pending events is larger than the caches. What an event will touch is often
/// known some events earlier, and a processor that is told fetches it while it works on these. A hint reads and writes
/// nothing that a program could see, so no result can depend on it.
#[inline(always)]
pub fn prefetch<T: ?Sized>(value: &T) {
    prefetch_at(std::ptr::from_ref(value).cast::<u8>().addr(), size_of_val(value));
}

/// As [`prefetch`], by the number of the first byte's place in memory.
#[inline(always)]
pub fn prefetch_at(start: usize, bytes: usize) {
    for offset in (0..bytes).step_by(LINE) {
        prefetch_line(start.wrapping_add(offset));
    }
}

#[inline(always)]
#[allow(unsafe_code, reason = "a hint about an address is no access to it")]
fn prefetch_line(address: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every processor of this architecture has the instruction, which ignores addresses that cannot be read.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::without_provenance(address)) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// The whole part of a number; zero for what is negative or no number, and at most 2^63 - 1, as nanoseconds 292 years.
///
/// The language's own conversion says the same of all numbers in ten instructions. The processor's says it of all numbers that
/// are ever drawn in one, and marks the others.
#[inline(always)]
#[allow(unsafe_code, reason = "the intrinsic asks for a feature that this architecture always has")]
pub fn whole(number: f64) -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_mm_cvttsd_si64, _mm_set_sd};
        // SAFETY: every processor of this architecture has the instruction, which is defined for all numbers.
        let whole = unsafe { _mm_cvttsd_si64(_mm_set_sd(number)) };
        if whole >= 0 { whole as u64 } else { saturated(number) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    saturated(number)
}

#[cold]
#[inline(never)]
fn saturated(number: f64) -> u64 {
    (number as i64).max(0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_part_is_what_the_language_says() {
        let edges = [0.0, -0.0, 0.5, 0.999_999, 1.0, -0.5, -1.0, -1e9, 1e9 + 0.5, 9.3e18, 1e300, f64::MAX, f64::MIN];
        let others = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, f64::MIN_POSITIVE];
        // Bits of all kinds of numbers, far from and near to each other.
        let drawn = (0..100_000u64).map(|i| f64::from_bits(i.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        for number in edges.into_iter().chain(others).chain(drawn) {
            assert_eq!(whole(number), saturated(number), "{number}");
        }
    }

    #[test]
    fn a_hint_may_be_given_about_anything() {
        prefetch(&0u8);
        prefetch::<[u64]>(&[]);
        prefetch(&vec![7u64; 1_000][..]);
    }
}
