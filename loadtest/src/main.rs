//! `plenary-load`: see [`loadtest`].
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    loadtest::cli::run()
}
