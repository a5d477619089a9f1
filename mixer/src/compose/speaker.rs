//! What is heard of a room: the mix of all, and for listeners that of all but themselves.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::composer::{ComposeError, Piece};
use crate::audio::{
    self, AddError, AudioFrame, AudioMixer, Encoder, EncoderSettings, InputId, ListenerId,
    TICK_SAMPLES,
};

/// What a listener hears: all but itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerSound {
    /// Who.
    pub listener: Arc<str>,
    /// When it is heard.
    pub pts_us: i64,
    /// The packet.
    pub data: Vec<u8>,
}

/// Mixes and encodes, tick by tick.
#[derive(Debug)]
pub(super) struct Speaker {
    mixer: AudioMixer,
    inputs: BTreeMap<Arc<str>, InputId>,
    next_input: u32,
    encoder: Encoder,
    /// Whether anybody hears the mix of all.
    is_heard: bool,
    listeners: BTreeMap<Arc<str>, Ears>,
    next_listener: u32,
    sounds: VecDeque<ListenerSound>,
    next_tick: i64,
}

#[derive(Debug)]
struct Ears {
    id: ListenerId,
    encoder: Encoder,
    /// Whether they hear.
    are_open: bool,
    /// The listener's own tracks.
    own: BTreeSet<Arc<str>>,
}

impl Speaker {
    pub(super) fn new(settings: EncoderSettings) -> Result<Self, audio::EncodeError> {
        Ok(Self {
            mixer: AudioMixer::new(),
            inputs: BTreeMap::new(),
            next_input: 0,
            encoder: Encoder::new(settings)?,
            is_heard: true,
            listeners: BTreeMap::new(),
            next_listener: 0,
            sounds: VecDeque::new(),
            next_tick: 0,
        })
    }

    pub(super) fn pre_skip_samples(&self) -> u16 {
        self.encoder.pre_skip_samples()
    }

    /// When the next tick begins.
    pub(super) fn next_us(&self) -> i64 {
        self.next_tick * TICK_US
    }

    /// Takes a packet. Returns whether there was room for its track.
    pub(super) fn handle_frame(&mut self, track: &str, frame: AudioFrame<'_>) -> bool {
        let id = match self.inputs.get(track) {
            Some(id) => *id,
            None => {
                let id = InputId(self.next_input);
                self.next_input += 1;
                if self.mixer.add_input(id).is_err() {
                    return false;
                }
                self.inputs.insert(track.into(), id);
                self.leave_out_own();
                id
            }
        };
        self.mixer.handle_frame(id, frame);
        true
    }

    pub(super) fn forget_track(&mut self, track: &str) {
        if let Some(id) = self.inputs.remove(track) {
            self.mixer.remove_input(id);
        }
    }

    /// Says whether anybody hears the mix of all.
    pub(super) fn set_heard(&mut self, is_heard: bool) {
        self.is_heard = is_heard;
    }

    /// Adds a listener, who hears nothing yet.
    pub(super) fn add_listener(
        &mut self,
        listener: &str,
        settings: EncoderSettings,
    ) -> Result<(), audio::EncodeError> {
        if self.listeners.contains_key(listener) {
            return Ok(());
        }
        let ears = Ears {
            id: ListenerId(self.next_listener),
            encoder: Encoder::new(settings)?,
            are_open: false,
            own: BTreeSet::new(),
        };
        self.next_listener += 1;
        self.listeners.insert(listener.into(), ears);
        Ok(())
    }

    pub(super) fn remove_listener(&mut self, listener: &str) {
        if let Some(ears) = self.listeners.remove(listener) {
            self.mixer.remove_listener(ears.id);
        }
    }

    /// Lets a listener hear, or not.
    pub(super) fn set_heard_by(&mut self, listener: &str, is_heard: bool) {
        let Some(ears) = self.listeners.get_mut(listener) else {
            return;
        };
        ears.are_open = match is_heard {
            true => matches!(
                self.mixer.add_listener(ears.id),
                Ok(()) | Err(AddError::Exists)
            ),
            false => {
                self.mixer.remove_listener(ears.id);
                false
            }
        };
        self.leave_out_own();
    }

    /// Says which tracks are a listener's own. They need not have been heard yet.
    pub(super) fn set_own<'a>(&mut self, listener: &str, tracks: impl Iterator<Item = &'a str>) {
        if let Some(ears) = self.listeners.get_mut(listener) {
            ears.own = tracks.map(Arc::from).collect();
            self.leave_out_own();
        }
    }

    fn leave_out_own(&mut self) {
        for ears in self.listeners.values().filter(|ears| ears.are_open) {
            let own = ears.own.iter().filter_map(|track| self.inputs.get(track));
            let own: Vec<_> = own.copied().collect();
            self.mixer.set_own(ears.id, &own);
        }
    }

    /// Makes a tick. What listeners hear of it is polled.
    pub(super) fn make(&mut self, tick_us: i64) -> Result<Option<Piece>, ComposeError> {
        self.next_tick += 1;
        if !self.is_heard && self.listeners.values().all(|ears| !ears.are_open) {
            self.mixer.skip_to(tick_us + TICK_US);
            return Ok(None);
        }
        let mixed = self.mixer.mix(tick_us);
        for (listener, ears) in &mut self.listeners {
            let mut mixes = mixed.listeners();
            let Some((_, samples)) = mixes.find(|(id, _)| *id == ears.id) else {
                continue;
            };
            let sound = ears.encoder.encode(tick_us, samples)?;
            self.sounds.push_back(ListenerSound {
                listener: Arc::clone(listener),
                pts_us: sound.pts_us,
                data: sound.data.to_vec(),
            });
        }
        if !self.is_heard {
            return Ok(None);
        }
        let sound = self.encoder.encode(tick_us, mixed.samples)?;
        Ok(Some(Piece::Sound {
            pts_us: sound.pts_us,
            data: sound.data.to_vec(),
        }))
    }

    /// What a listener hears next.
    pub(super) fn poll(&mut self) -> Option<ListenerSound> {
        self.sounds.pop_front()
    }
}

const TICK_US: i64 = TICK_SAMPLES as i64 * 1_000 / 48;
