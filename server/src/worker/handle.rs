//! The other threads' side of a worker.

use std::io;
use std::sync::Arc;

use crossbeam_channel::{Sender, TrySendError, bounded};
use parking_lot::Mutex;
use proto::ids::RoomName;
use proto::signal::messages::signal_request;
use router::Wanted;
use tokio::sync::{mpsc, oneshot};

use super::post::{Bell, Post};
use super::{Ear, Frame, MAX_QUEUED_INPUTS, Worker, WorkerCounters};
use crate::engine::{ConnectionId, EngineConfig, Join, ListenerId, Purpose, Reply, Request};
use crate::net::MediaSocket;
use crate::node::{Placement, Policies};

/// What a worker is given.
#[derive(Debug)]
pub enum Input {
    /// Somebody joins; frames for it go to the channel.
    Join(Box<Join>, mpsc::Sender<Frame>, oneshot::Sender<Reply>),
    /// A request of the API.
    Request(Request, oneshot::Sender<Reply>),
    /// Something is to listen in a room; what it hears goes to the ear.
    Listen(RoomName, ListenerId, Purpose, Ear, oneshot::Sender<Reply>),
    /// A listener needs a keyframe of a track.
    ListenerKeyframe(ListenerId, u16),
    /// A listener has use for a track in this quality.
    ListenerWish(ListenerId, u16, Wanted),
    /// A client's message.
    Signal(ConnectionId, Box<signal_request::Message>),
    /// A client's WebSocket has closed.
    Closed(ConnectionId),
    /// Tell everyone to go, and end.
    Shutdown(oneshot::Sender<()>),
}

/// Hands inputs to a worker and wakes it.
#[derive(Debug, Clone)]
pub struct WorkerHandle {
    inputs: Sender<Input>,
    bell: Bell,
    counters: Arc<Mutex<WorkerCounters>>,
}

impl WorkerHandle {
    /// Starts a worker.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(
        engine: EngineConfig,
        socket: MediaSocket,
        post: Post,
        placement: Placement,
        policies: Policies,
    ) -> io::Result<Self> {
        let index = engine.segment.index();
        let bell = post.bell();
        let (inputs, received) = bounded(MAX_QUEUED_INPUTS);
        let counters = Arc::new(Mutex::new(WorkerCounters::default()));
        let worker = Worker::new(
            engine,
            socket,
            post,
            placement,
            policies,
            received,
            Arc::clone(&counters),
        )?;
        std::thread::Builder::new()
            .name(format!("media-{index}"))
            .spawn(move || {
                if let Err(error) = worker.run() {
                    tracing::error!(index, %error, "a media worker has failed");
                }
            })?;
        Ok(Self {
            inputs,
            bell,
            counters,
        })
    }

    /// Hands over an input.
    ///
    /// # Errors
    /// The input, when the worker has too many or has ended.
    pub fn give(&self, input: Input) -> Result<(), Box<Input>> {
        match self.inputs.try_send(input) {
            Ok(()) => {
                self.bell.ring();
                Ok(())
            }
            Err(TrySendError::Full(input) | TrySendError::Disconnected(input)) => {
                Err(Box::new(input))
            }
        }
    }

    /// What it has counted, a moment ago.
    pub fn counters(&self) -> WorkerCounters {
        self.counters.lock().clone()
    }
}
