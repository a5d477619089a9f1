//! Descriptors written bit by bit, as the appendix has them.
#![expect(clippy::unusual_byte_groupings, reason = "digits are grouped by field")]

use super::*;

#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    used: usize,
}

impl Writer {
    fn put(mut self, value: u32, count: usize) -> Self {
        for shift in (0..count).rev() {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.last_mut().expect("pushed");
            *last |= u8::from(value >> shift & 1 == 1) << (7 - self.used % 8);
            self.used += 1;
        }
        self
    }

    fn all(self, values: &[u32], count: usize) -> Self {
        values
            .iter()
            .fold(self, |writer, &value| writer.put(value, count))
    }
}

/// Start and end of frame, template id, frame number.
fn mandatory(template_id: u32, frame_number: u32) -> Writer {
    Writer::default()
        .put(0b11, 2)
        .put(template_id, 6)
        .put(frame_number, 16)
}

/// L2T2 with template ids from 5 on: (0,0) (0,1) (1,0) (1,1); three decode targets, of the layers
/// (0,0), (0,1) and (1,1); two chains.
fn l2t2(writer: Writer) -> Writer {
    writer
        .put(5, 6)
        .put(2, 5)
        // template_layers
        .all(&[1, 2, 1, 3], 2)
        // template_dtis
        .all(&[2, 2, 3], 2)
        .all(&[0, 1, 3], 2)
        .all(&[0, 0, 2], 2)
        .all(&[0, 0, 1], 2)
        // template_fdiffs
        .put(0, 1)
        .all(&[1], 1)
        .put(3, 4)
        .put(0, 1)
        .put(0b1_0001_1_0011_0, 11)
        .put(0, 1)
        // template_chains: ns(4) = 2, protected by ns(2) = 0, 0, 1, then four times two differences
        .put(2, 2)
        .all(&[0, 0, 1], 1)
        .all(&[0, 0, 2, 1, 0, 1, 3, 2], 4)
        // render_resolutions
        .put(1, 1)
        .all(&[319, 179, 639, 359], 16)
}

fn with_structure() -> Vec<u8> {
    l2t2(mandatory(5, 1000).put(0b10000, 5)).bytes
}

fn structure() -> Structure {
    Descriptor::read(&with_structure(), None)
        .and_then(|read| read.structure)
        .expect("whole")
}

#[test]
fn reads_a_structure() {
    let read = Descriptor::read(&with_structure(), None).expect("whole");

    assert!(read.start_of_frame && read.end_of_frame);
    assert_eq!(read.frame_number, 1000);
    assert_eq!(read.layer, LayerId::default());
    assert_eq!(read.active_decode_targets, Some(0b111));
    let structure = read.structure.expect("sent");
    assert_eq!(
        structure.max_layer(),
        LayerId {
            spatial: 1,
            temporal: 1
        }
    );
    let targets = [(0, 0), (0, 1), (1, 1)].map(|(spatial, temporal)| LayerId { spatial, temporal });
    assert_eq!(structure.decode_targets(), targets);
    assert_eq!(structure.resolution(0), Some((320, 180)));
    assert_eq!(structure.resolution(1), Some((640, 360)));
    assert_eq!(structure.resolution(2), None);
}

#[test]
fn a_frame_has_the_layer_and_indications_of_its_template() {
    let structure = structure();

    let layers = [5, 6, 7, 8].map(|id| {
        let read = Descriptor::read(&mandatory(id, 7).bytes, Some(&structure)).expect("known");
        (read.layer.spatial, read.layer.temporal, read.indication(2))
    });

    assert_eq!(
        layers,
        [
            (0, 0, Indication::Required),
            (0, 1, Indication::Required),
            (1, 0, Indication::Switch),
            (1, 1, Indication::Discardable)
        ]
    );
}

#[test]
fn an_indication_of_no_decode_target_is_not_present() {
    let read = Descriptor::read(&mandatory(5, 7).bytes, Some(&structure())).expect("known");

    assert_eq!(read.indication(3), Indication::NotPresent);
    assert_eq!(read.indication(u8::MAX), Indication::NotPresent);
}

#[test]
fn a_template_that_no_structure_has_is_malformed() {
    let structure = structure();

    for id in [0, 4, 9, 63] {
        assert_eq!(
            Descriptor::read(&mandatory(id, 7).bytes, Some(&structure)),
            None,
            "{id}"
        );
    }
    assert_eq!(Descriptor::read(&mandatory(5, 7).bytes, None), None);
}

#[test]
fn template_ids_wrap() {
    let bytes = mandatory(0, 1)
        .put(0b10000, 5)
        .put(63, 6)
        .put(0, 5)
        .all(&[1, 3], 2)
        .all(&[2, 1], 2)
        .put(0, 5)
        .bytes;

    let read = Descriptor::read(&bytes, None).expect("whole");

    assert_eq!(
        read.layer,
        LayerId {
            spatial: 0,
            temporal: 1
        }
    );
}

#[test]
fn a_frame_can_differ_from_its_template() {
    let differing = mandatory(8, 7)
        .put(0b01111, 5)
        .put(0b011, 3)
        .all(&[1, 0, 3], 2)
        .put(0b01_0001_10_00010001_11_000100010001_00, 32)
        .all(&[9, 200], 8)
        .bytes;

    let read = Descriptor::read(&differing, Some(&structure())).expect("whole");

    assert_eq!(read.active_decode_targets, Some(0b011));
    assert_eq!(
        read.layer,
        LayerId {
            spatial: 1,
            temporal: 1
        }
    );
    assert_eq!(
        [0, 1, 2].map(|target| read.indication(target)),
        [
            Indication::Discardable,
            Indication::NotPresent,
            Indication::Required
        ]
    );
    for len in 0..differing.len() {
        assert!(
            len == 3 || Descriptor::read(&differing[..len], Some(&structure())).is_none(),
            "{len} bytes"
        );
    }
}

#[test]
fn every_cut_of_a_structure_is_malformed() {
    let bytes = with_structure();
    for len in 0..bytes.len() {
        assert_eq!(Descriptor::read(&bytes[..len], None), None, "{len} bytes");
    }
}

#[test]
fn zero_padding_is_ignored() {
    let mut bytes = with_structure();
    bytes.extend([0; 5]);

    assert!(Descriptor::read(&bytes, None).is_some());
}

#[test]
fn more_layers_or_templates_than_can_be_told_are_malformed() {
    let start = || mandatory(0, 1).put(0b10000, 5).put(0, 6).put(0, 5);
    let padding = [0; 64];

    for steps in [&[1; 8][..], &[2; 4], &[0; 64]] {
        let bytes = start().all(steps, 2).put(3, 2).all(&padding, 8).bytes;

        assert_eq!(Descriptor::read(&bytes, None), None, "{steps:?}");
    }
    for steps in [&[1; 7][..], &[2; 3], &[0; 63]] {
        let bytes = start().all(steps, 2).put(3, 2).all(&padding, 8).bytes;

        assert!(Descriptor::read(&bytes, None).is_some(), "{steps:?}");
    }
}

#[test]
fn all_decode_targets_are_active_at_first() {
    let bytes = mandatory(0, 1)
        .put(0b10000, 5)
        .put(0, 6)
        .put(31, 5)
        .put(3, 2)
        .all(&[2; 32], 2)
        .put(0, 16)
        .bytes;

    let read = Descriptor::read(&bytes, None).expect("whole");

    assert_eq!(read.active_decode_targets, Some(u32::MAX));
    assert_eq!(read.indication(31), Indication::Switch);
}

#[test]
fn reads_numbers_of_uneven_width() {
    // ns(5): 0, 1, 2 in two bits, 3 and 4 in three.
    let bytes = Writer::default().put(0b00_01_10_110_111, 12).bytes;
    let mut bits = Bits::new(&bytes);

    let values: Vec<_> = (0..5).map(|_| bits.non_symmetric(5)).collect();

    assert_eq!(values, [Some(0), Some(1), Some(2), Some(3), Some(4)]);
}
