//! Synthetic participants by the thousand, which check what they receive.
//!
//! Nothing is here yet. The crate will meet the server only over the network, speaking the
//! protocol through `proto`.
#![forbid(unsafe_code)]
