//! Plenary's shell: threads, sockets, HTTP and configuration around the pure crates.
#![forbid(unsafe_code)]

pub mod api;
pub mod cli;
pub mod clock;
pub mod compose;
pub mod config;
pub mod dump;
pub mod egress;
pub mod engine;
pub mod entropy;
mod files;
pub mod http;
pub mod listen;
pub mod mix;
pub mod net;
mod news;
pub mod node;
pub mod observe;
pub mod recorder;
pub mod signalling;
mod store;
pub mod web;
pub mod worker;
