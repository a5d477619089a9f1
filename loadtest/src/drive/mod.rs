//! Participants on threads, with their sockets.
//!
//! Each driver thread carries every n-th participant; one more thread carries all signalling
//! connections. A driver hands over a [`Tally`] every second and its [`Leavings`] at the end.

mod seat;
mod signalling;
mod socket;
mod worker;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use crossbeam_channel::{Receiver, Sender};
use proto::media::WallClock;
use proto::session::{DtlsIdentity, SessionConfig};

pub use socket::{Buffers, PeerSocket};

use crate::adapter::{Access, Protocol};
use crate::participant::Material;
use crate::report::SubscriptionSummary;
use crate::scenario::plan::Plan;
use crate::verify::specimen::Sampler;
use crate::verify::{Sources, Tally};

/// What all drivers of a run share.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Who does what when.
    pub plan: Arc<Plan>,
    /// The pair without a server.
    pub direct: Option<Arc<Pair>>,
    /// What they send.
    pub material: Arc<Material>,
    /// What publishers really did.
    pub sources: Arc<Sources>,
    /// Where specimens go.
    pub sampler: Sampler,
    /// Where the server is.
    pub access: Access,
    /// Which signalling it speaks.
    pub protocol: Protocol,
    /// The address participants send from.
    pub local: IpAddr,
    /// Streams decoded at once, over all drivers.
    pub decoded_streams: usize,
    /// The start.
    pub epoch: Instant,
    /// The same by the wall clock.
    pub epoch_wall: SystemTime,
}

/// Two participants that reach each other without a server, for comparison.
#[derive(Debug)]
pub struct Pair {
    /// Who does what when.
    pub plan: Arc<Plan>,
    /// What the first of them sends.
    pub material: Arc<Material>,
}

/// What a driver reports.
#[derive(Debug)]
pub enum Told {
    /// A second is over.
    Second(u32, Box<Tally>),
    /// The same for the pair without a server.
    Direct(u32, Box<Tally>),
    /// The driver has ended.
    Ended(Box<Leavings>),
}

/// What is left when a driver has ended.
#[derive(Debug, Default)]
pub struct Leavings {
    /// What became of each subscription.
    pub subscriptions: Vec<SubscriptionSummary>,
    /// Why it ended early.
    pub failure: Option<String>,
}

/// Starts so many drivers and the signalling. Ends when all senders of `Told` are gone, or as soon
/// as `stop` is closed.
///
/// # Errors
/// The system refuses a thread, or crypto does not work.
pub fn start(stage: &Stage, threads: usize, stop: &Receiver<()>) -> Result<Receiver<Told>> {
    let identity = DtlsIdentity::generate().context("cannot make a certificate")?;
    let config = SessionConfig {
        identity,
        addresses: Vec::new(),
        estimates: false,
        wall: wall_clock(),
    };
    let (tell, told) = crossbeam_channel::unbounded();
    let mut boxes = Vec::new();
    let mut workers = Vec::new();
    for index in 0..threads {
        let seats = (0..stage.plan.participants.len()).filter(|number| number % threads == index);
        let worker = worker::Worker::new(stage, &config, seats.collect(), index, threads)?;
        boxes.push(worker.postbox());
        workers.push(worker);
    }
    let wires = signalling::start(boxes)?;
    for (index, worker) in workers.into_iter().enumerate() {
        let (tell, wires, stop) = (tell.clone(), wires.clone(), stop.clone());
        std::thread::Builder::new()
            .name(format!("driver-{index}"))
            .spawn(move || end(worker, &wires, &tell, &stop))
            .context("cannot start a thread")?;
    }
    Ok(told)
}

fn end(
    worker: worker::Worker,
    wires: &signalling::Wires,
    tell: &Sender<Told>,
    stop: &Receiver<()>,
) {
    let leavings = worker.run(wires, tell, stop);
    // Whoever listens may have given up.
    let _ = tell.send(Told::Ended(Box::new(leavings)));
}

fn wall_clock() -> WallClock {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    WallClock::new(Instant::now(), since_1970.unwrap_or_default())
}
