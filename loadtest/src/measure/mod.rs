//! What processes spend, seen from outside: CPU time, memory, context switches, metrics.

mod processes;
mod scrape;

pub use processes::{Processes, Usage};
pub use scrape::{Metrics, scrape};
