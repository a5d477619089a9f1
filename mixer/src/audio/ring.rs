//! What is to be heard of an input, by room time.

use std::collections::VecDeque;

use super::limiter::Sample;
use super::time::Stereo;

/// Samples that wait for their time. Whatever begins or ends fades, so that nothing clicks.
#[derive(Debug)]
pub(super) struct Ring {
    samples: VecDeque<Stereo>,
    /// Where the first of them is.
    front: i64,
    /// What is before has been given out.
    read_to: i64,
    /// Whether what is written at the end continues it. If not, the end has faded.
    is_open: bool,
    /// How many samples have faded in since it was opened.
    faded_in: usize,
}

impl Ring {
    /// How long it takes to fade. Shorter would click, longer would swallow a consonant.
    pub(super) const FADE: usize = 240;

    /// Begins with nothing. What is before a position, if one is known, will not be read.
    pub(super) fn new(read_to: Option<i64>) -> Self {
        Self {
            samples: VecDeque::new(),
            front: 0,
            read_to: read_to.unwrap_or(i64::MIN),
            is_open: false,
            faded_in: 0,
        }
    }

    /// Whether the end can be continued.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// The position after the last sample.
    pub(super) fn end(&self) -> i64 {
        self.front + self.samples.len() as i64
    }

    /// Where the next sample to be given out is, if that is known.
    pub(super) fn start(&self) -> Option<i64> {
        match self.read_to {
            i64::MIN => (!self.is_empty()).then_some(self.front),
            read_to => Some(read_to),
        }
    }

    /// Writes samples from a position on. Tells how many came too late to be heard.
    ///
    /// After the end, there is silence between; before the end, they take over there.
    pub(super) fn write(&mut self, mut at: i64, mut samples: &[Stereo]) -> usize {
        let late = self
            .read_to
            .saturating_sub(at)
            .clamp(0, samples.len() as i64) as usize;
        samples = &samples[late..];
        at += late as i64;
        if samples.is_empty() {
            return late;
        }
        if !self.is_open || at != self.end() {
            let Some(known) = self.reopen(at, samples.len()) else {
                return late;
            };
            samples = &samples[known..];
            at += known as i64;
        }
        let overlap = usize::try_from(self.end() - at).unwrap_or(0);
        let fading = overlap.max(Self::FADE - self.faded_in);
        let (fading, rest) = samples.split_at(fading.min(samples.len()));
        for (index, &sample) in fading.iter().enumerate() {
            let sample = sample.scaled(self.next_fade_in());
            if index < overlap {
                add(
                    &mut self.samples,
                    (at - self.front) as usize + index,
                    sample,
                );
            } else {
                self.samples.push_back(sample);
            }
        }
        self.samples.extend(rest);
        late
    }

    /// Lets the end fade: nothing will continue it.
    pub(super) fn close(&mut self) {
        if !self.is_open {
            return;
        }
        self.is_open = false;
        let fade = Self::FADE.min(self.samples.len());
        for (index, sample) in self.samples.iter_mut().rev().take(fade).enumerate() {
            *sample = sample.scaled((index as f32 + 0.5) / fade as f32);
        }
    }

    /// Gives out the samples from a position on, and forgets all before their end. Tells whether
    /// there were any.
    pub(super) fn read(&mut self, from: i64, out: &mut [Stereo]) -> bool {
        let to = from + out.len() as i64;
        self.read_to = self.read_to.max(to);
        out.fill([0.0; 2]);
        self.forget_before(from);
        let gap = self.front.saturating_sub(from).clamp(0, out.len() as i64) as usize;
        let count = self.samples.len().min(out.len() - gap);
        for (out, sample) in out[gap..].iter_mut().zip(self.samples.drain(..count)) {
            *out = sample;
        }
        self.front += count as i64;
        count > 0
    }

    /// Prepares the end for samples that do not continue it. Tells how many of those are to be
    /// left out because others are there; `None` if all.
    fn reopen(&mut self, at: i64, count: usize) -> Option<usize> {
        self.close();
        if self.is_empty() {
            self.front = at;
        }
        let fading_from = self.end() - (Self::FADE.min(self.samples.len())) as i64;
        let known = usize::try_from(fading_from - at).unwrap_or(0);
        if known >= count {
            return None;
        }
        let gap = usize::try_from(at - self.end()).unwrap_or(0);
        self.samples.resize(self.samples.len() + gap, [0.0; 2]);
        self.is_open = true;
        self.faded_in = 0;
        Some(known)
    }

    fn next_fade_in(&mut self) -> f32 {
        if self.faded_in == Self::FADE {
            return 1.0;
        }
        self.faded_in += 1;
        (self.faded_in as f32 - 0.5) / Self::FADE as f32
    }

    fn forget_before(&mut self, from: i64) {
        let old = (from - self.front).clamp(0, self.samples.len() as i64);
        self.samples.drain(..old as usize);
        self.front += old;
    }
}

fn add(samples: &mut VecDeque<Stereo>, index: usize, [left, right]: Stereo) {
    if let Some(sample) = samples.get_mut(index) {
        sample[0] += left;
        sample[1] += right;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FADE: i64 = Ring::FADE as i64;

    fn read(ring: &mut Ring, from: i64, count: usize) -> Vec<f32> {
        let mut out = vec![[9.0; 2]; count];
        ring.read(from, &mut out);
        assert!(out.iter().all(|[left, right]| left == right));
        out.iter().map(|sample| sample[0]).collect()
    }

    fn steps(samples: &[f32]) -> f32 {
        let steps = samples.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        steps.fold(0.0, f32::max)
    }

    #[test]
    fn has_samples_where_they_were_written() {
        let mut ring = Ring::new(None);
        ring.write(100, &[[1.0; 2]; 500]);
        ring.write(600, &[[1.0; 2]; 500]);

        let out = read(&mut ring, 0, 1_000);

        assert!(out[..100].iter().all(|&sample| sample == 0.0));
        assert!(out[100 + Ring::FADE..].iter().all(|&sample| sample == 1.0));
        assert_eq!(ring.start(), Some(1_000));
        assert_eq!(ring.end(), 1_100);
    }

    #[test]
    fn fades_around_a_gap() {
        let mut ring = Ring::new(None);
        ring.write(0, &[[1.0; 2]; 1_000]);
        ring.write(2_000, &[[1.0; 2]; 1_000]);
        ring.close();

        let out = read(&mut ring, 0, 4_000);

        assert!(out[240..760].iter().all(|&sample| sample == 1.0));
        assert!(out[1_000..2_000].iter().all(|&sample| sample == 0.0));
        assert!(out[3_000..].iter().all(|&sample| sample == 0.0));
        assert!(steps(&out) < 0.005, "{}", steps(&out));
        assert!(ring.is_empty() && !ring.is_open());
    }

    #[test]
    fn what_goes_back_takes_over_without_a_step() {
        for back in [1, 100, FADE, 500, 1_000] {
            let mut ring = Ring::new(None);
            ring.write(0, &[[1.0; 2]; 1_000]);
            ring.write(1_000 - back, &[[1.0; 2]; 2_000]);

            let out = read(&mut ring, 0, 2_000);

            assert_eq!(ring.end(), 3_000 - back);
            assert!(steps(&out[300..]) < 0.01, "{back}: {}", steps(&out[300..]));
        }
    }

    #[test]
    fn what_goes_back_by_more_than_it_has_is_left_out() {
        let mut ring = Ring::new(None);
        ring.write(0, &[[1.0; 2]; 5_000]);

        ring.write(1_000, &[[7.0; 2]; 1_000]);
        ring.write(2_000, &[[7.0; 2]; 1_000]);

        assert_eq!(ring.end(), 5_000);
        assert!(
            read(&mut ring, 0, 5_000)
                .iter()
                .all(|&sample| sample <= 1.0)
        );
    }

    #[test]
    fn what_is_late_is_not_heard() {
        let mut ring = Ring::new(None);
        read(&mut ring, 0, 1_000);

        assert_eq!(ring.write(0, &[[1.0; 2]; 900]), 900);
        assert_eq!(ring.write(900, &[[1.0; 2]; 900]), 100);

        let out = read(&mut ring, 1_000, 800);
        assert!(out[0] < 0.01 && out[240..] == [1.0; 560]);
    }

    #[test]
    fn short_pieces_fade_as_long_ones() {
        let mut ring = Ring::new(None);
        for at in 0..10 {
            ring.write(at * 100, &[[1.0; 2]; 100]);
        }
        ring.write(5_000, &[[1.0; 2]; 100]);
        ring.close();

        let out = read(&mut ring, 0, 6_000);

        assert!(steps(&out) < 0.011, "{}", steps(&out));
    }

    #[test]
    fn a_jump_ahead_forgets_what_is_between() {
        let mut ring = Ring::new(None);
        ring.write(0, &[[1.0; 2]; 1_000]);

        let out = read(&mut ring, 900, 1_000);

        assert_eq!(out[..100], [1.0; 100]);
        assert_eq!(out[100..], [0.0; 900]);
    }
}
