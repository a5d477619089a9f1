//! When packets arrived, for transport-wide feedback
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01).

use std::time::{Duration, Instant};

use crate::media::rtcp;

/// How often the sender is told. Shorter lets its estimator react sooner, longer saves packets;
/// libwebrtc uses 50 to 250 ms.
const FEEDBACK_INTERVAL: Duration = Duration::from_millis(50);
/// Most arrivals noted between two feedback messages: 100 Mbit/s. Beyond it they are not told,
/// which the sender takes for loss.
const MAX_ARRIVALS: usize = 512;

/// The arrivals that have not been told yet.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    /// Extended transport-wide sequence number, and microseconds since the session began.
    untold: Vec<(u64, i64)>,
    highest: Option<u64>,
    /// The first number of the next message: what is missing before an arrival is told too.
    next: Option<u64>,
    due: Option<Instant>,
    number: u8,
}

impl Arrivals {
    /// Notes an arrival.
    pub(super) fn insert(&mut self, now: Instant, sequence: u16, arrival_us: i64) {
        let sequence = match self.highest {
            // A little more than a roll-over up, so that reordering at the start is no negative.
            None => u64::from(sequence) + 0x1_0000,
            Some(highest) => {
                let step = sequence.wrapping_sub(highest as u16) as i16;
                highest.saturating_add_signed(i64::from(step))
            }
        };
        if self.next.is_some_and(|next| sequence < next) || self.untold.len() == MAX_ARRIVALS {
            // Told as lost already; or more than may wait.
            return;
        }
        self.highest = self.highest.max(Some(sequence));
        self.untold.push((sequence, arrival_us));
        self.due.get_or_insert(now + FEEDBACK_INTERVAL);
    }

    /// When to tell.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// Writes the feedback that is due, a message at a time. Returns whether it wrote one.
    pub(super) fn poll_feedback(
        &mut self,
        now: Instant,
        sender_ssrc: u32,
        media_ssrc: u32,
        out: &mut Vec<u8>,
    ) -> bool {
        if self.due.is_none_or(|due| due > now) {
            return false;
        }
        self.untold.sort_unstable();
        self.untold.dedup_by_key(|(sequence, _)| *sequence);
        let Some(&(first, _)) = self.untold.first() else {
            self.due = None;
            return false;
        };
        let from = self.next.unwrap_or(first);
        let told = rtcp::write_transport_feedback(
            out,
            sender_ssrc,
            media_ssrc,
            self.number,
            from,
            &self.untold,
        );
        self.number = self.number.wrapping_add(1);
        let last = told.checked_sub(1).and_then(|last| self.untold.get(last));
        self.next = last.map(|(sequence, _)| sequence + 1).or(Some(first));
        self.untold.drain(..told.max(1).min(self.untold.len()));
        if self.untold.is_empty() {
            self.due = None;
        }
        true
    }
}
