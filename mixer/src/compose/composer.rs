//! A room made into one picture and one sound, as time goes on.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::cast::Cast;
use super::input::{PictureFrame, PictureInput};
use super::limits::{MAX_PICTURE_TRACKS, MAX_WAITING_EVENTS};
use super::speaker::{ListenerSound, Speaker};
use super::{Canvas, Frame};
use crate::audio::{self, AudioFrame};
use crate::codec::{CodecError, EncoderSettings, VideoEncoder};
use crate::layout::{Layout, LayoutSettings, LayoutState, Source};
use crate::recording::Event;

/// What is to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct ComposerSettings {
    /// What it looks like, unless the room's events say otherwise.
    pub layout: Layout,
    /// Whether tiles have names.
    pub shows_names: bool,
    /// How pictures are encoded; none for sound alone.
    pub video: Option<EncoderSettings>,
    /// How sound is encoded; none for pictures alone.
    pub audio: Option<audio::EncoderSettings>,
    /// When pictures begin, in microseconds. What is before is only taken notice of: so several
    /// composers can make a composite together, one after the other of its stretches.
    pub begins_us: i64,
}

/// Why there can be no composite.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// Pictures cannot be encoded so.
    #[error("pictures: {0}")]
    Video(#[from] CodecError),
    /// Sound cannot be encoded so.
    #[error("sound: {0}")]
    Audio(#[from] audio::EncodeError),
}

/// A piece of the composite, as files have it. Pieces come in the order of their times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A picture.
    Picture {
        /// When it is shown.
        pts_us: i64,
        /// Whether a decoder can begin with it.
        is_keyframe: bool,
        /// The frame.
        data: Vec<u8>,
    },
    /// Sound.
    Sound {
        /// When it is heard.
        pts_us: i64,
        /// The packet.
        data: Vec<u8>,
    },
}

/// Composes a room.
///
/// Events and frames go in, some time before they are due; [`Composer::advance`] makes what there is
/// up to a time. What comes out depends on nothing else, so that it does not matter whether that
/// happens as the room lives or later.
#[derive(Debug)]
pub struct Composer {
    cast: Cast,
    changes: VecDeque<(i64, Change)>,
    screen: Option<Screen>,
    pictures: BTreeMap<Arc<str>, PictureInput>,
    speaker: Option<Speaker>,
    pieces: VecDeque<Piece>,
    has_fixed_layout: bool,
    /// Frames that could not be shown, of tracks that are gone.
    dropped: u64,
}

/// What takes effect at its time.
#[derive(Debug)]
enum Change {
    /// Something happens in the room.
    Event(Event),
    /// No more comes of a track.
    TrackEnd(Arc<str>),
}

/// What is seen.
#[derive(Debug)]
struct Screen {
    state: LayoutState,
    canvas: Canvas,
    encoder: VideoEncoder,
    next_frame: i64,
    begins_us: i64,
    /// Of so many pictures one is made.
    thinning: i64,
    /// Whether anybody looks.
    is_seen: bool,
    /// Whether somebody needs the next picture to be one to begin with.
    wants_keyframe: bool,
}

impl Composer {
    /// Begins at time zero, with an empty room.
    ///
    /// # Errors
    /// [`ComposeError`] if something cannot be encoded as wanted.
    pub fn new(settings: &ComposerSettings) -> Result<Self, ComposeError> {
        let screen = settings.video.map(|video| {
            let layout = LayoutSettings {
                layout: settings.layout.clone(),
                canvas: video.size,
                shows_names: settings.shows_names,
            };
            Ok::<_, ComposeError>(Screen {
                state: LayoutState::new(layout),
                canvas: Canvas::new(video.size),
                encoder: VideoEncoder::new(&video)?,
                next_frame: 0,
                begins_us: settings.begins_us,
                thinning: 1,
                is_seen: true,
                wants_keyframe: false,
            })
        });
        let speaker = settings.audio.map(Speaker::new);
        Ok(Self {
            cast: Cast::default(),
            changes: VecDeque::new(),
            screen: screen.transpose()?,
            pictures: BTreeMap::new(),
            speaker: speaker.transpose()?,
            pieces: VecDeque::new(),
            has_fixed_layout: false,
            dropped: 0,
        })
    }

    /// How late a decoder is with the sound, in samples, for the file's header.
    pub fn pre_skip_samples(&self) -> u16 {
        let speaker = self.speaker.as_ref();
        speaker.map_or(0, Speaker::pre_skip_samples)
    }

    /// Takes an event of the room. Events come in the order of their times.
    pub fn handle_event(&mut self, at_us: i64, event: Event) {
        self.change_at(at_us, Change::Event(event));
    }

    /// Takes an encoded picture of a track.
    pub fn handle_picture(&mut self, track: &str, frame: PictureFrame) {
        if self.screen.is_none() {
            return;
        }
        let is_known = self.pictures.contains_key(track);
        if !is_known && self.pictures.len() == MAX_PICTURE_TRACKS {
            self.dropped += 1;
            return;
        }
        let input = self.pictures.entry(track.into()).or_default();
        input.handle_frame(frame);
    }

    /// Takes a packet of sound of a track. See [`audio::AudioMixer`] for how long before its time.
    pub fn handle_sound(&mut self, track: &str, frame: AudioFrame<'_>) {
        if let Some(speaker) = &mut self.speaker
            && !speaker.handle_frame(track, frame)
        {
            self.dropped += 1;
        }
    }

    /// Keeps to a layout, whatever the room's events say.
    pub fn fix_layout(&mut self, layout: &serde_json::Value) {
        self.set_layout(layout);
        self.has_fixed_layout = true;
    }

    /// Makes one of so many pictures only, for a machine that is late.
    pub fn set_thinning(&mut self, thinning: u32) {
        if let Some(screen) = &mut self.screen {
            screen.thinning = i64::from(thinning.max(1));
        }
    }

    /// Makes the next picture one that a decoder can begin with.
    pub fn request_keyframe(&mut self) {
        if let Some(screen) = &mut self.screen {
            screen.wants_keyframe = true;
        }
    }

    /// Makes pictures, or none because nobody looks. The first one that is seen is one to begin with.
    pub fn set_seen(&mut self, is_seen: bool) {
        if let Some(screen) = &mut self.screen {
            screen.wants_keyframe |= is_seen && !screen.is_seen;
            screen.is_seen = is_seen;
        }
    }

    /// Makes the sound of all, or none because nobody listens.
    pub fn set_heard(&mut self, is_heard: bool) {
        if let Some(speaker) = &mut self.speaker {
            speaker.set_heard(is_heard);
        }
    }

    /// Adds somebody for whom the sound of all others can be made; that begins with
    /// [`Composer::set_heard_by`].
    ///
    /// # Errors
    /// [`ComposeError::Audio`] if it cannot be encoded so.
    pub fn add_listener(
        &mut self,
        listener: &str,
        settings: audio::EncoderSettings,
    ) -> Result<(), ComposeError> {
        if let Some(speaker) = &mut self.speaker {
            speaker.add_listener(listener, settings)?;
        }
        Ok(())
    }

    /// Makes nothing for somebody any more.
    pub fn remove_listener(&mut self, listener: &str) {
        if let Some(speaker) = &mut self.speaker {
            speaker.remove_listener(listener);
        }
    }

    /// Makes the sound of all others for a listener, or none because it does not listen.
    pub fn set_heard_by(&mut self, listener: &str, is_heard: bool) {
        if let Some(speaker) = &mut self.speaker {
            speaker.set_heard_by(listener, is_heard);
        }
    }

    /// Says which tracks are a listener's own, so that it does not hear them.
    pub fn set_own<'a>(&mut self, listener: &str, tracks: impl Iterator<Item = &'a str>) {
        if let Some(speaker) = &mut self.speaker {
            speaker.set_own(listener, tracks);
        }
    }

    /// What a listener hears next.
    pub fn poll_listener(&mut self) -> Option<ListenerSound> {
        self.speaker.as_mut()?.poll()
    }

    /// No more frames come of a track, which is seen and heard up to a time.
    pub fn end_track(&mut self, at_us: i64, track: &str) {
        self.change_at(at_us, Change::TrackEnd(track.into()));
    }

    /// Makes everything that is seen and heard before a time.
    ///
    /// # Errors
    /// [`ComposeError`] when an encoder fails; there is nothing more to be had then.
    pub fn advance(&mut self, until_us: i64) -> Result<(), ComposeError> {
        loop {
            let tick_us = self.speaker.as_ref().map_or(i64::MAX, Speaker::next_us);
            let frame_us = self.screen.as_ref().map_or(i64::MAX, Screen::next_us);
            if tick_us.min(frame_us) >= until_us {
                return Ok(());
            }
            // Sound comes first: it is before its tick by what the codec delays.
            match tick_us <= frame_us {
                true => self.make_sound(tick_us)?,
                false => self.make_picture(frame_us)?,
            }
        }
    }

    /// The next piece.
    pub fn poll(&mut self) -> Option<Piece> {
        self.pieces.pop_front()
    }

    /// Frames so far that could not be shown.
    pub fn dropped(&self) -> u64 {
        let inputs = self.pictures.values().map(|input| input.dropped);
        self.dropped + inputs.sum::<u64>()
    }

    /// The tracks that tiles show now, with the size they have there.
    pub fn wanted(&self) -> impl Iterator<Item = (&str, crate::picture::Size)> {
        let screen = self.screen.iter().filter(|screen| screen.is_seen);
        let tiles = screen.flat_map(|screen| screen.canvas.tiles());
        tiles.filter_map(|tile| Some((self.cast.track_of(&tile.source)?, tile.region.size())))
    }

    fn make_sound(&mut self, tick_us: i64) -> Result<(), ComposeError> {
        if self.screen.is_none() {
            self.make_changes(tick_us);
        }
        if let Some(speaker) = &mut self.speaker {
            self.pieces.extend(speaker.make(tick_us)?);
        }
        Ok(())
    }

    fn make_picture(&mut self, at_us: i64) -> Result<(), ComposeError> {
        self.make_changes(at_us);
        let Some(screen) = &mut self.screen else {
            return Ok(());
        };
        for input in self.pictures.values_mut() {
            input.advance(at_us + screen.half_frame_us());
        }
        screen.next_frame += 1;
        let (cast, pictures) = (&self.cast, &self.pictures);
        let scene = cast.scene(at_us, |track| pictures.get(track)?.size());
        let tiles = screen.state.update(at_us, &scene);
        let is_left_out = (screen.next_frame - 1) % screen.thinning != 0;
        if at_us < screen.begins_us || is_left_out || !screen.is_seen {
            return Ok(());
        }
        let newest = |source: &Source| {
            let track = cast.track_of(source)?;
            let (picture, shown) = pictures.get(track)?.shown()?;
            let rotation = cast.rotation_of(track);
            Some(Frame {
                picture,
                rotation,
                generation: shown.generation,
                pts_us: shown.pts_us,
            })
        };
        screen.canvas.draw(at_us, &tiles, &newest);
        let encoded =
            screen
                .encoder
                .encode(at_us, screen.canvas.picture(), screen.wants_keyframe)?;
        screen.wants_keyframe &= encoded.is_none();
        // One that the encoder leaves out is as the one before.
        if let Some(encoded) = encoded {
            self.pieces.push_back(Piece::Picture {
                pts_us: at_us,
                is_keyframe: encoded.is_keyframe,
                data: encoded.data,
            });
        }
        Ok(())
    }

    fn change_at(&mut self, at_us: i64, change: Change) {
        self.changes.push_back((at_us, change));
        while self.changes.len() > MAX_WAITING_EVENTS {
            self.make_change();
        }
    }

    fn make_changes(&mut self, until_us: i64) {
        while self.changes.front().is_some_and(|(at, _)| *at <= until_us) {
            self.make_change();
        }
    }

    fn make_change(&mut self) {
        match self.changes.pop_front() {
            Some((at_us, Change::Event(event))) => {
                if let Event::Layout { layout } = &event
                    && !self.has_fixed_layout
                {
                    self.set_layout(layout);
                }
                self.cast.handle(at_us, &event);
            }
            Some((_, Change::TrackEnd(track))) => self.forget_track(&track),
            None => {}
        }
    }

    fn forget_track(&mut self, track: &str) {
        if let Some(input) = self.pictures.remove(track) {
            self.dropped += input.dropped;
        }
        if let Some(speaker) = &mut self.speaker {
            speaker.forget_track(track);
        }
    }

    fn set_layout(&mut self, layout: &serde_json::Value) {
        // It was checked before it was written down.
        if let Some(screen) = &mut self.screen
            && let Ok(layout) = serde_json::from_value(layout.clone())
        {
            let settings = LayoutSettings {
                layout,
                ..screen.state.settings().clone()
            };
            screen.state.set_settings(settings);
        }
    }
}

impl Screen {
    /// How far before its time a frame may be shown: the nearest is taken, so that lips are as often early as
    /// late. Sound has no such steps.
    fn half_frame_us(&self) -> i64 {
        500_000 / i64::from(self.encoder.settings().fps)
    }

    fn next_us(&self) -> i64 {
        self.next_frame * 1_000_000 / i64::from(self.encoder.settings().fps)
    }
}
