//! One run from beginning to end: encode, start the drivers, gather seconds, judge.

mod gather;
mod limit;
mod server;

use std::net::{IpAddr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

pub use limit::find_limit;

use self::gather::Gathered;
use self::server::ServerWatch;
use crate::adapter::{Access, Protocol};
use crate::drive::{self, Leavings, Pair, Stage, Told};
use crate::participant::Material;
use crate::report::{Decoded, Finding, REPORT_VERSION, Report, Second};
use crate::scenario::plan::Plan;
use crate::scenario::{Group, Scenario};
use crate::verify::Sources;
use crate::verify::specimen::{Checker, Sampler};

/// How long drivers may take beyond the plan before they are given up.
const GRACE: Duration = Duration::from_secs(10);
/// From the end of preparations to the start, for threads to come up.
const LEAD: Duration = Duration::from_millis(100);
/// For the last messages of those who leave to get out.
const FAREWELL: Duration = Duration::from_millis(300);

/// What a run needs besides its scenario.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the server is and how to get in.
    pub access: Access,
    /// Which signalling it speaks.
    pub protocol: Protocol,
    /// Replays the same plan.
    pub seed: u64,
    /// Threads that carry participants.
    pub threads: usize,
    /// The address participants send from; found out if it is not told.
    pub local: Option<IpAddr>,
    /// Streams truly decoded at once.
    pub decoded_streams: usize,
    /// Whether the pair without a server runs beside.
    pub direct: bool,
    /// The server's processes, if they can be watched.
    pub server_pids: Vec<u32>,
    /// Where the server's metrics are.
    pub metrics_url: Option<String>,
}

/// What a run tells while it goes on.
#[derive(Debug)]
pub enum Progress<'a> {
    /// Preparing what publishers send: so many of so many cards are done.
    Encoding(usize, usize),
    /// A second is over: of so many.
    Second(&'a Second, u32),
    /// The limit is searched for: this size comes next.
    Size(usize),
}

/// Takes what a run tells.
pub type Tell<'a> = &'a mut dyn FnMut(Progress<'_>);

/// Runs a scenario. Closing `stop` ends it early.
///
/// # Errors
/// It cannot begin: no encoder, an unknown host, a process that is not there. Whatever goes wrong
/// later is in the report.
pub fn run(
    scenario: &Scenario,
    settings: &Settings,
    stop: &Receiver<()>,
    tell: Tell<'_>,
) -> Result<Report> {
    let plan = Arc::new(Plan::new(scenario.clone(), settings.seed, ""));
    let mut server = ServerWatch::new(settings, plan.first_steady_second())?;
    let local = match settings.local {
        Some(local) => local,
        None => local_address(&settings.access.server)?,
    };
    let material = encode(&plan, tell)?;
    let (sampler, specimens) = Sampler::new();
    let checker = Checker::new(scenario.video.clone());
    let checking = spawn("checker", move || checker.run(&specimens))?;

    let epoch = Instant::now() + LEAD;
    let epoch_wall = SystemTime::now() + LEAD;
    let stage = Stage {
        direct: pair(settings, &plan, &material),
        sources: Arc::new(Sources::new(plan.participants.len())),
        plan,
        material: Arc::new(material),
        sampler,
        access: settings.access.clone(),
        protocol: settings.protocol,
        local,
        decoded_streams: settings.decoded_streams,
        epoch,
        epoch_wall,
    };
    let mut gathered = Gathered::new(&stage.plan, settings.threads)?;
    let mut leavings = attend(&stage, settings, stop, &mut server, &mut gathered, tell)?;
    let skipped = stage.sampler.skipped();
    let plan = Arc::clone(&stage.plan);
    drop(stage);
    let (mut decoded, findings) = wait_for(checking);
    decoded.skipped = skipped;

    let mut report = Report {
        report_version: REPORT_VERSION,
        tester_version: env!("CARGO_PKG_VERSION").to_owned(),
        scenario: scenario.name.clone(),
        summary: scenario.summary.clone(),
        server: settings.access.server.clone(),
        protocol: settings.protocol.name().to_owned(),
        seed: settings.seed,
        started: rfc3339(epoch_wall),
        plan: plan.summary(),
        decoded,
        subscriptions: std::mem::take(&mut leavings.subscriptions),
        ..Report::default()
    };
    gathered.into_report(&mut report, findings, leavings.failure);
    server.into_report(&mut report);
    report.bars = scenario.bars.judge(&report);
    report.passed = report.aborted.is_none() && report.bars.iter().all(|bar| bar.held);
    Ok(report)
}

/// Starts the drivers and listens to them until they have ended.
fn attend(
    stage: &Stage,
    settings: &Settings,
    stop: &Receiver<()>,
    server: &mut ServerWatch,
    gathered: &mut Gathered,
    tell: Tell<'_>,
) -> Result<Leavings> {
    let (abort, own_stop): (Sender<()>, Receiver<()>) = bounded(0);
    let mut abort = Some(abort);
    let told = drive::start(stage, settings.threads, &own_stop)?;
    let mut all = Leavings::default();
    let mut ended = 0;
    let deadline = stage.epoch + stage.plan.end + GRACE;
    let last = stage.plan.end.as_secs() as u32;
    while ended < settings.threads {
        let message = crossbeam_channel::select! {
            recv(told) -> message => message.map_err(|_| RecvTimeoutError::Disconnected),
            recv(stop) -> _ => {
                if abort.take().is_some() {
                    all.failure = Some("interrupted".to_owned());
                }
                told.recv_timeout(GRACE)
            }
            default(deadline.saturating_duration_since(Instant::now())) => {
                Err(RecvTimeoutError::Timeout)
            }
        };
        match message {
            Ok(Told::Second(number, tally)) => {
                if let Some(second) = gathered.add(number, &tally) {
                    server.note(second);
                    tell(Progress::Second(second, last));
                }
                if gathered.have_all_failed() && abort.take().is_some() {
                    all.failure = Some("no participant is left".to_owned());
                }
            }
            Ok(Told::Direct(number, tally)) => gathered.add_direct(number, &tally),
            Ok(Told::Ended(leavings)) => {
                ended += 1;
                all.subscriptions.extend(leavings.subscriptions);
                all.failure = all.failure.take().or(leavings.failure);
            }
            Err(_) => {
                all.failure = Some("a driver thread does not end".to_owned());
                break;
            }
        }
    }
    std::thread::sleep(FAREWELL);
    Ok(all)
}

/// Encodes what publishers send.
fn encode(plan: &Plan, tell: Tell<'_>) -> Result<Material> {
    let publishers = plan.participants.iter();
    let cameras = publishers.clone().filter(|part| part.video).count();
    let microphones = publishers.filter(|part| part.audio).count();
    let progress = |done, total| tell(Progress::Encoding(done, total));
    Material::encode(&plan.scenario, cameras, microphones, progress)
        .context("cannot make what publishers send")
}

/// One that sends the encoding most watched and one that receives it, for as long as the run.
fn pair(settings: &Settings, plan: &Plan, material: &Material) -> Option<Arc<Pair>> {
    let sends = |what: fn(&Group) -> bool| plan.scenario.groups.iter().any(what);
    let (video, audio) = (sends(|group| group.video), sends(|group| group.audio));
    if !settings.direct || !(video || audio) {
        return None;
    }
    let mut scenario = plan.scenario.clone();
    let watched = plan.most_watched_encoding();
    let encoding = scenario.video.encodings.get(watched).copied();
    scenario.video.encodings = encoding.into_iter().collect();
    scenario.rooms = 1;
    scenario.churn = crate::scenario::Churn::default();
    scenario.data.per_second = 0.0;
    let layout = crate::scenario::Layout::All;
    let member = |video, audio| Group {
        count: 1,
        video,
        audio,
        layout,
    };
    scenario.groups = vec![member(video, audio), member(false, false)];
    let mut own = Plan::new(scenario, settings.seed, "direct-");
    (own.steady_from, own.end) = (plan.steady_from, plan.end);
    let clips = material.clips.iter().take(1);
    Some(Arc::new(Pair {
        plan: Arc::new(own),
        material: Arc::new(Material {
            clips: clips
                .map(|card| card.iter().skip(watched).take(1).cloned().collect())
                .collect(),
            tones: material.tones.iter().take(1).cloned().collect(),
        }),
    }))
}

/// The address this machine reaches the server from.
fn local_address(server: &str) -> Result<IpAddr> {
    let rest = server.split_once("://").map_or(server, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    let has_port = authority
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let named = if has_port {
        authority.to_owned()
    } else {
        format!("{authority}:443")
    };
    let unknown = || format!("cannot find the server {server}; it is given as ws://host:port");
    let mut addresses: Vec<SocketAddr> = named.to_socket_addrs().with_context(unknown)?.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    let Some(address) = addresses.first() else {
        bail!(unknown());
    };
    let any: IpAddr = if address.is_ipv4() {
        std::net::Ipv4Addr::UNSPECIFIED.into()
    } else {
        std::net::Ipv6Addr::UNSPECIFIED.into()
    };
    let probe = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect(address)?;
        socket.local_addr()
    });
    Ok(probe
        .with_context(|| format!("there is no way to {address}"))?
        .ip())
}

type Checking = Receiver<(Decoded, Vec<Finding>)>;

fn spawn(
    name: &str,
    work: impl FnOnce() -> (Decoded, Vec<Finding>) + Send + 'static,
) -> Result<Checking> {
    let (done, result) = bounded(1);
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            // Whoever waits may have given up.
            let _ = done.send(work());
        })
        .context("cannot start a thread")?;
    Ok(result)
}

/// What the decoders saw; nothing if they hang.
fn wait_for(checking: Checking) -> (Decoded, Vec<Finding>) {
    checking.recv_timeout(GRACE).unwrap_or_default()
}

fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}
