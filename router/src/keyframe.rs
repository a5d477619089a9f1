//! When to ask a publisher for a keyframe: requests of all receivers are one, and rare.

use std::time::Instant;

use crate::limits::KEYFRAME_REQUEST_INTERVAL;

/// Requests for keyframes of one encoding.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeyframeRequests {
    wanted: bool,
    last_sent: Option<Instant>,
}

impl KeyframeRequests {
    /// A receiver needs a keyframe.
    pub fn want(&mut self) {
        self.wanted = true;
    }

    /// A keyframe has come.
    pub fn satisfy(&mut self) {
        self.wanted = false;
    }

    /// When to send the next request, if one is wanted.
    pub fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        let at = self
            .last_sent
            .map_or(now, |last| (last + KEYFRAME_REQUEST_INTERVAL).max(now));
        self.wanted.then_some(at)
    }

    /// Whether to send a request at `now`. It stays wanted until a keyframe comes: requests get
    /// lost, too.
    pub fn poll_send(&mut self, now: Instant) -> bool {
        let due = self.poll_timeout(now).is_some_and(|at| at <= now);
        if due {
            self.last_sent = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "an instant can only be made by the clock"
    )]
    fn asks_at_once_then_rarely_until_satisfied() {
        let now = Instant::now();
        let mut requests = KeyframeRequests::default();
        assert!(!requests.poll_send(now));

        requests.want();
        requests.want();

        assert!(requests.poll_send(now));
        assert!(!requests.poll_send(now + Duration::from_millis(499)));
        assert!(requests.poll_send(now + Duration::from_millis(500)));
        requests.satisfy();
        assert_eq!(requests.poll_timeout(now), None);
    }
}
