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
        if self.is_alone() {
            return true;
        }
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

    /// Whether nobody hears anything.
    fn is_alone(&self) -> bool {
        !self.is_heard && self.listeners.values().all(|ears| !ears.are_open)
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
        if self.is_alone() {
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

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: usize = 48_000;
    /// Packets of a sender.
    const TICKS: usize = 100;

    /// Two tracks, `low` and `high`, that are heard for two seconds by whom `set_up` lets hear.
    fn listen(set_up: impl FnOnce(&mut Speaker)) -> (Vec<Piece>, Vec<ListenerSound>) {
        let mut speaker = Speaker::new(EncoderSettings::RECORDING).expect("settings for files");
        set_up(&mut speaker);
        for (track, hz) in [("low", 400.0), ("high", 1_500.0)] {
            for (index, packet) in tone(hz).iter().enumerate() {
                let frame = AudioFrame {
                    pts_us: index as i64 * 20_000,
                    data: packet,
                    lost_before: 0,
                };
                assert!(speaker.handle_frame(track, frame));
            }
        }
        let (mut pieces, mut sounds) = (Vec::new(), Vec::new());
        for tick in 0..TICKS as i64 - 5 {
            pieces.extend(speaker.make(tick * TICK_US).expect("a tick"));
            sounds.extend(std::iter::from_fn(|| speaker.poll()));
        }
        (pieces, sounds)
    }

    fn tone(hz: f64) -> Vec<Vec<u8>> {
        let mut encoder = Encoder::new(EncoderSettings::LISTENER).expect("settings for listeners");
        let ticks = (0..TICKS).map(|tick| {
            let at = |index| (tick * TICK_SAMPLES + index) as f64 / RATE as f64;
            let sample = |index| (at(index) * hz * std::f64::consts::TAU).sin() as f32 * 0.2;
            let samples: Vec<f32> = (0..TICK_SAMPLES).map(sample).collect();
            let encoded = encoder.encode(tick as i64 * TICK_US, &samples);
            encoded.expect("a tick of samples").data.to_vec()
        });
        ticks.collect()
    }

    /// How loud the low and the high tone are in packets of one channel.
    fn loudness<'a>(packets: impl Iterator<Item = &'a [u8]>) -> [f64; 2] {
        let mut decoder = opus::Decoder::new(RATE as u32, opus::Channels::Mono).expect("a decoder");
        let mut samples: Vec<f32> = Vec::new();
        for packet in packets {
            let mut out = [0.0; TICK_SAMPLES];
            let count = decoder.decode_float(packet, &mut out, false);
            samples.extend(&out[..count.expect("what was encoded")]);
        }
        let later = samples.get(RATE / 2..).unwrap_or_default();
        [400.0, 1_500.0].map(|hz| {
            let step = hz * std::f64::consts::TAU / RATE as f64;
            let sum = later
                .iter()
                .enumerate()
                .fold((0.0, 0.0), |sum, (index, own)| {
                    let (sine, cosine) = (index as f64 * step).sin_cos();
                    (
                        sum.0 + f64::from(*own) * sine,
                        sum.1 + f64::from(*own) * cosine,
                    )
                });
            2.0 * sum.0.hypot(sum.1) / later.len().max(1) as f64
        })
    }

    #[test]
    fn a_listener_hears_all_but_itself() {
        let (pieces, sounds) = listen(|speaker| {
            speaker
                .add_listener("ann", EncoderSettings::LISTENER)
                .expect("a listener");
            speaker.set_own("ann", ["low", "not heard yet"].into_iter());
            speaker.set_heard_by("ann", true);
        });

        assert!(sounds.iter().all(|sound| &*sound.listener == "ann"));
        let [low, high] = loudness(sounds.iter().map(|sound| &sound.data[..]));
        assert!(low < 0.01 && high > 0.15, "{low} {high}");
        let all = pieces.iter().map(|piece| match piece {
            Piece::Sound { data, .. } => &data[..],
            Piece::Picture { .. } => panic!("no pictures are made"),
        });
        let [low, high] = loudness(all);
        assert!(low > 0.15 && high > 0.15, "{low} {high}");
    }

    #[test]
    fn nothing_is_made_for_those_who_do_not_listen() {
        let (pieces, sounds) = listen(|speaker| {
            for name in ["ann", "ben"] {
                speaker
                    .add_listener(name, EncoderSettings::LISTENER)
                    .expect("a listener");
                speaker.set_heard_by(name, true);
            }
            speaker.set_heard(false);
            speaker.set_heard_by("ann", false);
            speaker.remove_listener("ben");
        });

        assert_eq!(pieces, []);
        assert_eq!(sounds, []);
    }

    #[test]
    fn whoever_listens_again_hears_what_is_said_then() {
        let mut speaker = Speaker::new(EncoderSettings::RECORDING).expect("settings for files");
        speaker.set_heard(false);
        let packets = tone(400.0);
        let mut heard = Vec::new();
        for (index, packet) in packets.iter().enumerate() {
            let frame = AudioFrame {
                pts_us: index as i64 * 20_000,
                data: packet,
                lost_before: 0,
            };
            speaker.handle_frame("low", frame);
            if index == 20 {
                speaker.set_heard(true);
            }
            // Mixing is behind what has come, as it is in a room.
            if let Some(tick) = index.checked_sub(5) {
                let piece = speaker.make(tick as i64 * TICK_US).expect("a tick");
                heard.extend(piece);
            }
        }

        assert_eq!(heard.len(), TICKS - 20);
        let data = heard.iter().map(|piece| match piece {
            Piece::Sound { data, .. } => &data[..],
            Piece::Picture { .. } => panic!("no pictures are made"),
        });
        let [low, _] = loudness(data);
        assert!(low > 0.15, "{low}");
    }
}
