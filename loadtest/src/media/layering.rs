//! Which temporal layer a frame of a loop belongs to and what it builds on.

use vpx::Buffers;

/// One frame in the pattern of its clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) keyframe: bool,
    pub(super) temporal: u8,
    /// Builds on nothing but layer 0, so that a receiver of layer 0 can begin with this one.
    pub(super) sync: bool,
    pub(super) references: Buffers,
    pub(super) updates: Buffers,
    /// How many frames ago the frame was that this one builds on.
    pub(super) distance: u8,
}

impl Step {
    /// Whether no frame builds on this one.
    pub(super) fn droppable(self) -> bool {
        self.updates == NONE
    }
}

/// The steps of a group of pictures with this many temporal layers, which repeat.
pub(super) fn pattern(temporal_layers: u8) -> &'static [Step] {
    match temporal_layers {
        0 | 1 => &[T0_OF_1],
        2 => &[T0_OF_2, T1_OF_2],
        _ => &[T0_OF_3, T2_OF_3, T1_OF_3, LATE_T2_OF_3],
    }
}

/// The step of a frame of a loop.
pub(super) fn step(temporal_layers: u8, frame: usize) -> Step {
    let pattern = pattern(temporal_layers);
    Step {
        keyframe: frame == 0,
        ..pattern[frame % pattern.len()]
    }
}

const NONE: Buffers = Buffers {
    last: false,
    golden: false,
};
const LAST: Buffers = Buffers {
    last: true,
    golden: false,
};
const GOLDEN: Buffers = Buffers {
    last: false,
    golden: true,
};

const T0_OF_1: Step = Step {
    keyframe: false,
    temporal: 0,
    sync: false,
    references: LAST,
    updates: LAST,
    distance: 1,
};

const T0_OF_2: Step = Step {
    distance: 2,
    ..T0_OF_1
};
const T1_OF_2: Step = Step {
    temporal: 1,
    sync: true,
    updates: NONE,
    ..T0_OF_1
};

const T0_OF_3: Step = Step {
    distance: 4,
    ..T0_OF_1
};
const T2_OF_3: Step = Step {
    temporal: 2,
    sync: true,
    updates: NONE,
    ..T0_OF_1
};
const T1_OF_3: Step = Step {
    temporal: 1,
    sync: true,
    updates: GOLDEN,
    distance: 2,
    ..T0_OF_1
};
const LATE_T2_OF_3: Step = Step {
    temporal: 2,
    sync: false,
    references: GOLDEN,
    updates: NONE,
    ..T0_OF_1
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_frame_builds_on_a_layer_no_higher_than_its_own() {
        for layers in 1..=3 {
            for frame in 1..40 {
                let step = step(layers, frame);
                let Some(reference) = frame.checked_sub(step.distance.into()) else {
                    continue;
                };

                let reference = super::step(layers, reference);
                assert!(reference.temporal <= step.temporal);
                assert!(!reference.droppable());
                assert!(!step.sync || reference.temporal == 0);
            }
        }
    }

    #[test]
    fn the_top_layer_is_half_of_the_frames() {
        for layers in 2..=3 {
            let top = (0..8).filter(|&frame| step(layers, frame).temporal == layers - 1);

            assert_eq!(top.count(), 4);
        }
    }
}
