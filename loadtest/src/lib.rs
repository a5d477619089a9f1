//! Synthetic participants by the thousand, which check what they receive.
//!
//! The way of a run, module by module:
//! 1. `cli` reads flags and a [`scenario`]: which rooms, who publishes what, who watches whom;
//! 2. [`media`] encodes the test cards and tones that publishers send;
//! 3. [`participant`] is one synthetic client, sans-IO: signalling by an [`adapter`], sessions of
//!    `proto`, tracks to send and subscriptions to check;
//! 4. [`drive`] moves thousands of them on a few threads, with their sockets;
//! 5. [`verify`] judges each subscription: complete, in order, in time, the right person;
//! 6. [`measure`] watches the server's process and metrics from outside;
//! 7. [`report`] tells what was seen: terminal, JSON, CSV and a page.
//!
//! [`compare`] puts the reports of several servers side by side.
//!
//! The crate meets the server only over the network.
#![forbid(unsafe_code)]

pub mod adapter;
pub mod cli;
pub mod compare;
pub mod drive;
pub mod measure;
pub mod media;
pub mod participant;
pub mod report;
pub mod run;
pub mod scenario;
pub mod verify;
