//! Which frames can be decoded after a loss.
//!
//! A frame that may refer to a missing one must not be shown. Most streams tell nothing of what
//! refers to what: then every loss is mended by a keyframe only. Some tell enough to go on:
//! - a picture id that goes on without a gap shows that what was lost was no frame;
//! - a frame that no other refers to is not missed, and one of a higher temporal layer only by its
//!   own and higher layers, until one comes that refers to nothing of theirs (VP8's Y, VP9's U);
//! - the index of the lowest temporal layer shows whether a frame of that layer is among the lost;
//! - VP9's flexible mode names all references.

use proto::layer::vp8::PictureId;

/// What a frame tells of those it refers to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// It refers to none.
    pub(super) is_keyframe: bool,
    /// Its temporal layer; it refers to no higher one.
    pub(super) temporal: u8,
    /// Counts frames.
    pub(super) picture_id: Option<PictureId>,
    /// Counts frames of the lowest temporal layer (TL0PICIDX).
    pub(super) base_index: Option<u8>,
    /// It refers to the lowest temporal layer only (VP8's Y).
    pub(super) is_layer_sync: bool,
    /// No later frame of a higher temporal layer refers to an earlier one of such (VP9's U).
    pub(super) opens_higher_layers: bool,
    /// No frame refers to it.
    pub(super) is_discardable: bool,
    /// With bit `n` set, it refers to the picture `n` before; only if all references are named.
    pub(super) references: Option<u128>,
}

/// What has been missed, and what that is good for.
#[derive(Debug)]
pub(super) struct Continuity {
    state: State,
    /// The highest temporal layer of which nothing is missing that may still be referred to.
    whole_layers: u8,
    /// Packets lost since the newest frame.
    lost: u64,
    newest: Option<PictureId>,
    /// Index of the newest frame of the lowest temporal layer.
    base_index: Option<u8>,
    /// With bit `n` set, the picture `n` before the newest has been given.
    given: u128,
    /// Something has been missed since the keyframe, so that named references count.
    is_damaged: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing has come yet.
    Beginning,
    /// There are frames that can be decoded.
    Going,
    /// Only a keyframe helps.
    Broken,
}

impl Continuity {
    pub(super) fn new() -> Self {
        Self {
            state: State::Beginning,
            whole_layers: u8::MAX,
            lost: 0,
            newest: None,
            base_index: None,
            given: 0,
            is_damaged: false,
        }
    }

    /// Whether only a keyframe helps.
    pub(super) fn is_broken(&self) -> bool {
        self.state == State::Broken
    }

    /// Packets were lost of which nothing is known.
    pub(super) fn handle_lost(&mut self, packets: u64) {
        self.lost = self.lost.saturating_add(packets);
        let tells = self.newest.is_some() || self.base_index.is_some();
        if !tells {
            self.state = State::Broken;
        }
    }

    /// A frame lacks packets, but it is known which frame it is.
    pub(super) fn handle_incomplete(&mut self, needs: &Needs) {
        self.settle(needs);
        self.note(needs.picture_id);
        let is_missed = !needs.is_discardable || self.state == State::Beginning;
        if needs.is_keyframe || is_missed && needs.references.is_none() && needs.temporal == 0 {
            self.state = State::Broken;
        } else if is_missed {
            self.is_damaged = true;
            self.whole_layers = self.whole_layers.min(needs.temporal.saturating_sub(1));
        }
    }

    /// Takes a whole frame; tells whether everything that it refers to has been given.
    pub(super) fn take(&mut self, needs: &Needs) -> bool {
        if needs.is_keyframe {
            *self = Self {
                state: State::Going,
                newest: needs.picture_id,
                base_index: needs.base_index,
                given: 1,
                ..Self::new()
            };
            return true;
        }
        self.settle(needs);
        self.note(needs.picture_id);
        if self.state == State::Beginning {
            self.state = State::Broken;
        }
        if self.is_broken() {
            return false;
        }
        let is_decodable = self.is_decodable(needs);
        if is_decodable {
            self.given |= 1;
            self.note_layer(needs);
        } else if needs.temporal == 0 {
            self.state = State::Broken;
        }
        is_decodable
    }

    /// Finds out what has been lost before a frame.
    fn settle(&mut self, needs: &Needs) {
        let lost = std::mem::take(&mut self.lost);
        let is_tellable = lost <= MAX_TELLABLE_PACKETS;
        if lost == 0 || is_tellable && self.is_next(needs.picture_id) {
            return;
        }
        self.is_damaged = true;
        self.whole_layers = 0;
        let names_references = needs.references.is_some() && needs.picture_id.is_some();
        let next_base = |index: u8| index.wrapping_add(u8::from(needs.temporal == 0));
        let has_base =
            needs.base_index.is_some() && needs.base_index == self.base_index.map(next_base);
        if !is_tellable || !names_references && !has_base {
            self.state = State::Broken;
        }
    }

    fn is_next(&self, id: Option<PictureId>) -> bool {
        self.newest.zip(id).is_some_and(|(newest, id)| {
            newest.long == id.long && newest.value.wrapping_add(1) & id.mask() == id.value
        })
    }

    fn is_decodable(&self, needs: &Needs) -> bool {
        match needs.references {
            Some(references) => !self.is_damaged || references & !self.given == 0,
            None => needs.temporal <= self.whole_layers || needs.is_layer_sync,
        }
    }

    /// Makes room for a picture among those that have been given.
    fn note(&mut self, id: Option<PictureId>) {
        let distance = self.newest.zip(id).map(|(newest, id)| {
            let is_same_width = newest.long == id.long;
            let distance = id.value.wrapping_sub(newest.value) & id.mask();
            (is_same_width && distance <= id.mask() / 2).then_some(distance)
        });
        self.given = match distance.flatten() {
            Some(distance) => self.given.checked_shl(distance.into()).unwrap_or(0),
            None => 0,
        };
        self.newest = id;
    }

    fn note_layer(&mut self, needs: &Needs) {
        if needs.temporal == 0 {
            self.base_index = needs.base_index;
        }
        let is_next_layer = needs.temporal.checked_sub(1) == Some(self.whole_layers);
        if needs.is_layer_sync && is_next_layer {
            self.whole_layers = needs.temporal;
        }
        if needs.opens_higher_layers && needs.temporal <= self.whole_layers {
            self.whole_layers = u8::MAX;
        }
    }
}

/// Most packets that may be lost for counters to tell what was in them: in fewer than 127, not even
/// a picture id of seven bits comes round.
const MAX_TELLABLE_PACKETS: u64 = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_begins_with_a_keyframe() {
        let mut continuity = Continuity::new();

        assert!(!continuity.is_broken());
        assert!(!continuity.take(&plain()));
        assert!(continuity.is_broken());
        assert!(continuity.take(&key()));
        assert!(continuity.take(&plain()));
        assert!(!continuity.is_broken());
    }

    #[test]
    fn a_stream_that_tells_nothing_needs_a_keyframe_after_every_loss() {
        let mut continuity = begun(&key());

        continuity.handle_lost(1);

        assert!(continuity.is_broken());
        assert!(!continuity.take(&plain()));
        assert!(continuity.take(&key()));
    }

    #[test]
    fn an_incomplete_frame_that_nothing_refers_to_is_not_missed() {
        let mut continuity = begun(&key());

        continuity.handle_incomplete(&Needs {
            is_discardable: true,
            ..plain()
        });
        assert!(continuity.take(&plain()));

        continuity.handle_incomplete(&plain());
        assert!(!continuity.take(&plain()));
    }

    #[test]
    fn a_picture_id_that_goes_on_shows_that_no_frame_was_lost() {
        let mut continuity = begun(&with_id(key(), 0x7fff));

        continuity.handle_lost(3);
        assert!(continuity.take(&with_id(plain(), 0)));
        continuity.handle_lost(3);
        assert!(!continuity.take(&with_id(plain(), 2)));
    }

    #[test]
    fn too_many_lost_packets_could_have_been_a_round_of_all_ids() {
        let mut continuity = begun(&with_id(key(), 5));

        continuity.handle_lost(MAX_TELLABLE_PACKETS + 1);

        assert!(!continuity.take(&with_id(plain(), 6)));
    }

    #[test]
    fn a_lost_higher_layer_is_missed_by_higher_layers_until_they_synchronise() {
        let mut continuity = begun(&layer(0, 255, true));
        assert!(continuity.take(&layer(2, 255, true)));
        continuity.handle_lost(1);

        // The lowest layer has lost nothing.
        assert!(!continuity.take(&layer(2, 255, false)));
        assert!(continuity.take(&layer(0, 0, false)));
        // Layer 2 can be seen, but those after it may refer to layer 1.
        assert!(continuity.take(&layer(2, 0, true)));
        assert!(!continuity.take(&layer(2, 0, false)));
        assert!(continuity.take(&layer(1, 0, true)));
        assert!(continuity.take(&layer(2, 0, true)));
        assert!(continuity.take(&layer(2, 0, false)));
        assert!(!continuity.is_broken());
    }

    #[test]
    fn a_lost_frame_of_the_lowest_layer_breaks_all() {
        for next in [layer(0, 2, false), layer(1, 1, true)] {
            let mut continuity = begun(&layer(0, 0, true));

            continuity.handle_lost(1);

            assert!(!continuity.take(&next));
            assert!(continuity.is_broken());
        }
    }

    #[test]
    fn a_place_to_switch_up_opens_all_higher_layers() {
        let opening = |temporal, base| Needs {
            opens_higher_layers: true,
            ..layer(temporal, base, false)
        };
        let mut continuity = begun(&layer(0, 7, true));
        continuity.handle_incomplete(&layer(1, 7, false));

        assert!(!continuity.take(&opening(1, 7)));
        assert!(continuity.take(&opening(0, 8)));
        assert!(continuity.take(&layer(2, 8, false)));
    }

    #[test]
    fn named_references_tell_all() {
        let naming = |id, references: &[u32]| Needs {
            references: Some(references.iter().map(|&distance| 1 << distance).sum()),
            ..with_id(plain(), id)
        };
        let mut continuity = begun(&with_id(key(), 10));
        assert!(continuity.take(&naming(11, &[1])));
        // Picture 12 is lost.
        continuity.handle_lost(2);

        assert!(continuity.take(&naming(13, &[2, 3])));
        assert!(continuity.take(&naming(14, &[1])));
        assert!(!continuity.take(&naming(15, &[1, 3])));
        assert!(continuity.is_broken());
    }

    #[test]
    fn an_incomplete_frame_with_named_references_is_missed_only_by_name() {
        let naming = |id, distance: u32| Needs {
            references: Some(1 << distance),
            ..with_id(plain(), id)
        };
        let mut continuity = begun(&with_id(key(), 10));

        continuity.handle_incomplete(&naming(11, 1));

        assert!(continuity.take(&naming(12, 2)));
        assert!(!continuity.take(&naming(13, 2)));
    }

    fn begun(keyframe: &Needs) -> Continuity {
        let mut continuity = Continuity::new();
        assert!(continuity.take(&Needs {
            is_keyframe: true,
            ..*keyframe
        }));
        continuity
    }

    fn plain() -> Needs {
        Needs::default()
    }

    fn key() -> Needs {
        Needs {
            is_keyframe: true,
            ..plain()
        }
    }

    fn with_id(needs: Needs, value: u16) -> Needs {
        let long = true;
        Needs {
            picture_id: Some(PictureId { value, long }),
            ..needs
        }
    }

    fn layer(temporal: u8, base_index: u8, is_layer_sync: bool) -> Needs {
        Needs {
            temporal,
            base_index: Some(base_index),
            is_layer_sync: is_layer_sync && temporal > 0,
            ..plain()
        }
    }
}
