//! The clock of a sender's microphone, as seen from the room.
//!
//! A sender counts its samples with a quartz of its own, which is off by up to 200 ppm; within an
//! hour that would be 0.7 s. The times of its frames follow the room, but waver. So a loop slowly
//! turns the rate at which samples are played until, over seconds, they are heard when their
//! frames say.

use super::time::RATE_HZ;

/// Says for each block of samples when it is heard.
#[derive(Debug)]
pub(super) struct SenderClock {
    /// Where the next sample goes.
    next: f64,
    /// How much longer than in the room a sample lasts, less what `error` asks for.
    drift: f64,
    /// How far frames are behind `next`, in samples, without their wavering.
    error: f64,
    /// How many samples it has been too far off to be caught up with.
    off_for: usize,
}

/// Where samples go: the first to `start`, each next one further by `rate`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    pub(super) start: f64,
    pub(super) rate: f64,
}

impl SenderClock {
    /// Begins where the first sample goes.
    pub(super) fn new(start: f64) -> Self {
        Self {
            next: start,
            drift: 0.0,
            error: 0.0,
            off_for: 0,
        }
    }

    /// How far a frame is behind what came before, in samples, beyond what the clock is off by
    /// anyway.
    pub(super) fn gap_before(&self, at: f64) -> f64 {
        at - self.next - self.error
    }

    /// Takes the time of a frame and its number of samples.
    pub(super) fn observe(&mut self, at: f64, samples: usize) {
        let seconds = samples as f64 / f64::from(RATE_HZ);
        let wavering = at - self.next - self.error;
        self.error += wavering * (seconds / SMOOTHING_S).min(1.0);
        if self.wanted_rate().abs() < MAX_CORRECTION {
            self.drift += INTEGRAL * self.error * seconds / f64::from(RATE_HZ);
            self.drift = self.drift.clamp(-MAX_DRIFT, MAX_DRIFT);
        }
        if self.error.abs() > MAX_ERROR {
            self.off_for += samples;
        } else {
            self.off_for = 0;
        }
    }

    /// Whether it is far enough off to be set where nobody would hear it.
    pub(super) fn wants_setting(&self) -> bool {
        self.error.abs() > MAX_ERROR_IN_SILENCE
    }

    /// Whether it has been too far off for too long.
    pub(super) fn needs_setting(&self) -> bool {
        self.off_for > MAX_SAMPLES_OFF
    }

    /// Whether a frame after a gap says that the clock is off, which costs nothing to set then.
    pub(super) fn is_off(&self, at: f64) -> bool {
        (at - self.next).abs() > MAX_ERROR_AFTER_GAP
    }

    /// Goes on somewhere else.
    pub(super) fn set(&mut self, next: f64) {
        self.next = next;
        self.error = 0.0;
        self.off_for = 0;
    }

    /// Gives the place of the next samples.
    pub(super) fn advance(&mut self, samples: usize) -> Span {
        let correction = self.wanted_rate().clamp(-MAX_CORRECTION, MAX_CORRECTION);
        let span = Span {
            start: self.next,
            rate: 1.0 + correction,
        };
        self.next = span.start + samples as f64 * span.rate;
        span
    }

    fn wanted_rate(&self) -> f64 {
        self.drift + PROPORTIONAL * self.error / f64::from(RATE_HZ)
    }
}

/// How fast the loop is, in radians a second. Found by trying: at 200 ppm it is never off by more
/// than 2 ms, and what wavers by 5 ms moves it by 0.3 ms. Higher follows sooner, lower wavers less.
const LOOP: f64 = 0.05;
/// Critically damped: it comes back without swinging.
const PROPORTIONAL: f64 = 2.0 * LOOP;
const INTEGRAL: f64 = LOOP * LOOP;
/// Over how many seconds times are averaged.
const SMOOTHING_S: f64 = 0.5;
/// 0.1 % is a sixtieth of a semitone, which nobody hears.
const MAX_CORRECTION: f64 = 0.001;
/// No quartz is worse.
const MAX_DRIFT: f64 = 0.000_5;
/// 80 ms, beyond which lips are seen to be off; catching up would take 80 s.
const MAX_ERROR: f64 = 0.080 * RATE_HZ as f64;
/// 20 ms.
const MAX_ERROR_IN_SILENCE: f64 = 0.020 * RATE_HZ as f64;
/// 5 ms; frames that waver by less say nothing.
const MAX_ERROR_AFTER_GAP: f64 = 0.005 * RATE_HZ as f64;
/// A second in which to wait for silence.
const MAX_SAMPLES_OFF: usize = RATE_HZ as usize;

#[cfg(test)]
mod tests {
    use super::*;

    /// How a sender's frames of 20 ms come.
    struct Sender {
        /// How much faster than the room's its clock is.
        fast_ppm: f64,
        wavering_ms: f64,
        random: fastrand::Rng,
    }

    impl Sender {
        /// Runs for a time. Tells how far off sound was at most in its second half, in ms.
        fn run(&mut self, seconds: f64) -> f64 {
            let length = 960.0 / (1.0 + self.fast_ppm * 1e-6);
            let frames = (seconds * 50.0) as u32;
            let mut clock = SenderClock::new(0.0);
            let mut most: f64 = 0.0;
            for frame in 0..frames {
                let due = f64::from(frame) * length;
                let wavering = (self.random.f64() - 0.5) * 2.0 * self.wavering_ms * 48.0;
                clock.observe(due + wavering, 960);
                let span = clock.advance(960);

                assert!((span.rate - 1.0).abs() <= MAX_CORRECTION);
                if frame >= frames / 2 {
                    most = most.max((span.start - due).abs() / 48.0);
                }
            }
            most
        }
    }

    fn sender(fast_ppm: f64, wavering_ms: f64) -> Sender {
        Sender {
            fast_ppm,
            wavering_ms,
            random: fastrand::Rng::with_seed(7),
        }
    }

    #[test]
    fn stays_within_a_millisecond_for_two_hours() {
        for fast_ppm in [-200.0, -20.0, 0.0, 20.0, 200.0] {
            let off_ms = sender(fast_ppm, 5.0).run(2.0 * 3_600.0);

            assert!(off_ms < 1.0, "{fast_ppm} ppm: {off_ms} ms");
        }
    }

    #[test]
    fn is_never_off_by_more_than_two_milliseconds_while_it_learns_a_rate() {
        let length = 960.0 / (1.0 + 200e-6);
        let mut clock = SenderClock::new(0.0);

        for frame in 0..50 * 300 {
            let due = f64::from(frame) * length;
            clock.observe(due, 960);
            let off_ms = (clock.advance(960).start - due).abs() / 48.0;

            assert!(off_ms < 2.0, "{off_ms} ms in frame {frame}");
        }
    }

    #[test]
    fn wavering_moves_it_by_less_than_a_tenth() {
        let off_ms = sender(0.0, 5.0).run(600.0);

        assert!(off_ms < 0.5, "{off_ms} ms");
    }

    #[test]
    fn an_error_of_80_ms_needs_setting_after_a_second() {
        let mut clock = SenderClock::new(0.0);
        let frames = |clock: &mut SenderClock, behind: f64, frames: u32| {
            (0..frames).find(|_| {
                let at = clock.advance(960).start + behind;
                clock.observe(at, 960);
                clock.needs_setting()
            })
        };

        assert_eq!(frames(&mut clock, 79.0 * 48.0, 500), None);
        let needed = frames(&mut clock, 200.0 * 48.0, 500).expect("needs setting");
        assert!((50..75).contains(&needed), "after {needed} frames");

        clock.set(1_000_000.0);
        assert!(!clock.needs_setting() && !clock.wants_setting());
        assert_eq!(clock.advance(1).start, 1_000_000.0);
    }
}
