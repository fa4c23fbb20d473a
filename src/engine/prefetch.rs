//! Telling the processor which memory will be needed soon: the only unsafe code of this crate.
//!
//! A model of thousands of nodes or a million pending events is larger than the caches. What an event will touch is known
//! some events earlier, and a processor that is told fetches it while it works on these. A hint reads and writes nothing
//! that a program could see, so no result can depend on it; where there is no such instruction it is left out.

/// Bytes that are fetched at once.
const LINE: usize = 64;

/// Has the memory of a value fetched, without waiting for it.
#[inline(always)]
pub fn prefetch<T: ?Sized>(value: &T) {
    let start = std::ptr::from_ref(value).cast::<i8>();
    for offset in (0..size_of_val(value)).step_by(LINE) {
        fetch(start.wrapping_add(offset));
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code, reason = "the instruction takes an address and never faults, whatever the address")]
fn fetch(address: *const i8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a prefetch is no access: addresses that cannot be read are ignored.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address) }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn fetch(_address: *const i8) {}
