//! A worker: one thread, one UDP socket, one engine.
//!
//! Each turn of its loop:
//! 1. wait for datagrams, inputs or the next deadline;
//! 2. hand datagrams and inputs to the engine, all with one reading of the clock;
//! 3. let the engine's timers run, and flush;
//! 4. send datagrams in batches, and replies and messages to their receivers.

mod handle;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use crossbeam_channel::Receiver;
use mio::{Events, Interest, Poll, Token};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use crate::clock;
use crate::engine::{
    Command, ConnectionId, Counters, Engine, EngineConfig, Output, Reply, ReplyId,
};
use crate::net::MediaSocket;

pub use handle::{Input, WorkerHandle};

/// Frames that wait for a client's WebSocket. A client that reads so slowly is disconnected and
/// may resume.
pub const MAX_QUEUED_FRAMES: usize = 1_024;
/// Inputs that wait for the worker. Beyond it requests are refused with 503, and signalling
/// waits.
pub const MAX_QUEUED_INPUTS: usize = 4_096;
/// Batches of datagrams taken in one turn, so that inputs and timers get their turn too.
const MAX_BATCHES: usize = 16;
/// Inputs taken in one turn.
const MAX_INPUTS: usize = 256;
/// How often counters are published for whoever looks.
const COUNTERS_INTERVAL: Duration = Duration::from_millis(250);

const SOCKET: Token = Token(0);
const WAKER: Token = Token(1);

/// A frame for a client.
#[derive(Debug, Clone)]
pub enum Frame {
    /// An encoded `SignalResponse`.
    Message(Bytes),
    /// Close the WebSocket after what was sent.
    Close,
}

/// The thread's state.
#[derive(Debug)]
pub(crate) struct Worker {
    engine: Engine,
    socket: MediaSocket,
    poll: Poll,
    inputs: Receiver<Input>,
    replies: HashMap<ReplyId, oneshot::Sender<Reply>>,
    connections: HashMap<ConnectionId, mpsc::Sender<Frame>>,
    next_reply: u64,
    counters: Arc<Mutex<Counters>>,
    counters_due: Instant,
    lost: u64,
    stopping: Option<oneshot::Sender<()>>,
}

impl Worker {
    fn new(
        engine: EngineConfig,
        mut socket: MediaSocket,
        poll: Poll,
        inputs: Receiver<Input>,
        counters: Arc<Mutex<Counters>>,
    ) -> io::Result<Self> {
        poll.registry()
            .register(socket.source(), SOCKET, Interest::READABLE)?;
        let now = clock::now();
        Ok(Self {
            engine: Engine::new(now, engine),
            socket,
            poll,
            inputs,
            replies: HashMap::new(),
            connections: HashMap::new(),
            next_reply: 0,
            counters,
            counters_due: now,
            lost: 0,
            stopping: None,
        })
    }

    /// Works until told to stop.
    fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(8);
        let mut has_more = true;
        loop {
            let wait = if has_more {
                Duration::ZERO
            } else {
                self.time_to_wait()
            };
            match self.poll.poll(&mut events, Some(wait)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                Ok(()) | Err(_) => {}
            }
            let now = clock::now();
            has_more = self.receive(now);
            has_more |= self.take_inputs(now);
            self.engine.handle_timeout(now);
            while !self.engine.flush(now) {
                self.transmit();
            }
            self.transmit();
            self.deliver(now);
            self.publish_counters(now);
            if let Some(stopped) = self.stopping.take() {
                // Whoever asked may have gone; the thread ends all the same.
                let _ = stopped.send(());
                return Ok(());
            }
        }
    }

    fn time_to_wait(&self) -> Duration {
        let now = clock::now();
        self.engine
            .poll_timeout(now)
            .min(self.counters_due)
            .saturating_duration_since(now)
    }

    /// Takes datagrams until there are none, or enough. Returns whether there may be more.
    fn receive(&mut self, now: Instant) -> bool {
        let engine = &mut self.engine;
        for _ in 0..MAX_BATCHES {
            let may_have_more = self.socket.receive(|source, local, datagram| {
                engine.handle_datagram(now, source, local, datagram);
            });
            if !may_have_more {
                return false;
            }
        }
        true
    }

    fn take_inputs(&mut self, now: Instant) -> bool {
        for _ in 0..MAX_INPUTS {
            let Ok(input) = self.inputs.try_recv() else {
                return false;
            };
            self.take_input(now, input);
        }
        true
    }

    fn take_input(&mut self, now: Instant, input: Input) {
        match input {
            Input::Join(join, frames, reply) => {
                self.connections.insert(join.connection, frames);
                let connection = join.connection;
                let id = self.expect_reply(reply);
                self.engine.handle_command(
                    now,
                    Command::Request(id, crate::engine::Request::Join(join)),
                );
                tracing::trace!(?connection, "join");
            }
            Input::Request(request, reply) => {
                let id = self.expect_reply(reply);
                self.engine
                    .handle_command(now, Command::Request(id, request));
            }
            Input::Signal(connection, message) => {
                self.engine
                    .handle_command(now, Command::Signal(connection, message));
            }
            Input::Closed(connection) => {
                self.connections.remove(&connection);
                self.engine.handle_command(now, Command::Closed(connection));
            }
            Input::Shutdown(stopped) => {
                self.engine.handle_command(now, Command::Shutdown);
                self.stopping = Some(stopped);
            }
        }
    }

    fn expect_reply(&mut self, reply: oneshot::Sender<Reply>) -> ReplyId {
        self.next_reply += 1;
        let id = ReplyId(self.next_reply);
        self.replies.insert(id, reply);
        id
    }

    fn transmit(&mut self) {
        self.lost += self.socket.send(self.engine.batch());
        self.engine.clear_batch();
    }

    /// Hands out replies and messages.
    fn deliver(&mut self, now: Instant) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Reply(id, reply) => {
                    if let Some(waiting) = self.replies.remove(&id) {
                        // The one who asked may have stopped waiting.
                        let _ = waiting.send(reply);
                    }
                }
                Output::Signal(connection, message) => {
                    let Some(frames) = self.connections.get(&connection) else {
                        continue;
                    };
                    if frames.try_send(Frame::Message(message)).is_err() {
                        self.connections.remove(&connection);
                        self.engine.handle_command(now, Command::Closed(connection));
                    }
                }
                Output::Close(connection) => {
                    if let Some(frames) = self.connections.remove(&connection) {
                        // A full queue ends with its sender all the same.
                        let _ = frames.try_send(Frame::Close);
                    }
                }
            }
        }
    }

    fn publish_counters(&mut self, now: Instant) {
        if now < self.counters_due {
            return;
        }
        self.counters_due = now + COUNTERS_INTERVAL;
        let mut counters = self.engine.counters();
        counters.send_lost = self.lost;
        *self.counters.lock() = counters;
    }
}
