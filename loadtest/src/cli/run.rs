//! `plenary-load run`

use std::io::{IsTerminal, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Args;
use crossbeam_channel::{Receiver, bounded};

use super::live::Live;
use crate::adapter::{Access, Protocol};
use crate::report::{self, Report};
use crate::run::{Settings, find_limit, run};
use crate::scenario::Scenario;

/// See the command.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// Name of a shipped scenario (see `plenary-load list`), or a scenario file.
    scenario: String,
    /// Where the server is: its signalling address.
    #[arg(
        long,
        env = "LIVEKIT_URL",
        default_value = "ws://localhost:7880",
        value_name = "URL"
    )]
    server: String,
    /// How to speak to it.
    #[arg(long, value_enum, default_value_t = Protocol::Livekit)]
    protocol: Protocol,
    /// API key to make tokens with.
    #[arg(long, env = "LIVEKIT_API_KEY", value_name = "KEY")]
    api_key: Option<String>,
    /// Its secret.
    #[arg(
        long,
        env = "LIVEKIT_API_SECRET",
        hide_env_values = true,
        value_name = "SECRET"
    )]
    api_secret: Option<String>,
    /// Another size: rooms where there are several, else participants of the last group.
    #[arg(long, value_name = "COUNT")]
    size: Option<usize>,
    /// Seconds from when everybody is there to the end.
    #[arg(long, value_name = "SECONDS")]
    duration: Option<f64>,
    /// Participants that join in a second.
    #[arg(long, value_name = "PER_SECOND")]
    join_rate: Option<f64>,
    /// Change a value of the scenario, such as video.codec=h264 or group.0.layout=5x5.
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Search for the largest size that holds every bar.
    #[arg(long)]
    find_limit: bool,
    /// Replays the joins, the churn and the choice of samples of the run with this seed.
    #[arg(long)]
    seed: Option<u64>,
    /// Threads that carry participants; half of the cores if not given.
    #[arg(long)]
    threads: Option<usize>,
    /// Streams that are truly decoded at once; the choice rotates.
    #[arg(long, default_value_t = 4, value_name = "COUNT")]
    decode: usize,
    /// Address participants send from; the one that reaches the server if not given.
    #[arg(long, value_name = "ADDRESS")]
    local_address: Option<IpAddr>,
    /// Leave out the pair without a server that latency is compared with.
    #[arg(long)]
    no_direct: bool,
    /// Watch what this process and its children spend; may be given several times.
    #[arg(long, value_name = "PID")]
    server_pid: Vec<u32>,
    /// Read the server's metrics here, such as http://localhost:7881/metrics.
    #[arg(long, value_name = "URL")]
    metrics: Option<String>,
    /// Write the whole report as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the seconds as CSV.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write a page with plots, which needs nothing else.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Say nothing until the end.
    #[arg(long, short)]
    quiet: bool,
}

/// Rooms of two testers with different seeds are different rooms.
const ROOM_PREFIX: &str = "load";
/// More threads than this for a tester are a slip.
const MAX_THREADS: usize = 256;

impl Run {
    pub(super) fn run(self) -> Result<ExitCode> {
        let scenario = self.scenario()?;
        let settings = self.settings()?;
        for path in [&self.json, &self.csv, &self.html].into_iter().flatten() {
            check_writable(path)?;
        }
        let stop = on_interrupt()?;
        let mut live = Live::new(self.quiet, std::io::stderr().is_terminal());
        live.begin(&scenario, &settings);
        let search = if self.find_limit { find_limit } else { run };
        let result = search(&scenario, &settings, &stop, &mut |progress| {
            live.tell(&progress)
        });
        live.end();
        let report = result?;
        self.write(&report)?;
        // A reader that has gone is no failure.
        let _ = writeln!(std::io::stdout().lock(), "{}", report::table(&report));
        Ok(if report.passed {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    fn scenario(&self) -> Result<Scenario> {
        let mut scenario = changed(Scenario::find(&self.scenario)?, &self.set)?;
        scenario.duration_s = self.duration.unwrap_or(scenario.duration_s);
        scenario.join_rate = self.join_rate.unwrap_or(scenario.join_rate);
        scenario.check()?;
        match self.size {
            Some(size) => scenario.with_size(size),
            None => Ok(scenario),
        }
    }

    fn settings(&self) -> Result<Settings> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = self.threads.unwrap_or((cores / 2).max(1));
        ensure!(
            (1..=MAX_THREADS).contains(&threads),
            "--threads must be from 1 to {MAX_THREADS}"
        );
        let key = match (&self.api_key, &self.api_secret) {
            (Some(key), Some(secret)) => Some((key.clone(), secret.clone())),
            (None, None) => None,
            _ => anyhow::bail!("--api-key and --api-secret go together"),
        };
        let needs_key = self.protocol == Protocol::Livekit;
        ensure!(
            key.is_some() || !needs_key,
            "--api-key and --api-secret are missing; participants make their tokens with them"
        );
        let seed = self
            .seed
            .unwrap_or_else(|| u64::from(rand::random::<u32>()));
        Ok(Settings {
            access: Access {
                server: self.server.clone(),
                key,
                room_prefix: format!("{ROOM_PREFIX}-{seed}-"),
            },
            protocol: self.protocol,
            seed,
            threads,
            local: self.local_address,
            decoded_streams: self.decode,
            direct: !self.no_direct,
            server_pids: self.server_pid.clone(),
            metrics_url: self.metrics.clone(),
        })
    }

    fn write(&self, report: &Report) -> Result<()> {
        let save = |path: &Option<PathBuf>, text: &dyn Fn() -> Result<String>| match path {
            Some(path) => std::fs::write(path, text()?)
                .with_context(|| format!("cannot write {}", path.display())),
            None => Ok(()),
        };
        save(&self.json, &|| Ok(report::json(report)?))?;
        save(&self.csv, &|| Ok(report::csv(report)))?;
        save(&self.html, &|| Ok(report::page(report)))
    }
}

/// Applies changes to a scenario.
pub(super) fn changed(scenario: Scenario, changes: &[String]) -> Result<Scenario> {
    changes
        .iter()
        .try_fold(scenario, |scenario, change| scenario.set(change))
}

/// A report that cannot be written should be known before the run.
fn check_writable(path: &Path) -> Result<()> {
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map(drop)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// A channel that closes at the first SIGINT; the second one ends the program at once.
fn on_interrupt() -> Result<Receiver<()>> {
    let (stop, stopped) = bounded(0);
    let mut stop = Some(stop);
    ctrlc::set_handler(move || {
        if stop.take().is_none() {
            std::process::exit(130);
        }
    })
    .context("cannot wait for Ctrl-C")?;
    Ok(stopped)
}
