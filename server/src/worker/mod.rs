//! A worker: one thread, one UDP socket, one engine.
//!
//! Each turn of its loop:
//! 1. wait for datagrams, inputs or the next deadline;
//! 2. hand datagrams, other workers' batches and inputs to the engine, all with one reading of the
//!    clock;
//! 3. let the engine's timers run, and flush;
//! 4. send datagrams in batches, batches to other workers, and replies and messages to their
//!    receivers.

mod ear;
mod handle;
mod post;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use crossbeam_channel::Receiver;
use mio::{Events, Interest, Token};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use crate::clock;
use crate::engine::{
    Command, ConnectionId, Counters, Engine, EngineConfig, ListenerId, Output, Reply, ReplyId,
    Request,
};
use crate::net::{MediaSocket, Transit};
use crate::node::{Placement, Policies};

pub use ear::{Ear, Hearing, MAX_QUEUED_BYTES, Silence, hearing};
pub use handle::{Input, WorkerHandle};
pub use post::{MAX_QUEUED_BATCHES, Post};

/// Frames that wait for a client's WebSocket. A client that reads so slowly is disconnected and
/// may resume.
pub const MAX_QUEUED_FRAMES: usize = 1_024;
/// Inputs that wait for the worker. Beyond it requests are refused with 503, and signalling
/// waits.
pub const MAX_QUEUED_INPUTS: usize = 4_096;
/// Batches of datagrams taken in one turn, so that inputs and timers get their turn too.
const MAX_BATCHES: usize = 16;
/// Batches of other workers taken in one turn.
const MAX_LINK_BATCHES: usize = 64;
/// Inputs taken in one turn.
const MAX_INPUTS: usize = 256;
/// Above this share of a core, turns are spaced by [`MAX_HOLD`]: what comes in between is taken and
/// sent on together, in fewer system calls and larger messages. Lower costs less for each packet,
/// higher delays fewer of them.
const HOLD_ABOVE: f64 = 0.6;
/// Below this share turns are no longer spaced.
const HOLD_NO_MORE_BELOW: f64 = 0.4;
/// Longest time a packet is held for others to come.
const MAX_HOLD: Duration = Duration::from_millis(1);
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

/// What a worker counts.
#[derive(Debug, Clone, Default)]
pub struct WorkerCounters {
    /// What its engine has counted.
    pub engine: Counters,
    /// Datagrams the kernel did not take.
    pub send_lost: u64,
    /// Share of the last moment that it was busy for, 0 to 1.
    pub busy: f64,
    /// How long packets have been in the server.
    pub transit: Transit,
}

/// The thread's state.
#[derive(Debug)]
pub(crate) struct Worker {
    engine: Engine,
    socket: MediaSocket,
    post: Post,
    placement: Placement,
    policies: Policies,
    inputs: Receiver<Input>,
    replies: HashMap<ReplyId, oneshot::Sender<Reply>>,
    connections: HashMap<ConnectionId, mpsc::Sender<Frame>>,
    ears: HashMap<ListenerId, Ear>,
    next_reply: u64,
    counters: Arc<Mutex<WorkerCounters>>,
    counters_due: Instant,
    counted: Instant,
    /// Time spent waiting since then.
    idle: Duration,
    /// Whether the load is high enough to let packets wait for each other.
    holds: bool,
    /// When the last turn began.
    turn: Instant,
    lost: u64,
    stopping: Option<oneshot::Sender<()>>,
}

impl Worker {
    fn new(
        engine: EngineConfig,
        mut socket: MediaSocket,
        post: Post,
        placement: Placement,
        policies: Policies,
        inputs: Receiver<Input>,
        counters: Arc<Mutex<WorkerCounters>>,
    ) -> io::Result<Self> {
        post.poll
            .registry()
            .register(socket.source(), SOCKET, Interest::READABLE)?;
        let now = clock::now();
        Ok(Self {
            engine: Engine::new(now, engine),
            socket,
            post,
            placement,
            policies,
            inputs,
            replies: HashMap::new(),
            connections: HashMap::new(),
            ears: HashMap::new(),
            next_reply: 0,
            counters,
            counters_due: now,
            counted: now,
            idle: Duration::ZERO,
            holds: false,
            turn: now,
            lost: 0,
            stopping: None,
        })
    }

    /// Works until told to stop.
    fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(8);
        let mut has_more = true;
        loop {
            self.wait(&mut events, has_more)?;
            let now = clock::now();
            self.turn = now;
            self.socket.begin_turn();
            has_more = self.receive(now);
            // Before inputs: who is sent to a segment finds it there.
            has_more |= self.take_batches(now) || self.take_inputs(now);
            self.engine.handle_timeout(now);
            while !self.engine.flush(now) {
                self.transmit();
            }
            self.transmit();
            self.post_batches();
            self.deliver(now);
            self.hand_over_heard(now);
            self.publish_counters(now);
            if let Some(stopped) = self.stopping.take() {
                // Whoever asked may have gone; the thread ends all the same.
                let _ = stopped.send(());
                return Ok(());
            }
        }
    }

    /// Waits until there is something to do.
    fn wait(&mut self, events: &mut Events, has_more: bool) -> io::Result<()> {
        let before = clock::now();
        if self.holds && !has_more {
            std::thread::sleep((self.turn + MAX_HOLD).saturating_duration_since(before));
        }
        let mut span = Duration::ZERO;
        if !has_more {
            let next = self.engine.poll_timeout(before).min(self.counters_due);
            span = next.saturating_duration_since(before);
            self.post.fall_asleep();
            if self.post.has_mail() || !self.inputs.is_empty() {
                span = Duration::ZERO;
            }
        }
        let outcome = self.post.poll.poll(events, Some(span));
        self.post.wake_up();
        if !span.is_zero() || self.holds {
            self.idle += clock::now().saturating_duration_since(before);
        }
        match outcome {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
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

    /// Takes what other workers have left. Returns whether there may be more.
    fn take_batches(&mut self, now: Instant) -> bool {
        for _ in 0..MAX_LINK_BATCHES {
            let Some((from, mut batch)) = self.post.take() else {
                return false;
            };
            self.engine.handle_link(now, from, &mut batch);
            self.post.give_back(from, batch);
        }
        true
    }

    fn post_batches(&mut self) {
        while let Some(spare) = self.post.take_spare() {
            self.engine.recycle(spare);
        }
        let batches = std::iter::from_fn(|| self.engine.poll_link());
        for (to, batch) in self.post.leave_all(batches) {
            self.engine.return_link(to, batch);
        }
    }

    /// Hands on what recordings and mixes have heard.
    fn hand_over_heard(&mut self, now: Instant) {
        let deaf = self.ears.iter().filter(|(_, ear)| ear.is_deaf());
        for id in deaf.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.engine.handle_command(now, Command::ListenerGone(id));
            self.ears.remove(&id);
        }
        let mut full = Vec::new();
        while let Some((id, batch, is_last)) = self.engine.poll_heard(now) {
            let Some(ear) = self.ears.get(&id) else {
                continue;
            };
            while let Some(spare) = ear.take_spare() {
                self.engine.recycle_heard(spare);
            }
            if let Err(batch) = ear.give(batch) {
                full.push((id, batch));
            }
            if is_last {
                self.ears.remove(&id);
            }
        }
        for (id, batch) in full {
            self.engine.return_heard(now, id, batch);
        }
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
                self.engine
                    .handle_command(now, Command::Request(id, Request::Join(join)));
                tracing::trace!(?connection, "join");
            }
            Input::Request(request, reply) => {
                let id = self.expect_reply(reply);
                self.engine
                    .handle_command(now, Command::Request(id, request));
            }
            Input::Listen(room, id, purpose, ear, reply) => {
                self.ears.insert(id, ear);
                let reply = self.expect_reply(reply);
                let listen = Request::Listen(room, id, purpose);
                self.engine
                    .handle_command(now, Command::Request(reply, listen));
            }
            Input::ListenerKeyframe(id, track) => {
                self.engine
                    .handle_command(now, Command::ListenerKeyframe(id, track));
            }
            Input::ListenerWish(id, track, wanted) => {
                self.engine
                    .handle_command(now, Command::ListenerWish(id, track, wanted));
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
                Output::RoomOpened(room) => self.placement.room_opened(self.post.own, &room),
                Output::RoomClosed(room) => {
                    // First: then the room may get another home.
                    self.policies.room_closed(&room);
                    self.placement.room_closed(&room);
                }
                Output::Attended(room, attendance) => {
                    self.policies.attended(now, room, *attendance);
                }
                Output::Present(room, count) => {
                    self.placement.present(self.post.own, &room, count);
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
        let span = now.saturating_duration_since(self.counted).as_secs_f64();
        let idle = std::mem::take(&mut self.idle).as_secs_f64();
        let busy = (1.0 - idle / span.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
        self.counted = now;
        let threshold = match self.holds {
            true => HOLD_NO_MORE_BELOW,
            false => HOLD_ABOVE,
        };
        self.holds = busy > threshold;
        self.placement.measured(self.post.own, busy);
        *self.counters.lock() = WorkerCounters {
            engine: self.engine.counters(),
            send_lost: self.lost,
            busy,
            transit: self.socket.transit(),
        };
    }
}
