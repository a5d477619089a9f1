//! Which encoding a receiver gets, and when it changes.
//!
//! A simulcast switch is decided here: [`Selector::decide`] is asked for every packet, and changes
//! the current encoding only at a keyframe of the target.

/// What to do with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Not for this receiver.
    Drop,
    /// Goes on as the packets before it.
    Forward,
    /// Goes on as the first of a new source.
    Switch,
}

/// The choice of one subscription. Encodings count from the lowest, 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Selector {
    target: Option<usize>,
    current: Option<usize>,
}

impl Selector {
    /// The encoding chosen by the allocator; `None` when paused.
    pub const fn target(&self) -> Option<usize> {
        self.target
    }

    /// The encoding on the wire.
    pub const fn current(&self) -> Option<usize> {
        self.current
    }

    /// Chooses another encoding. Returns whether a keyframe of it is needed.
    pub fn set_target(&mut self, target: Option<usize>) -> bool {
        self.target = target;
        if target.is_none() {
            self.current = None;
        }
        self.needs_keyframe()
    }

    /// Whether the receiver waits for a keyframe of the target.
    pub fn needs_keyframe(&self) -> bool {
        self.target.is_some() && self.target != self.current
    }

    /// Forgets what is on the wire: the next packet must be a keyframe.
    pub fn restart(&mut self) {
        self.current = None;
    }

    /// Decides about one packet. `can_start` says that a receiver may begin with it: it starts a
    /// keyframe, or is audio.
    pub fn decide(&mut self, encoding: usize, can_start: bool) -> Decision {
        if self.needs_keyframe() && self.target == Some(encoding) && can_start {
            self.current = Some(encoding);
            return Decision::Switch;
        }
        if self.current == Some(encoding) {
            Decision::Forward
        } else {
            Decision::Drop
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_up_only_on_keyframe() {
        let mut selector = Selector::default();
        selector.set_target(Some(0));
        assert_eq!(selector.decide(0, false), Decision::Drop);
        assert_eq!(selector.decide(0, true), Decision::Switch);

        assert!(selector.set_target(Some(2)));

        assert_eq!(selector.decide(2, false), Decision::Drop);
        assert_eq!(selector.decide(0, false), Decision::Forward);
        assert_eq!(selector.decide(2, true), Decision::Switch);
        assert_eq!(selector.decide(0, true), Decision::Drop);
        assert!(!selector.needs_keyframe());
    }

    #[test]
    fn stops_at_once_when_paused() {
        let mut selector = Selector::default();
        selector.set_target(Some(0));
        selector.decide(0, true);

        assert!(!selector.set_target(None));

        assert_eq!(selector.decide(0, true), Decision::Drop);
    }

    #[test]
    fn keyframes_within_an_encoding_are_no_switch() {
        let mut selector = Selector::default();
        selector.set_target(Some(1));
        selector.decide(1, true);

        assert_eq!(selector.decide(1, true), Decision::Forward);
    }
}
