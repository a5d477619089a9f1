//! Many tracks made into one, and into one for each listener.

use super::decoder::NoDecoder;
use super::input::{AudioFrame, InputCounters};
use super::level::SILENCE_DBFS;
use super::limiter::Limiter;
use super::limits::{MAX_INPUTS, MAX_LISTENERS, MAX_OWN_INPUTS};
use super::listener::{Listener, ListenerId, mono};
use super::source::{InputId, Source, WINDOW};
use super::time::{Stereo, TICK_SAMPLES, whole_position};

/// Why an input or a listener cannot be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddError {
    /// There is one of that name.
    #[error("there is one of that name")]
    Exists,
    /// There are as many as there may be.
    #[error("there are as many as there may be")]
    Full,
    /// There is no memory for its decoder.
    #[error(transparent)]
    NoDecoder(#[from] NoDecoder),
}

/// Mixes the tracks of a room, tick by tick.
///
/// What it gives depends on the frames and the ticks alone: a frame may be given as early as
/// [`MAX_WAITING`](super::limits::MAX_WAITING) allows, and has to be given before the tick that
/// begins 30 ms before its sound and that of what is lost before it, since ticks look ahead.
#[derive(Debug)]
pub struct AudioMixer {
    sources: Vec<Source>,
    listeners: Vec<Listener>,
    /// Where the tick begins that follows the last one.
    next: Option<i64>,
    sum: Vec<Stereo>,
    mono: Vec<f32>,
    limiter: Limiter,
    out: Vec<Stereo>,
    counters: MixerCounters,
    /// What became of the frames of inputs that are gone.
    gone: InputCounters,
}

/// What has been mixed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MixerCounters {
    /// Ticks of the mix of all.
    pub ticks: u64,
    /// Of those, how many were too loud, and were turned down.
    pub limited_ticks: u64,
    /// Ticks of the mixes of listeners, each counted.
    pub listener_ticks: u64,
    /// Of those, how many were too loud, and were turned down.
    pub limited_listener_ticks: u64,
    /// Frames of inputs that are not there.
    pub stray_frames: u64,
}

/// What is heard in a tick.
#[derive(Debug)]
pub struct Mixed<'a> {
    /// When it begins, in microseconds of the room.
    pub pts_us: i64,
    /// All inputs: [`TICK_SAMPLES`] of left and right in turn.
    pub samples: &'a [f32],
    listeners: &'a [Listener],
}

impl<'a> Mixed<'a> {
    /// For each listener all inputs but its own: [`TICK_SAMPLES`] of one channel.
    pub fn listeners(&self) -> impl ExactSizeIterator<Item = (ListenerId, &'a [f32])> + use<'a> {
        let listeners = self.listeners.iter();
        listeners.map(|listener| (listener.id, listener.samples()))
    }
}

impl AudioMixer {
    /// Begins with nobody.
    pub fn new() -> Self {
        Self {
            sources: Vec::new(),
            listeners: Vec::new(),
            next: None,
            sum: vec![[0.0; 2]; WINDOW],
            mono: Vec::with_capacity(WINDOW),
            limiter: Limiter::new(),
            out: vec![[0.0; 2]; TICK_SAMPLES],
            counters: MixerCounters::default(),
            gone: InputCounters::default(),
        }
    }

    /// Adds a track, which is heard from its first frame on.
    ///
    /// # Errors
    /// [`AddError`] when there can be no such input.
    pub fn add_input(&mut self, id: InputId) -> Result<(), AddError> {
        if self.source_mut(id).is_some() {
            return Err(AddError::Exists);
        }
        if self.sources.len() == MAX_INPUTS {
            return Err(AddError::Full);
        }
        self.sources.push(Source::new(id, self.next)?);
        Ok(())
    }

    /// Removes a track. What it has already given is still heard; its name is free.
    pub fn remove_input(&mut self, id: InputId) {
        if let Some(source) = self.source_mut(id) {
            source.is_leaving = true;
            source.input.finish();
        }
    }

    /// Makes a track louder or quieter, from the next tick on. 1 is as it comes.
    pub fn set_gain(&mut self, id: InputId, gain: f32) {
        debug_assert!((0.0..=MAX_GAIN).contains(&gain), "a gain of {gain}");
        if let Some(source) = self.source_mut(id)
            && gain.is_finite()
        {
            source.set_gain(gain.clamp(0.0, MAX_GAIN));
        }
    }

    /// Lets a track be heard or not, from the next tick on.
    pub fn set_muted(&mut self, id: InputId, is_muted: bool) {
        if let Some(source) = self.source_mut(id) {
            source.set_muted(is_muted);
        }
    }

    /// Adds a listener.
    ///
    /// # Errors
    /// [`AddError`] when there can be no such listener.
    pub fn add_listener(&mut self, id: ListenerId) -> Result<(), AddError> {
        if self.listeners.iter().any(|listener| listener.id == id) {
            return Err(AddError::Exists);
        }
        if self.listeners.len() == MAX_LISTENERS {
            return Err(AddError::Full);
        }
        self.listeners.push(Listener::new(id));
        Ok(())
    }

    /// Says which inputs a listener does not hear, as they are its own. They need not be there.
    pub fn set_own(&mut self, id: ListenerId, own: &[InputId]) {
        let mut listeners = self.listeners.iter_mut();
        if let Some(listener) = listeners.find(|listener| listener.id == id) {
            listener.own.clear();
            listener.own.extend(own.iter().take(MAX_OWN_INPUTS));
            // Who is left out twice would be heard upside down.
            listener.own.sort_unstable();
            listener.own.dedup();
        }
    }

    /// Removes a listener.
    pub fn remove_listener(&mut self, id: ListenerId) {
        self.listeners.retain(|listener| listener.id != id);
    }

    /// Takes a frame of a track.
    pub fn handle_frame(&mut self, id: InputId, frame: AudioFrame<'_>) {
        match self.source_mut(id) {
            Some(source) => source.input.handle_frame(frame),
            None => self.counters.stray_frames += 1,
        }
    }

    /// Mixes the 20 ms from a time on. Ticks follow each other, but for pauses: what was to be
    /// heard between is left out, and the 5 ms after the last tick fade into the next one.
    pub fn mix(&mut self, tick_start_us: i64) -> Mixed<'_> {
        let from = whole_position(tick_start_us);
        let goes_on = self.next == Some(from);
        for source in &mut self.sources {
            if goes_on {
                source.go_on(from);
            } else {
                source.jump(from);
            }
        }
        self.next = Some(from + TICK_SAMPLES as i64);

        self.add_up();
        self.counters.ticks += 1;
        let is_limited = self.limiter.limit(&self.sum, &mut self.out);
        self.counters.limited_ticks += u64::from(is_limited);
        self.mix_for_listeners();
        self.forget_gone();
        Mixed {
            pts_us: tick_start_us,
            samples: self.out.as_flattened(),
            listeners: &self.listeners,
        }
    }

    /// Lets time pass up to a tick without mixing, as in a pause. If that is done as often as
    /// mixing otherwise, what is heard after the pause is waiting by then.
    pub fn skip_to(&mut self, tick_start_us: i64) {
        let to = whole_position(tick_start_us);
        for source in &mut self.sources {
            source.input.read(to, &mut []);
        }
    }

    /// How loud a track was in the last tick: the root of the mean square in dB of full scale, and
    /// -127 for silence. A sine as loud as can be has -3.
    pub fn level_dbfs(&self, id: InputId) -> f32 {
        let mut sources = self.sources.iter();
        let source = sources.find(|source| source.id == id && !source.is_leaving);
        source.map_or(SILENCE_DBFS, Source::level_dbfs)
    }

    /// What has been mixed.
    pub fn counters(&self) -> MixerCounters {
        self.counters
    }

    /// What became of a track's frames, if it is there.
    pub fn input_counters(&self, id: InputId) -> Option<InputCounters> {
        let mut sources = self.sources.iter();
        let source = sources.find(|source| source.id == id && !source.is_leaving)?;
        Some(source.input.counters())
    }

    /// What became of the frames of all tracks that have ever been there.
    pub fn total_counters(&self) -> InputCounters {
        let mut total = self.gone;
        for source in &self.sources {
            total.add(source.input.counters());
        }
        total
    }

    fn add_up(&mut self) {
        self.sum.fill([0.0; 2]);
        for window in self.sources.iter().filter_map(Source::window) {
            let sum = self.sum.as_flattened_mut().iter_mut();
            for (sum, sample) in sum.zip(window.as_flattened()) {
                *sum += sample;
            }
        }
    }

    fn mix_for_listeners(&mut self) {
        if self.listeners.is_empty() {
            return;
        }
        self.mono.clear();
        self.mono.extend(self.sum.iter().copied().map(mono));
        for listener in &mut self.listeners {
            listener.begin(&self.mono);
            for source in &self.sources {
                if listener.own.contains(&source.id)
                    && let Some(window) = source.window()
                {
                    listener.leave_out(window);
                }
            }
            self.counters.listener_ticks += 1;
            self.counters.limited_listener_ticks += u64::from(listener.finish());
        }
    }

    fn forget_gone(&mut self) {
        let gone = &mut self.gone;
        self.sources.retain(|source| {
            let is_gone = source.is_gone();
            if is_gone {
                gone.add(source.input.counters());
            }
            !is_gone
        });
    }

    fn source_mut(&mut self, id: InputId) -> Option<&mut Source> {
        let mut sources = self.sources.iter_mut();
        sources.find(|source| source.id == id && !source.is_leaving)
    }
}

impl Default for AudioMixer {
    fn default() -> Self {
        Self::new()
    }
}

/// Most that a track can be made louder: 18 dB.
const MAX_GAIN: f32 = 8.0;
