//! Which packets have been here before (RFC 3711 §3.3.2).

/// Most senders of RTCP packets, by SSRC, whose replays one receiver tells. A peer has one for
/// each stream it sends or receives; it alone can make more, as only authentic packets count.
pub const MAX_RTCP_SENDERS: usize = 64;

/// Indexes behind the highest that a window remembers. RFC 3711 §3.3.2 asks for 64; retransmitted
/// video comes later than that.
const WINDOW_PACKETS: u64 = 128;

/// The indexes seen last.
#[derive(Debug, Clone, Default)]
pub(super) struct ReplayWindow {
    highest: Option<u64>,
    /// Bit n: whether the index n below the highest was seen.
    seen: u128,
}

impl ReplayWindow {
    pub(super) const fn new() -> Self {
        Self {
            highest: None,
            seen: 0,
        }
    }

    pub(super) const fn highest(&self) -> Option<u64> {
        self.highest
    }

    /// Whether an index was not seen and is not too old to tell.
    pub(super) fn is_new(&self, index: u64) -> bool {
        match self.highest.and_then(|highest| highest.checked_sub(index)) {
            Some(age) => age < WINDOW_PACKETS && self.seen >> age & 1 == 0,
            None => true,
        }
    }

    pub(super) fn insert(&mut self, index: u64) {
        let highest = self.highest.unwrap_or(index);
        if index >= highest {
            let ahead = index - highest;
            let kept = if ahead < WINDOW_PACKETS {
                self.seen << ahead
            } else {
                0
            };
            self.seen = kept | 1;
            self.highest = Some(index);
        } else if highest - index < WINDOW_PACKETS {
            self.seen |= 1 << (highest - index);
        }
    }
}

/// The window of every sender of RTCP packets, the one heard last at the end.
#[derive(Debug)]
pub(super) struct SenderWindows(Vec<(u32, ReplayWindow)>);

impl SenderWindows {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn is_new(&self, ssrc: u32, index: u64) -> bool {
        self.0
            .iter()
            .find(|(sender, _)| *sender == ssrc)
            .is_none_or(|(_, window)| window.is_new(index))
    }

    pub(super) fn insert(&mut self, ssrc: u32, index: u64) {
        let known = self.0.iter().position(|(sender, _)| *sender == ssrc);
        let (_, mut window) = match known {
            Some(place) => self.0.remove(place),
            None => (ssrc, ReplayWindow::new()),
        };
        if self.0.len() == MAX_RTCP_SENDERS {
            self.0.remove(0);
        }
        window.insert(index);
        self.0.push((ssrc, window));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(indexes: &[u64]) -> ReplayWindow {
        let mut window = ReplayWindow::new();
        for index in indexes {
            window.insert(*index);
        }
        window
    }

    #[test]
    fn takes_anything_first() {
        assert!(ReplayWindow::new().is_new(0));
        assert!(ReplayWindow::new().is_new(u64::MAX));
    }

    #[test]
    fn tells_what_was_seen() {
        let window = window(&[100, 103, 101]);

        let new: Vec<u64> = (99..106).filter(|index| window.is_new(*index)).collect();

        assert_eq!(new, [99, 102, 104, 105]);
        assert_eq!(window.highest(), Some(103));
    }

    #[test]
    fn refuses_what_is_older_than_the_window() {
        let window = window(&[1000]);

        assert!(window.is_new(1000 - 127));
        assert!(!window.is_new(1000 - 128));
        assert!(!window.is_new(0));
    }

    #[test]
    fn remembers_the_oldest_of_the_window() {
        let mut window = window(&[1000]);

        window.insert(1000 - 127);

        assert!(!window.is_new(1000 - 127));
        assert!(window.is_new(1000 - 126));
    }

    #[test]
    fn forgets_what_a_jump_leaves_behind() {
        let far = window(&[0, 1, 1_000_000]);
        let just_in = window(&[0, 1, 128]);

        assert!(far.is_new(1_000_000 - 127));
        assert!(!far.is_new(1));
        assert!(!just_in.is_new(0));
        assert!(!just_in.is_new(1));
        assert!(just_in.is_new(2));
    }

    #[test]
    fn is_not_moved_by_what_is_too_old() {
        let mut window = window(&[1000]);

        window.insert(3);

        assert_eq!(window.highest(), Some(1000));
        assert!(window.is_new(999));
    }

    #[test]
    fn keeps_senders_apart() {
        let mut senders = SenderWindows::new();

        senders.insert(1, 10);

        assert!(!senders.is_new(1, 10));
        assert!(senders.is_new(2, 10));
    }

    #[test]
    fn forgets_the_sender_not_heard_for_longest() {
        let mut senders = SenderWindows::new();
        for ssrc in 0..64 {
            senders.insert(ssrc, 0);
        }
        senders.insert(0, 1);

        senders.insert(64, 0);

        assert_eq!(senders.0.len(), MAX_RTCP_SENDERS);
        assert!(!senders.is_new(0, 0));
        assert!(senders.is_new(1, 0));
        assert!(!senders.is_new(2, 0));
        assert!(!senders.is_new(64, 0));
    }
}
