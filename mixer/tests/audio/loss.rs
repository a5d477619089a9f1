//! Frames that do not arrive.

use mixer::audio::InputCounters;

use super::listen::{left, level, peak, step};
use super::room::Room;
use super::sender::{Sender, lose, voice};

const END_US: i64 = 10_000_000;
/// So that all frames have been given, and none is missing yet.
const MIXED_US: i64 = END_US - 100_000;

/// A voice of which some is lost.
struct Lossy {
    lost: u64,
    heard: Vec<f32>,
    /// What would be heard if nothing were lost.
    whole: Vec<f32>,
    counters: InputCounters,
}

impl Lossy {
    fn new(mut is_lost: impl FnMut(usize) -> bool) -> Self {
        let frames = Sender::new(voice()).frames_until(END_US);
        let whole = left(&Room::new(vec![frames.clone()]).mix(0, MIXED_US));
        let kept = lose(frames.clone(), |index| index > 10 && is_lost(index));
        let lost = frames.len() - kept.len();
        let mut room = Room::new(vec![kept]);
        Self {
            lost: lost as u64,
            heard: left(&room.mix(0, MIXED_US)),
            whole,
            counters: room.mixer.total_counters(),
        }
    }

    /// How many of all 10 ms have less than a quarter of what they should.
    fn dropouts(&self) -> usize {
        let parts = self
            .heard
            .chunks_exact(480)
            .zip(self.whole.chunks_exact(480));
        parts
            .filter(|(heard, whole)| level(heard) < level(whole) / 4.0)
            .count()
    }

    /// Whether nothing clicks that the voice itself does not have.
    fn is_smooth(&self) -> bool {
        step(&self.heard) < 1.5 * step(&self.whole)
    }

    fn level_between_ms(&self, from: usize, to: usize) -> f32 {
        level(&self.heard[from * 48..to * 48])
    }
}

#[test]
fn single_losses_are_not_heard_as_gaps() {
    for percent in [2, 5] {
        let mut random = fastrand::Rng::with_seed(percent);
        let mut before = false;

        let lossy = Lossy::new(|_| {
            before = !before && random.u64(..100) < percent;
            before
        });

        // Encoders send copies of what they take for speech.
        let Lossy { lost, counters, .. } = lossy;
        assert!(
            lost > 5 && counters.fec_frames > lost / 3,
            "{lost} {counters:?}"
        );
        assert_eq!(
            counters.fec_frames * 960 + counters.concealed_samples,
            lost * 960
        );
        assert_eq!(lossy.dropouts(), 0, "{percent} %");
        assert!(lossy.is_smooth(), "{percent} %");
    }
}

#[test]
fn frames_of_any_length_are_made_up() {
    for samples in [480, 960, 1_920, 2_880] {
        let frames = Sender::new(voice())
            .with_frames_of(samples)
            .frames_until(END_US);
        let mut lost = 0;
        let kept = lose(frames, |index| {
            let is_lost = index % 16 == 15;
            lost += u64::from(is_lost);
            is_lost
        });
        let mut room = Room::new(vec![kept]);

        let heard = left(&room.mix(0, MIXED_US));

        let counters = room.mixer.total_counters();
        // Longer ones are made of several of 20 ms, and the copy is of the last.
        let copied = u64::from(samples.min(960));
        let filled = counters.fec_frames * copied + counters.concealed_samples;
        let all = lost * u64::from(samples);
        assert!(
            (all - u64::from(samples)..=all).contains(&filled),
            "{samples}: {counters:?}"
        );
        assert_eq!(counters.splices, 0, "{samples}");
        for part in heard[4_800..].chunks_exact(1_920) {
            assert!(level(part) > 0.01, "{samples}: {}", level(part));
        }
    }
}

#[test]
fn losses_in_a_row_are_made_up_and_keep_their_time() {
    let mut random = fastrand::Rng::with_seed(3);
    let mut burst = 0;

    let lossy = Lossy::new(|_| {
        if burst == 0 && random.u64(..100) < 2 {
            burst = random.u32(2..=4);
        }
        burst = u32::saturating_sub(burst, 1);
        burst > 0
    });

    let Lossy { lost, counters, .. } = lossy;
    assert!(counters.concealed_samples > 5 * 960, "{counters:?}");
    assert_eq!(
        counters.fec_frames * 960 + counters.concealed_samples,
        lost * 960
    );
    assert_eq!(counters.splices, 0);
    assert!(lossy.is_smooth());
    assert!(lossy.dropouts() < 10, "{}", lossy.dropouts());
}

#[test]
fn after_120_ms_what_is_lost_is_silent() {
    // A second.
    let lossy = Lossy::new(|index| (200..250).contains(&index));

    assert_eq!(lossy.counters.concealed_samples, 120 * 48);
    assert!(lossy.level_between_ms(3_900, 4_000) > 0.05);
    assert_eq!(peak(&lossy.heard[4_140 * 48..4_960 * 48]), 0.0);
    assert!(lossy.level_between_ms(5_010, 5_100) > 0.05);
    assert!(lossy.is_smooth());
}
