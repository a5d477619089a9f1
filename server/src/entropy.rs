//! Randomness from the operating system, for keys, ids and the seeds of the pure crates.

/// As many random bytes as asked for.
///
/// # Panics
/// If the operating system has none, in which case nothing that follows could be safe.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
