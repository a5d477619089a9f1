//! Plenary's shell: threads, sockets, HTTP and configuration around the pure crates.
#![forbid(unsafe_code)]
