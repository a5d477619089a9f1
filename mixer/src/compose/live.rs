//! A room composed as it lives: packets go in, and pieces come out a little later.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use super::composer::{ComposeError, Composer, ComposerSettings, Piece};
use super::input::PictureFrame;
use super::limits::MAX_LIVE_TRACKS;
use super::speaker::ListenerSound;
use crate::audio::{self, AudioFrame};
use crate::codec::Codec;
use crate::frames::{Content, Frame};
use crate::layout::Layout;
use crate::picture::Size;
use crate::recording::{Event, NewTrack, Pauses, People, Person, TrackPacket, turned};
use crate::timeline::{SenderClock, Timed, TimedStream, Timeline};

/// How early before its time sound has to be with the mixer, which looks ahead.
const SOUND_LEAD: Duration = Duration::from_millis(60);

/// How much later than its timestamp says what a sender's encoder was given is heard: libopus'
/// delay, which files name as well.
const SENDER_DELAY_US: i64 = 6_500;

/// How what a listener hears is encoded: for a network that loses some of it.
const LISTENER_SOUND: audio::EncoderSettings = audio::EncoderSettings {
    expected_loss_percent: 5,
    ..audio::EncoderSettings::LISTENER
};

/// What is to be composed, and when.
#[derive(Debug, Clone)]
pub struct LiveSettings {
    /// What is to be made.
    pub composer: ComposerSettings,
    /// The time of the room, which for a recording is that of its other files.
    pub timeline: Timeline,
    /// How long missing packets are waited for; what is made is late by that and a little more.
    pub patience: Duration,
}

/// Something to act upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveOutput {
    /// A piece of the composite.
    Piece(Piece),
    /// Ask for a keyframe of the track with this number.
    KeyframeWanted(u16),
    /// Ask for the pictures of the track with this number in this size, or for none of them.
    SizeWanted(u16, Option<Size>),
    /// What a listener hears.
    Heard(ListenerSound),
}

/// Composes a room as it lives.
#[derive(Debug)]
pub struct LiveComposer {
    timeline: Timeline,
    patience: Duration,
    composer: Composer,
    people: People,
    clocks: BTreeMap<String, SenderClock>,
    tracks: BTreeMap<u16, LiveTrack>,
    pauses: Pauses,
    /// Identities of those who hear all but themselves.
    listeners: BTreeSet<String>,
    is_seen: bool,
    outputs: VecDeque<LiveOutput>,
}

#[derive(Debug)]
struct LiveTrack {
    new: NewTrack,
    stream: Option<TimedStream>,
    waits_for_keyframe: bool,
    quarter_turns: u8,
    /// What was asked for last, if anything was.
    wanted: Option<Option<Size>>,
}

impl LiveComposer {
    /// Begins with an empty room.
    ///
    /// # Errors
    /// [`ComposeError`]
    pub fn new(settings: &LiveSettings) -> Result<Self, ComposeError> {
        Ok(Self {
            timeline: settings.timeline,
            patience: settings.patience,
            composer: Composer::new(&settings.composer)?,
            people: People::default(),
            clocks: BTreeMap::new(),
            tracks: BTreeMap::new(),
            pauses: Pauses::default(),
            listeners: BTreeSet::new(),
            is_seen: true,
            outputs: VecDeque::new(),
        })
    }

    /// How late a decoder is with the sound, in samples, for the file's header.
    pub fn pre_skip_samples(&self) -> u16 {
        self.composer.pre_skip_samples()
    }

    /// Takes how somebody in the room is now.
    pub fn handle_person(&mut self, now: Instant, person: Person) {
        let events = self.people.update(person);
        self.tell(now, events);
        self.tell_own();
    }

    /// Somebody has left the room.
    pub fn handle_departure(&mut self, now: Instant, sid: &str) {
        let events = self.people.remove(sid);
        self.tell(now, events);
        self.clocks.remove(sid);
    }

    /// Takes who has begun or ceased to speak.
    pub fn handle_speaker(&mut self, now: Instant, sid: &str, level: f32, is_active: bool) {
        let participant = sid.to_owned();
        let event = match is_active {
            true => Event::Speaking { participant, level },
            false => Event::Silent { participant },
        };
        self.tell(now, vec![event]);
    }

    /// Packets of a track are going to come.
    pub fn handle_track(&mut self, new: NewTrack) {
        let known = self.people.track(&new.participant, &new.sid);
        if known.is_some_and(|own| own.is_encrypted) || self.tracks.len() >= MAX_LIVE_TRACKS {
            return;
        }
        let track = LiveTrack {
            new,
            stream: None,
            waits_for_keyframe: true,
            quarter_turns: 0,
            wanted: None,
        };
        self.tracks.insert(track.new.number, track);
        self.tell_own();
    }

    /// No more packets of a track come.
    pub fn handle_track_end(&mut self, now: Instant, number: u16) {
        if let Some(track) = self.tracks.get_mut(&number)
            && let Some(stream) = &mut track.stream
        {
            stream.finish();
        }
        self.take_frames(now, number);
        if let Some(track) = self.tracks.remove(&number) {
            let at = self.pauses.elapsed_us(self.timeline.at(now));
            self.composer.end_track(at, &track.new.sid);
        }
    }

    /// Takes a packet.
    pub fn handle_packet(&mut self, now: Instant, packet: &TrackPacket<'_>) {
        let Some(track) = self.tracks.get_mut(&packet.track) else {
            return;
        };
        let is_other = |stream: &TimedStream| stream.codec() != packet.codec;
        if track.stream.as_ref().is_some_and(is_other) {
            track.stream = None;
            track.waits_for_keyframe = true;
        }
        let new = || TimedStream::new(packet.codec, packet.encoding, self.patience);
        let stream = track.stream.get_or_insert_with(new);
        stream.handle_packet(now, packet.encoding, packet.packet);
        self.take_frames(now, packet.track);
    }

    /// Leaves out what happens from now on. Returns whether that is news.
    pub fn pause(&mut self, now: Instant) -> bool {
        self.pauses.begin(self.timeline.at(now))
    }

    /// Goes on after a pause. Returns whether that is news.
    pub fn resume(&mut self, now: Instant) -> bool {
        let has_ended = self.pauses.end(self.timeline.at(now));
        if has_ended {
            for track in self.tracks.values_mut() {
                track.waits_for_keyframe = true;
                let wanted = LiveOutput::KeyframeWanted(track.new.number);
                self.outputs.push_back(wanted);
            }
        }
        has_ended
    }

    /// Says what the composite is to look like from now on.
    pub fn set_layout(&mut self, now: Instant, layout: &Layout) {
        if let Ok(layout) = serde_json::to_value(layout) {
            self.tell(now, vec![Event::Layout { layout }]);
        }
    }

    /// Says who is to be able to hear all but itself, by identity. Nobody does before
    /// [`LiveComposer::set_heard_by`].
    ///
    /// # Errors
    /// [`ComposeError::Audio`]
    pub fn set_listeners(&mut self, listeners: &[String]) -> Result<(), ComposeError> {
        let wanted: BTreeSet<_> = listeners.iter().cloned().collect();
        for gone in self.listeners.difference(&wanted) {
            self.composer.remove_listener(gone);
        }
        for new in wanted.difference(&self.listeners) {
            self.composer.add_listener(new, LISTENER_SOUND)?;
        }
        self.listeners = wanted;
        self.tell_own();
        Ok(())
    }

    /// Makes what a listener hears, or not because it does not listen.
    pub fn set_heard_by(&mut self, listener: &str, is_heard: bool) {
        self.composer.set_heard_by(listener, is_heard);
    }

    /// Makes the sound of all, or not because nobody listens.
    pub fn set_heard(&mut self, is_heard: bool) {
        self.composer.set_heard(is_heard);
    }

    /// Makes pictures, or not because nobody looks. Nobody's pictures are asked for then.
    pub fn set_seen(&mut self, is_seen: bool) {
        self.is_seen = is_seen;
        self.composer.set_seen(is_seen);
    }

    /// Makes the next picture one that a decoder can begin with.
    pub fn request_keyframe(&mut self) {
        self.composer.request_keyframe();
    }

    /// Makes one of so many pictures only, for a machine that is late.
    pub fn set_thinning(&mut self, thinning: u32) {
        self.composer.set_thinning(thinning);
    }

    /// Makes what can be made by now. To be called about as often as there are pictures.
    ///
    /// # Errors
    /// [`ComposeError`] when an encoder fails; there is nothing more to be had then.
    pub fn advance(&mut self, now: Instant) -> Result<(), ComposeError> {
        for number in self.tracks.keys().copied().collect::<Vec<_>>() {
            self.take_frames(now, number);
        }
        let late = self.patience + SOUND_LEAD;
        let until = self.timeline.at(now) - late.as_micros() as i64;
        self.composer.advance(self.pauses.elapsed_us(until))?;
        self.want_sizes();
        Ok(())
    }

    /// Makes everything up to now, because nothing more comes.
    ///
    /// # Errors
    /// [`ComposeError`]
    pub fn finish(&mut self, now: Instant) -> Result<(), ComposeError> {
        for number in self.tracks.keys().copied().collect::<Vec<_>>() {
            self.handle_track_end(now, number);
        }
        let until = self.pauses.elapsed_us(self.timeline.at(now));
        self.composer.advance(until)
    }

    /// The next thing to be done.
    pub fn poll(&mut self) -> Option<LiveOutput> {
        let piece = self.composer.poll().map(LiveOutput::Piece);
        let heard = || self.composer.poll_listener().map(LiveOutput::Heard);
        piece.or_else(heard).or_else(|| self.outputs.pop_front())
    }

    /// Frames so far that could not be shown.
    pub fn dropped(&self) -> u64 {
        self.composer.dropped()
    }

    /// Tells the composer which tracks are the listeners' own.
    fn tell_own(&mut self) {
        for listener in &self.listeners {
            let is_own = |track: &&LiveTrack| {
                let person = self.people.get(&track.new.participant);
                person.is_some_and(|person| person.identity == *listener)
            };
            let own = self.tracks.values().filter(is_own);
            let own = own.map(|track| track.new.sid.as_str());
            self.composer.set_own(listener, own);
        }
    }

    fn tell(&mut self, now: Instant, events: Vec<Event>) {
        let at = self.pauses.elapsed_us(self.timeline.at(now));
        for event in events {
            self.composer.handle_event(at, event);
        }
    }

    fn take_frames(&mut self, now: Instant, number: u16) {
        let Some(track) = self.tracks.get_mut(&number) else {
            return;
        };
        let Some(stream) = &mut track.stream else {
            return;
        };
        let clock = self.clocks.entry(track.new.participant.clone());
        let clock = clock.or_default();
        while let Some(timed) = stream.poll(now, &self.timeline, clock) {
            match timed {
                Timed::KeyframeWanted => {
                    let wanted = LiveOutput::KeyframeWanted(number);
                    self.outputs.push_back(wanted);
                }
                Timed::Frame(at, frame) => match self.pauses.file_time(at) {
                    None => track.waits_for_keyframe = true,
                    Some(_) if track.waits_for_keyframe && !frame.is_keyframe() => {}
                    Some(pts_us) => {
                        track.waits_for_keyframe = false;
                        let codec = stream.codec();
                        let event = turned(&track.new.sid, &mut track.quarter_turns, &frame);
                        if let Some(event) = event {
                            self.composer.handle_event(pts_us, event);
                        }
                        hand_over(&mut self.composer, &track.new.sid, codec, pts_us, frame);
                    }
                },
            }
        }
    }

    /// Asks for each track in the size of its tile, and for none of what is not seen any more.
    fn want_sizes(&mut self) {
        let mut shown = BTreeMap::<&str, Size>::new();
        for (sid, size) in self.composer.wanted() {
            // What has several tiles is wanted for the one behind.
            shown.entry(sid).or_insert(size);
        }
        for (number, track) in &mut self.tracks {
            let is_video = |stream: &TimedStream| stream.codec().video().is_some();
            if !track.stream.as_ref().is_some_and(is_video) {
                continue;
            }
            let size = shown.get(track.new.sid.as_str()).copied();
            // One that is new may be about to be shown.
            let is_new = track.wanted.is_none() && size.is_none() && self.is_seen;
            if track.wanted != Some(size) && !is_new {
                track.wanted = Some(size);
                self.outputs
                    .push_back(LiveOutput::SizeWanted(*number, size));
            }
        }
    }
}

fn hand_over(
    composer: &mut Composer,
    track: &str,
    codec: proto::codec::Codec,
    pts_us: i64,
    frame: Frame,
) {
    use proto::codec::Codec as Sent;
    let codec = match codec {
        Sent::Vp8 => Codec::Vp8,
        Sent::Vp9 => Codec::Vp9,
        Sent::H264 => Codec::H264,
        Sent::Av1 => Codec::Av1,
        Sent::Opus | Sent::Red => {
            let lost_before = match frame.content {
                Content::Sound(sound) => sound.lost_before,
                Content::Picture(_) => 0,
            };
            let sound = AudioFrame {
                pts_us: pts_us - SENDER_DELAY_US,
                data: &frame.data,
                lost_before,
            };
            return composer.handle_sound(track, sound);
        }
    };
    let picture = PictureFrame {
        codec,
        pts_us,
        data: frame.data,
    };
    composer.handle_picture(track, picture);
}
