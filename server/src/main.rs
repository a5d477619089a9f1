//! The `plenary` program; see `plenary --help`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    plenary::cli::run()
}
