//! A room that is recorded.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use fastrand::Rng;
use mixer::frames::Packet;
use mixer::recording::{
    End, Manifest, NewTrack, Person, PublishedTrack, Recorder, Settings, Source, TrackPacket,
};
use proto::codec::MediaKind;
use proto::media::WallClock;

use crate::disk::Disk;
use crate::sender::{Arrival, Sender};

/// What a recorder is called to do now and then, as the server does it.
const TICK_US: i64 = 200_000;
/// How often what has been written is given out.
const FLUSH_US: i64 = 40_000;

/// A recorder, its disk, and the time.
pub(crate) struct Room {
    pub(crate) recorder: Recorder,
    pub(crate) disk: Disk,
    wall: WallClock,
    now_us: i64,
    /// How much more than the server's the wall clock of each track's sender shows, in
    /// microseconds.
    pub(crate) ahead_us: Vec<i64>,
    waiting: Vec<Arrival>,
}

impl Room {
    pub(crate) fn new() -> Self {
        let wall = WallClock::new(start(), Duration::from_secs(1_750_000_000));
        let settings = Settings {
            id: "RC_1".into(),
            room: "standup".into(),
            room_sid: "RM_1".into(),
            wall,
        };
        Self {
            recorder: Recorder::new(start(), settings),
            disk: Disk::default(),
            wall,
            now_us: 0,
            ahead_us: vec![0; 16],
            waiting: Vec::new(),
        }
    }

    /// A room in which Ann has a camera, track 0, and a microphone, track 1.
    pub(crate) fn with_ann() -> Self {
        let mut room = Self::new();
        let tracks = [camera("TR_cam"), microphone("TR_mic")];
        room.recorder.handle_person(start(), person("ann", &tracks));
        room.hear(0, "ann", &tracks[0]);
        room.hear(1, "ann", &tracks[1]);
        room
    }

    /// Packets of a track are going to come.
    pub(crate) fn hear(&mut self, number: u16, identity: &str, track: &PublishedTrack) {
        let new = NewTrack {
            number,
            sid: track.sid.clone(),
            participant: format!("PA_{identity}"),
            kind: track.kind,
        };
        self.recorder.handle_track(self.now(), new);
    }

    /// Has a track send. It arrives when time goes on; what would have come before is not heard.
    pub(crate) fn send(&mut self, rng: &mut Rng, sender: &Sender) {
        let packets = sender.packets(rng).into_iter();
        let waiting = packets.filter(|arrival| arrival.at_us >= self.now_us);
        self.waiting.extend(waiting);
        self.waiting.sort_by_key(|arrival| arrival.at_us);
    }

    /// Lets time go on.
    pub(crate) fn run_until(&mut self, until_us: i64) {
        let count = self.waiting.iter().take_while(|own| own.at_us < until_us);
        let count = count.count();
        for arrival in self.waiting.drain(..count).collect::<Vec<_>>() {
            self.wait_until(arrival.at_us);
            let clock = arrival.clock.map(|report| {
                let ahead_us = self.ahead_us[usize::from(arrival.track)];
                report.clock(|at_us| self.wall.ntp(instant(at_us + ahead_us)))
            });
            let packet = TrackPacket {
                track: arrival.track,
                encoding: arrival.encoding,
                codec: arrival.codec,
                packet: Packet {
                    sequence: arrival.sequence,
                    timestamp: arrival.timestamp,
                    marker: arrival.marker,
                    payload: &arrival.payload,
                    received: self.now(),
                    orientation: None,
                    clock,
                },
            };
            self.recorder.handle_packet(self.now(), &packet);
        }
        self.wait_until(until_us);
    }

    /// Ends the recording. Files are in the order of their paths then.
    pub(crate) fn end(&mut self) -> Manifest {
        self.recorder.end(self.now(), End::Stopped);
        self.carry_out();
        let mut manifest = self.recorder.manifest(self.now());
        manifest
            .files
            .sort_by(|one, other| one.path.cmp(&other.path));
        manifest
    }

    pub(crate) fn now(&self) -> Instant {
        instant(self.now_us)
    }

    fn wait_until(&mut self, until_us: i64) {
        while self.now_us < until_us {
            let next_us = (self.now_us / FLUSH_US + 1) * FLUSH_US;
            self.now_us = next_us.min(until_us);
            if self.now_us % TICK_US == 0 {
                self.recorder.handle_timeout(self.now());
            }
            if self.now_us % FLUSH_US == 0 {
                self.recorder.flush();
                self.carry_out();
            }
        }
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.recorder.poll() {
            if let Some(id) = self.disk.carry_out(output) {
                self.recorder.handle_finished(id, true);
            }
        }
    }
}

pub(crate) fn person(identity: &str, tracks: &[PublishedTrack]) -> Person {
    Person {
        sid: format!("PA_{identity}"),
        identity: identity.into(),
        name: identity.to_uppercase(),
        tracks: tracks.to_vec(),
    }
}

pub(crate) fn camera(sid: &str) -> PublishedTrack {
    track(sid, MediaKind::Video, Source::Camera)
}

pub(crate) fn microphone(sid: &str) -> PublishedTrack {
    track(sid, MediaKind::Audio, Source::Microphone)
}

fn track(sid: &str, kind: MediaKind, source: Source) -> PublishedTrack {
    PublishedTrack {
        sid: sid.into(),
        kind,
        source,
        is_muted: false,
        is_encrypted: false,
    }
}

/// An instant of the room's time.
pub(crate) fn instant(at_us: i64) -> Instant {
    match u64::try_from(at_us) {
        Ok(at_us) => start() + Duration::from_micros(at_us),
        Err(_) => start() - Duration::from_micros(at_us.unsigned_abs()),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "an instant can only be made by the clock"
)]
fn start() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(Instant::now)
}
