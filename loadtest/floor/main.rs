//! `plenary-floor`: what forwarding costs on a machine at least, to hold a server's costs against.
//!
//! 1. The first process binds a socket for each receiver, and starts the second one.
//! 2. That one is the forwarder, and does nothing else: it seals each packet for each receiver into
//!    one buffer, and gives the kernel a message for all that a receiver gets at a time.
//! 3. The first one receives, opens what comes, and measures the forwarder by `/proc`, just as
//!    `plenary-load` does with a server.
#![forbid(unsafe_code)]

mod figures;
mod forward;
mod receive;
mod seal;
mod traffic;

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use loadtest::measure::Processes;

use figures::{Figures, Mark};
use forward::{Forwarder, Sent};
use receive::Receivers;

/// What forwarding a packet costs on this machine at least.
///
/// Sends to so many receivers what the presenter of a scenario of plenary-load sends, pictures and
/// sound, in real time over loopback, and tells the CPU time for each packet. A packet is copied and
/// sealed once for each receiver (AES-128-GCM, with the receiver's own key), and what a receiver
/// gets at a time leaves in one message (GSO). That is all: no signalling, no feedback, nothing to
/// receive, nothing to decide. Whatever a server needs beyond that is its own.
#[derive(Debug, Parser)]
#[command(name = "plenary-floor", version, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    /// A scenario in which one presents: broadcast or webinar.
    #[arg(long, default_value = "broadcast", value_name = "NAME")]
    scenario: String,
    /// Receivers.
    #[arg(long, default_value_t = 100, value_name = "COUNT")]
    receivers: usize,
    /// How long to measure, after two seconds to warm up.
    #[arg(long, default_value_t = 10.0, value_name = "SECONDS")]
    seconds: f64,
    /// A core for the forwarder and one for the receivers, such as 0,1 (by taskset).
    #[arg(long, value_delimiter = ',', value_name = "CORE,CORE")]
    cores: Vec<usize>,
    /// Send pictures only. Sound costs more: each packet of it is a message.
    #[arg(long)]
    no_sound: bool,
    /// Be the forwarder; the receivers' addresses come by standard input.
    #[arg(long, hide = true)]
    forward: bool,
}

const EXAMPLES: &str = "\
Examples:
  plenary-floor                                what plenary-load run broadcast is held against
  plenary-floor --scenario webinar --receivers 500 --cores 0,1
                                               smaller pictures, and a core for each side
  loadtest/floor/run                           the floor and a Plenary server in turn, and their ratio

Exit codes:
  0  all that was sent was received
  1  it was not, or the forwarder was too busy to be in time; the figures are not worth much
  2  nothing could be measured";

/// Time for caches, clocks and queues to be as they stay.
const WARM_UP: Duration = Duration::from_secs(2);
/// Time for what is still on its way at the end.
const COOL_DOWN: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = if cli.forward {
        forward(&cli)
    } else {
        measure(&cli)
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("plenary-floor: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Receives, and measures the forwarder. Says whether the figures are worth something.
fn measure(cli: &Cli) -> Result<bool> {
    ensure!(cli.receivers > 0, "--receivers must be at least 1");
    ensure!(
        [0, 2].contains(&cli.cores.len()),
        "--cores must be two numbers"
    );
    let span = Duration::try_from_secs_f64(cli.seconds).context("--seconds")?;
    traffic::scenario(&cli.scenario)?;
    if let Some(core) = cli.cores.get(1) {
        take_core(std::process::id(), *core)?;
    }
    let mut receivers = Receivers::bind(cli.receivers)?;
    let mut process = ForwarderProcess::start(cli, &receivers.addresses()?)?;
    // It encodes its pictures first.
    while receivers.received.packets == 0 {
        let end = process.child.try_wait()?;
        ensure!(end.is_none(), "the forwarder has ended before it began");
        receivers.receive_for(Duration::from_millis(50))?;
    }
    receivers.receive_for(WARM_UP)?;

    let watched = Processes::watch(&[process.child.id()])?;
    let begin = Mark::now(&watched, receivers.received);
    receivers.receive_for(span)?;
    let end = Mark::now(&watched, receivers.received);

    let sent = process.stop()?;
    receivers.receive_for(COOL_DOWN)?;
    let figures = Figures {
        begin,
        end,
        sent,
        received: receivers.received,
    };
    // A reader that has gone is no failure.
    let _ = write!(std::io::stdout(), "{figures}");
    Ok(figures.are_sound())
}

/// Forwards until standard input ends, and tells what was sent.
fn forward(cli: &Cli) -> Result<bool> {
    let mut addresses = Vec::new();
    for line in std::io::stdin().lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        addresses.push(line.parse().context("an address on each line")?);
    }
    let tracks = traffic::tracks(traffic::scenario(&cli.scenario)?, !cli.no_sound)?;
    let mut forwarder = Forwarder::new(&addresses)?;
    let is_over = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&is_over);
    std::thread::spawn(move || {
        // Whether it ends or fails, nobody is there any more.
        let _ = std::io::stdin().read(&mut [0]);
        over.store(true, Ordering::Relaxed);
    });
    print!("{}", forwarder.run(&tracks, &is_over)?);
    Ok(true)
}

/// The second process.
struct ForwarderProcess {
    child: Child,
    /// It works until this is closed.
    input: Option<ChildStdin>,
}

impl ForwarderProcess {
    fn start(cli: &Cli, addresses: &[SocketAddr]) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--forward", "--scenario", &cli.scenario])
            .args(cli.no_sound.then_some("--no-sound"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the forwarder")?;
        if let Some(core) = cli.cores.first() {
            take_core(child.id(), *core)?;
        }
        let mut input = child.stdin.take().context("its input")?;
        for address in addresses {
            writeln!(input, "{address}")?;
        }
        writeln!(input)?;
        Ok(Self {
            child,
            input: Some(input),
        })
    }

    fn stop(mut self) -> Result<Sent> {
        drop(self.input.take());
        let output = self.child.wait_with_output()?;
        ensure!(output.status.success(), "the forwarder: {}", output.status);
        String::from_utf8_lossy(&output.stdout).parse()
    }
}

/// Binds a process to a core.
fn take_core(process: u32, core: usize) -> Result<()> {
    let status = Command::new("taskset")
        .args(["--all-tasks", "--cpu-list", "--pid", &core.to_string()])
        .arg(process.to_string())
        .stdout(Stdio::null())
        .status()
        .context("taskset is needed for --cores")?;
    ensure!(status.success(), "taskset cannot give core {core}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
