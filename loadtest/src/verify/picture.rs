//! A camera's pictures, as one participant receives them.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use proto::codec::Codec;
use proto::media::MediaPacket;

use super::arrivals::Arrival;
use super::assembly::{Assembled, Assembly, Frame};
use super::reception::{Reception, is_the_senders};
use super::{Judge, Who};
use crate::media::stamp::Stamp;
use crate::report::SubscriptionSummary;

/// Complete frames that wait for one before them; the oldest goes for a further one.
const MAX_WAITING: usize = 64;
/// How long a receiver waits for a missing packet before it goes on with a frame that needs none
/// of the missing ones; libwebrtc waits 200 ms for a frame.
const PATIENCE: Duration = Duration::from_millis(200);
/// How often a receiver that cannot go on asks for a keyframe.
const KEYFRAME_INTERVAL: Duration = Duration::from_millis(1_000);
/// Frames over which the W3C's freeze compares.
const FREEZE_FRAMES: usize = 30;
/// Over this, with the mean added, a gap is a freeze.
const FREEZE_EXTRA: Duration = Duration::from_millis(150);

/// The pictures of one subscription, in order, as a decoder could show them.
#[derive(Debug)]
pub struct PictureStream {
    pub(super) reception: Reception,
    /// Whether nobody looks at it.
    pub(super) is_hidden: bool,
    assembly: Assembly,
    waiting: BTreeMap<u64, Frame>,
    /// Sequence number the next picture should begin with.
    cursor: Option<u64>,
    stuck_since: Option<Instant>,
    asked_at: Option<Instant>,
    shown: Option<Shown>,
    intervals: VecDeque<Duration>,
    intervals_sum: Duration,
    watched_to: Option<Instant>,
    frames: u64,
    freezes: u32,
    frozen: Duration,
    switches: u32,
}

/// The picture on the screen.
#[derive(Debug, Clone, Copy)]
struct Shown {
    stamp: Stamp,
    /// Running number of the newest picture of the base temporal layer.
    base_frame: u32,
}

impl PictureStream {
    pub(super) fn new(now: Instant, who: Who, sample_id: u64) -> Self {
        Self {
            reception: Reception::new(now, who, sample_id),
            is_hidden: false,
            assembly: Assembly::default(),
            waiting: BTreeMap::new(),
            cursor: None,
            stuck_since: None,
            asked_at: None,
            shown: None,
            intervals: VecDeque::with_capacity(FREEZE_FRAMES),
            intervals_sum: Duration::ZERO,
            watched_to: None,
            frames: 0,
            freezes: 0,
            frozen: Duration::ZERO,
            switches: 0,
        }
    }

    /// Hides or shows it: while it is hidden, nothing need come.
    pub(super) fn hide(&mut self, hidden: bool, now: Instant) {
        if self.is_hidden == hidden {
            return;
        }
        self.is_hidden = hidden;
        self.reception.rhythm.restart(now);
        self.watched_to = None;
        self.shown = None;
        self.cursor = None;
        self.stuck_since = None;
        self.waiting.clear();
        self.intervals.clear();
        self.intervals_sum = Duration::ZERO;
    }

    pub(super) fn handle(&mut self, judge: &mut Judge<'_>, packet: &MediaPacket<'_>) -> bool {
        match self.reception.take(judge, packet) {
            Arrival::Stale => return false,
            Arrival::Restart => {
                self.assembly.clear();
                self.waiting.clear();
                self.cursor = None;
            }
            Arrival::InOrder | Arrival::Ahead | Arrival::Late => {}
        }
        // Hidden: what was on its way. Empty: padding, by which a server probes the path.
        if self.is_hidden || packet.payload.is_empty() {
            return false;
        }
        match self.assembly.take(packet, self.reception.is_sampled) {
            Assembled::Incomplete => {}
            Assembled::Foreign => self.reception.complain(judge, "foreign-packet", || {
                "a packet ends a picture and carries no stamp of ours".to_owned()
            }),
            Assembled::Frame(frame) => self.collect(judge, frame, packet),
        }
        self.show_all(judge, packet.codec);
        self.wants_keyframe(judge.now)
    }

    pub(super) fn look(&mut self, judge: &mut Judge<'_>) -> bool {
        self.reception.give_up(judge);
        if self.stuck_since.is_some() {
            self.show_all(judge, Codec::Vp8);
        }
        if let Some(from) = self.watched_to {
            judge.tally.watched += judge.now.saturating_duration_since(from);
            self.watched_to = Some(judge.now);
        }
        self.wants_keyframe(judge.now)
    }

    pub(super) fn finish(&mut self, judge: &mut Judge<'_>) -> SubscriptionSummary {
        self.reception.give_up_all(judge);
        self.check_still_coming(judge);
        SubscriptionSummary {
            kind: "video".to_owned(),
            frames: self.frames,
            freezes: self.freezes,
            frozen_s: self.frozen.as_secs_f64(),
            encoding: self.shown.map(|shown| shown.stamp.encoding),
            switches: self.switches,
            ..self.reception.summary()
        }
    }

    /// Takes a complete frame.
    fn collect(&mut self, judge: &mut Judge<'_>, frame: Frame, packet: &MediaPacket<'_>) {
        let stamp = frame.stamp;
        let wanted = self.reception.who.number;
        if stamp.publisher != wanted || stamp.audio {
            self.reception.complain(judge, "wrong-person", || {
                let what = if stamp.audio { "sound" } else { "pictures" };
                let got = stamp.publisher;
                format!("{what} of publisher {got} came instead of publisher {wanted}")
            });
        }
        let captured = judge.captured_at(stamp.captured_us);
        let rate = packet.codec.clock_rate_hz();
        self.reception
            .rhythm
            .check_clock(packet.clock, frame.timestamp, rate, captured);
        if self.cursor.is_some_and(|cursor| frame.first < cursor) {
            return;
        }
        if self.waiting.len() == MAX_WAITING {
            self.waiting.pop_first();
            judge.tally.frames_broken += 1;
        }
        self.waiting.insert(frame.first, frame);
    }

    /// Shows what can be shown.
    fn show_all(&mut self, judge: &mut Judge<'_>, codec: Codec) {
        while let Some(first) = self.next_showable(judge.now) {
            let skipped: Vec<u64> = self.waiting.range(..first).map(|(key, _)| *key).collect();
            judge.tally.frames_broken += skipped.len() as u64;
            for key in skipped {
                self.waiting.remove(&key);
            }
            let Some(frame) = self.waiting.remove(&first) else {
                return;
            };
            let follows = self.cursor == Some(frame.first);
            self.cursor = Some(frame.last + 1);
            self.stuck_since = None;
            self.show(judge, codec, frame, follows);
        }
        if self.waiting.is_empty() {
            self.stuck_since = None;
        } else {
            self.stuck_since.get_or_insert(judge.now);
        }
    }

    /// The next frame a decoder could show: the one that follows, else a keyframe, else, after
    /// some patience, one of the base layer that needs none of those missing.
    fn next_showable(&self, now: Instant) -> Option<u64> {
        let (first, frame) = self.waiting.first_key_value()?;
        if self.cursor == Some(*first) && (self.shown.is_some() || frame.stamp.keyframe) {
            return Some(*first);
        }
        let keyframe = self.waiting.iter().find(|(_, frame)| frame.stamp.keyframe);
        if let Some((first, _)) = keyframe {
            return Some(*first);
        }
        let shown = self.shown?;
        self.stuck_since
            .filter(|since| now.saturating_duration_since(*since) > PATIENCE)?;
        let base = self.waiting.iter().find(|(_, frame)| {
            let stamp = frame.stamp;
            stamp.temporal == 0
                && stamp.encoding == shown.stamp.encoding
                && stamp.frame.wrapping_sub(shown.base_frame) <= BASE_LAYER_PERIOD
        });
        base.map(|(first, _)| *first)
    }

    fn show(&mut self, judge: &mut Judge<'_>, codec: Codec, frame: Frame, follows: bool) {
        let stamp = frame.stamp;
        let latency_us = judge.now_us().saturating_sub(stamp.captured_us);
        let before = self.reception.rhythm.last_at;
        if before.is_none() {
            self.note_first(judge);
        }
        self.check_order(judge, stamp);
        if let (Some(before), Some(shown)) = (before, self.shown) {
            self.check_freeze(judge, judge.now - before, stamp, shown.stamp);
        }
        self.reception.rhythm.beat(judge.now, latency_us);
        self.frames += 1;
        judge.tally.frames += 1;
        if let Some(count) = judge
            .tally
            .frames_by_encoding
            .get_mut(usize::from(stamp.encoding))
        {
            *count += 1;
        }
        judge.tally.video_latency.record(latency_us);
        self.watched_to.get_or_insert(judge.now);
        if self.reception.is_sampled && !frame.payloads.is_empty() {
            self.reception
                .sample(judge, codec, stamp, follows, frame.payloads);
        }
        let base_frame = match (stamp.temporal, self.shown) {
            (0, _) | (_, None) => stamp.frame,
            (_, Some(shown)) => shown.base_frame,
        };
        self.shown = Some(Shown { stamp, base_frame });
    }

    /// Measures from when both sides were there.
    fn note_first(&mut self, judge: &mut Judge<'_>) {
        self.reception.note_first(judge);
        let after = judge.now - self.reception.rhythm.wanted_from;
        judge.tally.first_frame.record(after.as_micros() as u64);
    }

    fn check_order(&mut self, judge: &mut Judge<'_>, stamp: Stamp) {
        let Some(shown) = self.shown.map(|shown| shown.stamp) else {
            return;
        };
        let is_switch = shown.encoding != stamp.encoding;
        if is_switch {
            self.switches += 1;
        }
        if is_switch && !stamp.keyframe {
            self.reception
                .complain(judge, "switch-without-keyframe", || {
                    format!(
                        "encoding {} follows {} at picture {} without a keyframe",
                        stamp.encoding, shown.encoding, stamp.frame
                    )
                });
        }
        // A switch may begin with the picture that was shown last, in its other encoding.
        let step = stamp.frame.wrapping_sub(shown.frame) as i32;
        if step < 0 || step == 0 && !is_switch {
            self.reception.complain(judge, "wrong-order", || {
                format!("picture {} came after {}", stamp.frame, shown.frame)
            });
        }
    }

    /// W3C, "Identifiers for WebRTC's Statistics API", freezeCount.
    fn check_freeze(&mut self, judge: &mut Judge<'_>, gap: Duration, stamp: Stamp, shown: Stamp) {
        let count = self.intervals.len() as u32;
        let mean = self.intervals_sum.checked_div(count).unwrap_or_default();
        let is_freeze = count > 0 && gap >= (mean * 3).max(mean + FREEZE_EXTRA);
        if is_freeze && !is_the_senders(gap, stamp, shown) {
            self.count_freeze(judge, gap, "");
        }
        if self.intervals.len() == FREEZE_FRAMES {
            let oldest = self.intervals.pop_front().unwrap_or_default();
            self.intervals_sum -= oldest;
        }
        self.intervals.push_back(gap);
        self.intervals_sum += gap;
    }

    /// A picture that stands still at the end is a freeze if its publisher went on.
    fn check_still_coming(&mut self, judge: &mut Judge<'_>) {
        let (Some(last), Some(_)) = (self.reception.rhythm.last_at, self.watched_to) else {
            return;
        };
        let gap = judge.now.saturating_duration_since(last);
        let newest = judge
            .sources
            .newest_us(self.reception.who.number, self.reception.who.kind);
        let went_on = newest.is_some_and(|newest| {
            judge.epoch + Duration::from_micros(newest) > last + Duration::from_millis(500)
        });
        if went_on && gap > Duration::from_secs(1) {
            self.count_freeze(judge, gap, ", to the end");
        }
    }

    fn count_freeze(&mut self, judge: &mut Judge<'_>, gap: Duration, when: &str) {
        self.freezes += 1;
        self.frozen += gap;
        judge.tally.freezes += 1;
        judge.tally.frozen += gap;
        judge.find(
            &self.reception.who,
            "freeze",
            format!("no new picture for {:.2} s{when}", gap.as_secs_f64()),
        );
    }

    fn wants_keyframe(&mut self, now: Instant) -> bool {
        let is_stuck = self
            .stuck_since
            .is_some_and(|since| now.saturating_duration_since(since) > PATIENCE);
        let may_ask = self
            .asked_at
            .is_none_or(|at| now.saturating_duration_since(at) > KEYFRAME_INTERVAL);
        if is_stuck && may_ask {
            self.asked_at = Some(now);
        }
        is_stuck && may_ask
    }
}

/// Pictures from one of the base temporal layer to the next, at most (L1T3).
const BASE_LAYER_PERIOD: u32 = 4;
