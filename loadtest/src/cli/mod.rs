//! The command line.

mod compare;
mod live;
mod run;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::scenario::{SHIPPED, Scenario};

/// Synthetic participants by the thousand, which check what they receive.
///
/// They join like any client - signalling, ICE, DTLS, SRTP - and send real video and sound. Every
/// frame says who sent it and when, so that each receiver knows whether it is complete, in order,
/// in time and the right person's; a sample is truly decoded. At the end there is a report, and
/// the exit code says whether the quality bars held.
#[derive(Debug, Parser)]
#[command(name = "plenary-load", version, after_help = EXAMPLES, max_term_width = 100)]
#[command(
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  plenary-load list                                    what loads there are
  plenary-load run smoke --server ws://localhost:7880 --api-key KEY --api-secret SECRET
                                                       does anything work at all?
  plenary-load run webinar --size 200 --html report.html --server-pid $(pidof plenary)
                                                       one presents, 200 watch; what does it cost?
  plenary-load run meeting --find-limit                the largest meeting that holds the bars
  plenary-load show stage > mine.toml                  a scenario file to change
  plenary-load run mine.toml --set video.codec=vp9     and to run

The key and the secret may be in LIVEKIT_API_KEY and LIVEKIT_API_SECRET, the server in LIVEKIT_URL.

Exit codes:
  0  every quality bar held
  1  one did not, or the run ended early; the report says why
  2  the command line or the scenario is wrong, or the run could not begin";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a scenario against a server.
    Run(Box<run::Run>),
    /// Put the reports of several servers side by side.
    Compare(compare::Compare),
    /// List the shipped scenarios.
    List,
    /// Print a scenario file, to be changed and run.
    Show {
        /// Name of a shipped scenario.
        scenario: String,
        /// Change a value first, such as video.codec=h264 or group.1.count=50.
        #[arg(long, value_name = "NAME=VALUE")]
        set: Vec<String>,
    },
}

/// Runs the program.
pub fn run() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Run(run) => run.run(),
        Command::Compare(compare) => compare.run(),
        Command::List => print(&list()),
        Command::Show { scenario, set } => show(&scenario, &set),
    };
    result.unwrap_or_else(|error| {
        eprintln!("plenary-load: {error:#}");
        ExitCode::from(2)
    })
}

fn list() -> String {
    let mut out = String::new();
    for (name, text) in SHIPPED {
        // A test reads them all.
        if let Ok(scenario) = Scenario::parse(text) {
            let seconds = scenario.duration_s;
            out.push_str(&format!("{name:15} {} ({seconds} s)\n", scenario.summary));
        }
    }
    out
}

fn show(scenario: &str, set: &[String]) -> anyhow::Result<ExitCode> {
    let scenario = run::changed(Scenario::find(scenario)?, set)?;
    print(&toml::to_string_pretty(&scenario)?)
}

/// Writes to standard output; a reader that has gone is no failure.
fn print(text: &str) -> anyhow::Result<ExitCode> {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_shown_scenario_can_be_run() {
        for (name, _) in SHIPPED {
            let scenario = Scenario::find(name).expect("shipped");
            let text = toml::to_string_pretty(&scenario).expect("TOML");

            assert_eq!(Scenario::parse(&text).expect("right"), scenario);
        }
    }
}
