//! When to ask for a keyframe.

use std::time::Instant;

use super::limits::{KEYFRAME_INTERVAL, QUICK_KEYFRAME_REQUESTS, SLOW_KEYFRAME_INTERVAL};

/// The requests for one keyframe: at once, then less and less often until it is there.
#[derive(Debug, Default)]
pub(super) struct KeyframeRequests {
    /// When the next request is due, while a keyframe is wanted.
    due: Option<Instant>,
    /// Requests so far.
    count: u32,
}

impl KeyframeRequests {
    /// A keyframe is needed, if not already.
    pub(super) fn want(&mut self, now: Instant) {
        self.due.get_or_insert(now);
    }

    /// A keyframe is there, or none is needed any more.
    pub(super) fn satisfy(&mut self) {
        *self = Self::default();
    }

    /// Whether to ask now. It counts as done then.
    pub(super) fn poll(&mut self, now: Instant) -> bool {
        let is_due = self.due.is_some_and(|due| due <= now);
        if is_due {
            let interval = if self.count < QUICK_KEYFRAME_REQUESTS {
                KEYFRAME_INTERVAL
            } else {
                SLOW_KEYFRAME_INTERVAL
            };
            self.count = self.count.saturating_add(1);
            self.due = Some(now + interval);
        }
        is_due
    }

    /// When to ask next.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::frames::reorder::tests::start;

    #[test]
    fn asks_at_once_then_each_second_then_each_five() {
        let start = start();
        let mut requests = KeyframeRequests::default();
        assert!(!requests.poll(start));

        requests.want(start);
        let mut asked = Vec::new();
        for second in 0..=30 {
            if requests.poll(start + Duration::from_secs(second)) {
                asked.push(second);
            }
        }

        assert_eq!(asked, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30]);
        requests.satisfy();
        assert_eq!(requests.poll_timeout(), None);
    }

    #[test]
    fn asks_once_however_often_it_is_wanted() {
        let start = start();
        let mut requests = KeyframeRequests::default();

        requests.want(start);
        requests.want(start);

        assert!(requests.poll(start));
        requests.want(start);
        assert!(!requests.poll(start));
        let next = start + Duration::from_secs(1);
        assert_eq!(requests.poll_timeout(), Some(next));
    }
}
