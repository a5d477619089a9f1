//! What operators see: logs, metrics, profiles and the server they are read from.

mod admin;
mod logging;
mod metrics;
mod profile;

pub use admin::routes;
pub use logging::start_logging;
pub use metrics::{Counters, Limit, Metrics, Reason, RequestLabels};
