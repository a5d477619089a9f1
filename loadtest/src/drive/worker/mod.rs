//! A driver thread: waits for datagrams, letters and timers, and serves its participants.

mod alarm;
mod desk;
mod timers;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use crossbeam_channel::{Receiver, Sender, TryRecvError, unbounded};
use mio::{Events, Poll, Token};
use proto::session::SessionConfig;

use self::alarm::Alarm;
use self::desk::Desk;
pub(super) use self::timers::{Due, Timers};
use super::seat::Seat;
use super::signalling::{Postbox, Wires};
use super::socket::Buffers;
use super::{Leavings, Stage, Told};
use crate::adapter::{Direct, Heard, Wire, adapter, peers};
use crate::participant::Participant;
use crate::scenario::plan::Turn;

/// Sockets of one seat at most; the rest of a token is the seat's index.
const MAX_PEERS: usize = 1 << 10;
const WAKER: Token = Token(usize::MAX);
const ALARM: Token = Token(usize::MAX - 1);
/// Sockets served in one round.
const MAX_EVENTS: usize = 1_024;
/// Each participant is looked after so many times a second.
const LOOKS_PER_SECOND: u64 = 4;
/// Longest sleep: looks are spread over time, not timed.
const MAX_SLEEP: Duration = Duration::from_millis(5);
/// Streams are decoded for so long; then others have their turn.
const SAMPLE_SECONDS: u32 = 8;

/// A driver before and while it runs.
pub(super) struct Worker {
    desk: Desk,
    poll: Poll,
    alarm: Alarm,
    postbox: Postbox,
    letters: Receiver<(usize, Heard)>,
    seats: Vec<Seat>,
    /// The pair without a server sits behind these.
    regular_seats: usize,
    threads: usize,
    decoded_streams: usize,
    timers: Timers,
    buffers: Buffers,
    looks_done: u64,
    next_sampled: usize,
}

impl Worker {
    /// The `index`-th of so many drivers, with the participants of these numbers.
    pub(super) fn new(
        stage: &Stage,
        config: &SessionConfig,
        numbers: Vec<usize>,
        index: usize,
        threads: usize,
    ) -> Result<Self> {
        let poll = Poll::new().context("cannot wait for sockets")?;
        let alarm = Alarm::new(poll.registry(), ALARM).context("cannot make a timer")?;
        let waker = mio::Waker::new(poll.registry(), WAKER).context("cannot be woken")?;
        let (letters_in, letters) = unbounded();
        let mut seats: Vec<Seat> = numbers
            .into_iter()
            .map(|number| {
                let part = &stage.plan.participants[number];
                let adapter = adapter(stage.protocol, &stage.access, &stage.plan, part);
                let (plan, material) = (&stage.plan, &stage.material);
                let participant =
                    Participant::new(stage.epoch, number, plan, config, material, adapter);
                Seat::new(number, participant, false)
            })
            .collect();
        let regular_seats = seats.len();
        if let Some(direct) = stage.direct.as_ref().filter(|_| index == 0) {
            for number in 0..direct.plan.participants.len() {
                let participant = Participant::new(
                    stage.epoch,
                    number,
                    &direct.plan,
                    config,
                    &direct.material,
                    Box::new(Direct::default()),
                );
                seats.push(Seat::new(number, participant, true));
            }
        }
        let mut timers = Timers::default();
        for (place, seat) in seats.iter().enumerate() {
            if let Some((at, _)) = seat.participant.next_turn() {
                timers.set(stage.epoch + at, Due::Turn(place));
            }
        }
        Ok(Self {
            desk: Desk::new(stage),
            poll,
            alarm,
            postbox: Postbox {
                letters: letters_in,
                waker: Arc::new(waker),
            },
            letters,
            seats,
            regular_seats,
            threads,
            decoded_streams: stage.decoded_streams.div_ceil(threads),
            timers,
            buffers: Buffers::default(),
            looks_done: 0,
            next_sampled: 0,
        })
    }

    pub(super) fn postbox(&self) -> Postbox {
        self.postbox.clone()
    }

    /// Serves its participants to the end of the plan, or until `stop` is closed.
    pub(super) fn run(
        mut self,
        wires: &Wires,
        tell: &Sender<Told>,
        stop: &Receiver<()>,
    ) -> Leavings {
        let failure = self.serve(wires, tell, stop).err();
        let now = Instant::now();
        let mut subscriptions = Vec::new();
        for seat in &mut self.seats {
            let mut judge = self.desk.judge(now, seat.is_direct);
            let summaries = seat.participant.finish(&mut judge);
            if !seat.is_direct {
                subscriptions.extend(summaries);
            }
        }
        for place in 0..self.seats.len() {
            self.see_to(place, wires);
        }
        self.desk.flush(now, tell);
        Leavings {
            subscriptions,
            failure: failure.map(|error| format!("{error:#}")),
        }
    }

    fn serve(&mut self, wires: &Wires, tell: &Sender<Told>, stop: &Receiver<()>) -> Result<()> {
        let mut events = Events::with_capacity(MAX_EVENTS);
        loop {
            let now = Instant::now();
            if now >= self.desk.end || stop.try_recv() == Err(TryRecvError::Disconnected) {
                return Ok(());
            }
            self.look_after_some(now, wires);
            self.serve_timers(now, wires);
            self.read_letters(wires);
            if self.desk.is_second_over(now) {
                self.end_second(now, tell);
            }
            let latest = now + MAX_SLEEP;
            let until = self.timers.next().map_or(latest, |next| next.min(latest));
            self.alarm.set(now, until).context("cannot set a timer")?;
            self.desk.busy.pause(Instant::now());
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    return Err(error).context("cannot wait for sockets");
                }
                _ => {}
            }
            self.desk.busy.resume(Instant::now());
            for event in &events {
                if ![WAKER, ALARM].contains(&event.token()) {
                    let Token(token) = event.token();
                    self.receive(token / MAX_PEERS, token % MAX_PEERS, wires);
                }
            }
        }
    }

    fn receive(&mut self, place: usize, peer: usize, wires: &Wires) {
        let Some(seat) = self.seats.get_mut(place) else {
            return;
        };
        let Some(socket) = seat.sockets.get(peer) else {
            return;
        };
        loop {
            let mut judge = self.desk.judge(Instant::now(), seat.is_direct);
            let participant = &mut seat.participant;
            let may_be_more = socket.receive(&mut self.buffers, |source, datagram| {
                participant.handle_datagram(&mut judge, peer, source, datagram);
            });
            if !may_be_more {
                break;
            }
        }
        self.see_to(place, wires);
    }

    fn read_letters(&mut self, wires: &Wires) {
        while let Ok((number, heard)) = self.letters.try_recv() {
            self.hear(number / self.threads, heard, wires);
        }
    }

    fn hear(&mut self, place: usize, heard: Heard, wires: &Wires) {
        if let Some(seat) = self.seats.get_mut(place) {
            let mut judge = self.desk.judge(Instant::now(), seat.is_direct);
            seat.participant.hear(&mut judge, heard);
            self.see_to(place, wires);
        }
    }

    fn serve_timers(&mut self, now: Instant, wires: &Wires) {
        while let Some((at, due)) = self.timers.take(now) {
            let (Due::Turn(place) | Due::Session(place, _) | Due::Media(place)) = due;
            let Some(seat) = self.seats.get_mut(place) else {
                continue;
            };
            match due {
                Due::Turn(_) => self.take_turn(now, place),
                Due::Session(_, peer) => {
                    if !seat.forget_timer(peer, at) {
                        continue;
                    }
                    let is_due = seat.participant.deadline(peer).is_some_and(|at| at <= now);
                    if is_due {
                        let mut judge = self.desk.judge(now, seat.is_direct);
                        seat.participant.handle_timeout(&mut judge, peer);
                    }
                }
                Due::Media(_) => {
                    if !seat.forget_media_timer(at) {
                        continue;
                    }
                    self.desk.lateness(now - at);
                    let mut judge = self.desk.judge(now, seat.is_direct);
                    seat.participant.send_media(&mut judge);
                }
            }
            self.see_to(place, wires);
        }
    }

    fn take_turn(&mut self, now: Instant, place: usize) {
        let seat = &mut self.seats[place];
        let Some((_, turn)) = seat.participant.next_turn() else {
            return;
        };
        let stage = &self.desk.stage;
        let local = stage.local;
        let count = if seat.is_direct {
            1
        } else {
            let part = &stage.plan.participants[seat.number];
            peers(stage.protocol, &stage.plan, part)
        };
        let mut judge = self.desk.judge(now, seat.is_direct);
        match turn {
            Turn::Leave => seat.participant.leave(&mut judge),
            Turn::Reconnect => seat.participant.reconnect(&mut judge),
            Turn::Return => {
                let token = |peer| Token(place * MAX_PEERS + peer);
                match seat.bind(count.min(MAX_PEERS), local, self.poll.registry(), token) {
                    Ok(addresses) => seat.participant.join(&mut judge, &addresses),
                    Err(error) => {
                        let what = format!("cannot open a socket: {error}");
                        seat.participant.cannot_join(&mut judge, what);
                    }
                }
            }
        }
        if let Some((at, _)) = self.seats[place].participant.next_turn() {
            self.timers
                .set(self.desk.stage.epoch + at, Due::Turn(place));
        }
    }

    /// Looks after as many participants as are due by now.
    fn look_after_some(&mut self, now: Instant, wires: &Wires) {
        let seats = self.seats.len() as u64;
        let elapsed_us = (now - self.desk.stage.epoch).as_micros() as u64;
        let due = elapsed_us * LOOKS_PER_SECOND * seats / 1_000_000;
        // After a stall nobody needs more than one look.
        self.looks_done = self.looks_done.max(due.saturating_sub(seats));
        while self.looks_done < due {
            let place = (self.looks_done % seats) as usize;
            self.looks_done += 1;
            let seat = &mut self.seats[place];
            let mut judge = self.desk.judge(now, seat.is_direct);
            seat.participant.look(&mut judge);
            self.see_to(place, wires);
        }
    }

    /// Carries out what a participant wants after it was served.
    fn see_to(&mut self, place: usize, wires: &Wires) {
        let Some(seat) = self.seats.get_mut(place) else {
            return;
        };
        seat.transmit();
        seat.set_timers(place, &mut self.timers);
        let mut for_partner = Vec::new();
        while let Some(wire) = seat.participant.poll_wire() {
            if !seat.is_direct {
                // Without the signalling thread the run is over anyway.
                let _ = wires.send((seat.number, wire));
            } else if let Wire::Send(frame) = wire {
                for_partner.push(Heard::Frame(frame));
            }
        }
        let partner = self.regular_seats + (place - self.regular_seats.min(place) + 1) % 2;
        for heard in for_partner {
            self.hear(partner, heard, wires);
        }
    }

    fn end_second(&mut self, now: Instant, tell: &Sender<Told>) {
        for seat in &self.seats {
            let tally = self.desk.tally(seat.is_direct);
            tally.connected += u32::from(seat.participant.is_here());
            tally.live += seat.participant.live(now) as u32;
        }
        self.desk.flush(now, tell);
        if self.desk.second.is_multiple_of(SAMPLE_SECONDS) {
            self.sample_others();
        }
    }

    /// Has other streams decoded from now on: one of each of the next participants.
    fn sample_others(&mut self) {
        let seats = &mut self.seats[..self.regular_seats];
        for seat in &mut *seats {
            seat.participant
                .sampled()
                .for_each(|stream| stream.sample(false));
        }
        let mut chosen = 0;
        for _ in 0..seats.len() {
            if chosen == self.decoded_streams {
                break;
            }
            let place = self.next_sampled % seats.len();
            let turn = self.next_sampled / seats.len() + place;
            self.next_sampled += 1;
            let streams = seats[place].participant.sampled();
            let mut streams: Vec<_> = streams.filter(|stream| stream.is_wanted()).collect();
            let count = streams.len();
            if count > 0 {
                streams[turn % count].sample(true);
                chosen += 1;
            }
        }
    }
}
