//! Fetching memory into the cache before it is needed.
//!
//! A packet goes to one receiver after another, and by the time a receiver's next packet comes,
//! all the others' datagrams have been through the cache. Each line of its state then costs a wait
//! for memory, of some 100 to 200 ns where caches are shared with other machines, and most lines
//! can only be asked for when another has come. Who knows which receivers are next asks for their
//! lines early, so that these waits pass side by side.

/// Bytes of a cache line.
#[cfg(target_arch = "x86_64")]
const LINE_BYTES: usize = 64;

/// Asks for a value, without what it points to. It does not wait, and changes nothing but the time
/// that later uses take. Does nothing on processors other than x86-64.
#[cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "the processor's instruction takes an address")
)]
#[inline]
pub fn prefetch<T: ?Sized>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

        let start = std::ptr::from_ref(value).cast::<i8>();
        let bytes = size_of_val(value);
        let ask = |offset: usize| {
            // SAFETY: the offset lies within the value, so that the address can be computed; the
            // instruction itself reads nothing and faults at no address.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(start.add(offset)) };
        };
        for line in 0..bytes.div_ceil(LINE_BYTES) {
            ask(line * LINE_BYTES);
        }
        if bytes > 1 {
            // Wherever in a line the value starts, this is in its last one.
            ask(bytes - 1);
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_value_will_do() {
        prefetch(&());
        prefetch(&7_u8);
        prefetch("words of a string");
        prefetch(&[0_u64; 100][3..]);
        prefetch::<[u8]>(&[]);
    }
}
