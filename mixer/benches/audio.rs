#![allow(missing_docs, reason = "made by the macros")]
fn main() {}
