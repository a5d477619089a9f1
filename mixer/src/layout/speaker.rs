//! Who has the large tile.

use super::limits::SPEAKER_HOLD_US;
use super::{Identity, Scene};

/// The participant who speaks, or spoke last.
#[derive(Debug, Default)]
pub(super) struct HeldSpeaker {
    held: Option<Identity>,
    /// Whether the held one has said anything, or is only the first in the room.
    has_spoken: bool,
    challenger: Option<Challenger>,
}

/// Somebody else who is the loudest.
#[derive(Debug)]
struct Challenger {
    identity: Identity,
    since_us: i64,
}

impl HeldSpeaker {
    /// Who has the large tile from now on; nobody only in an empty room.
    pub(super) fn update(&mut self, at_us: i64, scene: &Scene) -> Option<Identity> {
        let is_there = |identity: &Identity| scene.participant(identity).is_some();
        if self.held.as_ref().is_some_and(|held| !is_there(held)) {
            *self = Self::default();
        }
        if let Some(loudest) = loudest(scene) {
            self.hear(at_us, loudest);
        }
        if self.held.is_none() {
            let mut participants = scene.participants.iter();
            let with_camera = participants.find(|participant| participant.camera.is_some());
            let first = with_camera.or(scene.participants.first());
            self.held = first.map(|participant| participant.identity.clone());
        }
        self.held.clone()
    }

    fn hear(&mut self, at_us: i64, loudest: &Identity) {
        let is_held = self.held.as_ref() == Some(loudest);
        if is_held || !self.has_spoken {
            self.hold(loudest);
            return;
        }
        // Silence is no reason to begin anew: there are pauses in all that is said.
        match &self.challenger {
            Some(challenger) if challenger.identity == *loudest => {
                if at_us.saturating_sub(challenger.since_us) >= SPEAKER_HOLD_US {
                    self.hold(loudest);
                }
            }
            Some(_) | None => {
                self.challenger = Some(Challenger {
                    identity: loudest.clone(),
                    since_us: at_us,
                });
            }
        }
    }

    fn hold(&mut self, identity: &Identity) {
        *self = Self {
            held: Some(identity.clone()),
            has_spoken: true,
            challenger: None,
        };
    }
}

/// Of several that are as loud, who has joined first.
fn loudest(scene: &Scene) -> Option<&Identity> {
    let speaking = scene.participants.iter().rev();
    let loudest = speaking
        .filter(|participant| participant.speaking_level > 0)
        .max_by_key(|participant| participant.speaking_level);
    loudest.map(|participant| &participant.identity)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Participant;

    #[test]
    fn the_first_to_speak_is_shown_at_once() {
        let mut speaker = HeldSpeaker::default();

        assert_eq!(speaker.update(0, &room(&[0, 0])), Some("0".into()));
        assert_eq!(speaker.update(1, &room(&[0, 9])), Some("1".into()));
    }

    #[test]
    fn others_have_to_speak_for_a_while() {
        let mut speaker = HeldSpeaker::default();
        speaker.update(0, &room(&[9, 0]));

        assert_eq!(speaker.update(1_000_000, &room(&[5, 9])), Some("0".into()));
        assert_eq!(speaker.update(2_000_000, &room(&[0, 0])), Some("0".into()));
        assert_eq!(speaker.update(2_499_999, &room(&[0, 9])), Some("0".into()));
        assert_eq!(speaker.update(2_500_000, &room(&[0, 9])), Some("1".into()));
        assert_eq!(speaker.update(9_000_000, &room(&[0, 0])), Some("1".into()));
    }

    #[test]
    fn a_word_of_the_speaker_sends_the_other_back() {
        let mut speaker = HeldSpeaker::default();
        speaker.update(0, &room(&[9, 0]));

        speaker.update(0, &room(&[0, 9]));
        speaker.update(1_000_000, &room(&[9, 0]));

        assert_eq!(speaker.update(2_000_000, &room(&[0, 9])), Some("0".into()));
    }

    #[test]
    fn who_leaves_is_not_waited_for() {
        let mut speaker = HeldSpeaker::default();
        speaker.update(0, &room(&[0, 9]));

        assert_eq!(speaker.update(1, &room(&[0])), Some("0".into()));
        assert_eq!(speaker.update(2, &Scene::default()), None);
    }

    fn room(levels: &[u8]) -> Scene {
        let participants = levels.iter().enumerate();
        let participants = participants.map(|(index, &speaking_level)| Participant {
            speaking_level,
            ..Participant::new(&index.to_string(), "")
        });
        Scene {
            participants: participants.collect(),
        }
    }
}
