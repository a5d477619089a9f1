//! VP9 payloads (RFC 9628): a frame is what is behind their descriptors, all spatial layers of a
//! picture in one superframe (VP9 bitstream specification, annex B).

mod header;

use proto::layer::vp8::PictureId;
use proto::layer::vp9::Descriptor;

use self::header::{Header, Kind};
use super::{Coded, Depacketizer, Malformed, size};
use crate::frames::continuity::Needs;
use crate::frames::limits::MAX_SPATIAL_LAYERS;
use crate::mux::VideoSize;

#[derive(Debug)]
pub(super) struct Vp9 {
    after_loss: bool,
    needs: Option<Needs>,
    has_start: bool,
    layers: Vec<LayerFrame>,
    /// Of each spatial layer, as its newest frame with a size has it.
    sizes: [VideoSize; MAX_SPATIAL_LAYERS],
}

/// The frame of one spatial layer.
#[derive(Debug, Clone, Copy)]
struct LayerFrame {
    spatial: u8,
    /// Where it begins in the superframe.
    start: usize,
}

impl Default for Vp9 {
    fn default() -> Self {
        Self {
            after_loss: false,
            needs: None,
            has_start: false,
            layers: Vec::with_capacity(MAX_SPATIAL_LAYERS),
            sizes: [size(0, 0); MAX_SPATIAL_LAYERS],
        }
    }
}

impl Depacketizer for Vp9 {
    fn begin(&mut self, after_loss: bool) {
        self.after_loss = after_loss;
        self.needs = None;
        self.has_start = false;
        self.layers.clear();
    }

    fn push(&mut self, payload: &[u8], frame: &mut Vec<u8>) -> Result<(), Malformed> {
        let descriptor = Descriptor::read(payload).ok_or(Malformed)?;
        let body = payload.get(descriptor.len..).unwrap_or_default();
        if body.is_empty() {
            return Err(Malformed);
        }
        self.check(&descriptor)?;
        if self.needs.is_none() {
            // After a loss, the lowest spatial layers may be among the lost.
            let spatial = descriptor.layer.spatial;
            self.has_start = descriptor.start && (spatial == 0 || !self.after_loss);
        }
        self.note(&descriptor);
        if descriptor.start {
            self.layers.push(LayerFrame {
                spatial: descriptor.layer.spatial,
                start: frame.len(),
            });
        }
        frame.extend_from_slice(body);
        Ok(())
    }

    fn needs(&self) -> Option<Needs> {
        self.needs
    }

    fn finish(&mut self, frame: &mut Vec<u8>) -> Result<Option<Coded>, Malformed> {
        let mut needs = self.needs.filter(|_| self.has_start).ok_or(Malformed)?;
        needs.is_keyframe = self.read_headers(frame).ok_or(Malformed)?;
        self.put_index(frame);
        let top = self.layers.last().map_or(0, |layer| layer.spatial);
        let size = self.sizes.get(usize::from(top)).ok_or(Malformed)?;
        Ok(Some(Coded {
            needs,
            size: *size,
            config: None,
        }))
    }
}

impl Vp9 {
    /// Whether a packet can come here: in the same picture, its layers upwards.
    fn check(&self, descriptor: &Descriptor) -> Result<(), Malformed> {
        let is_same = self
            .needs
            .is_none_or(|needs| needs.picture_id == picture_id(descriptor));
        let is_next_layer = self
            .layers
            .last()
            .is_none_or(|below| below.spatial < descriptor.layer.spatial);
        if is_same && (is_next_layer || !descriptor.start) {
            Ok(())
        } else {
            Err(Malformed)
        }
    }

    /// Notes what a layer frame refers to.
    fn note(&mut self, descriptor: &Descriptor) {
        let needs = self.needs.get_or_insert_with(|| Needs {
            is_keyframe: descriptor.start
                && !descriptor.inter_predicted
                && descriptor.layer.spatial == 0,
            temporal: descriptor.layer.temporal,
            picture_id: picture_id(descriptor),
            base_index: descriptor.tl0_pic_idx,
            opens_higher_layers: descriptor.switch_up,
            references: descriptor.flexible.then_some(0),
            ..Needs::default()
        });
        needs.opens_higher_layers &= descriptor.switch_up;
        if let Some(references) = &mut needs.references {
            for &distance in descriptor.references.distances() {
                *references |= 1 << (distance & 0x7f);
            }
        }
    }

    /// Takes sizes out of the layer frames' headers; tells whether the lowest is a keyframe.
    fn read_headers(&mut self, frame: &[u8]) -> Option<bool> {
        let mut is_keyframe = false;
        for (place, layer) in self.layers.iter().enumerate() {
            let header = Header::read(frame.get(layer.start..)?)?;
            if place == 0 && header.kind == Kind::Key {
                is_keyframe = true;
                self.sizes = [size(0, 0); MAX_SPATIAL_LAYERS];
            }
            if let Some(size) = header.size {
                *self.sizes.get_mut(usize::from(layer.spatial))? = size;
            }
        }
        Some(is_keyframe)
    }

    /// Appends the superframe's index, if there is more than one frame.
    fn put_index(&self, frame: &mut Vec<u8>) {
        if self.layers.len() < 2 {
            return;
        }
        let starts = self.layers.iter().map(|layer| layer.start);
        let ends = starts.clone().skip(1).chain([frame.len()]);
        let sizes: Vec<usize> = starts.zip(ends).map(|(start, end)| end - start).collect();
        let largest = sizes.iter().max().copied().unwrap_or_default();
        let bytes = (usize::BITS - largest.leading_zeros())
            .div_ceil(8)
            .clamp(1, 4);
        // Three bits of 0b110, two of the sizes' bytes, three of the count, each less one.
        let marker = 0xc0 | (bytes as u8 - 1) << 3 | (sizes.len() as u8 - 1) & 0x07;
        frame.push(marker);
        for size in sizes {
            frame.extend(size.to_le_bytes().iter().take(bytes as usize));
        }
        frame.push(marker);
    }
}

fn picture_id(descriptor: &Descriptor) -> Option<PictureId> {
    descriptor.picture_id.map(|value| PictureId {
        value,
        long: descriptor.has_long_picture_id,
    })
}

#[cfg(test)]
mod tests {
    use super::header::tests::{INTER, KEY};
    use super::*;

    // Bits of a descriptor.
    const I: u8 = 0x80;
    const P: u8 = 0x40;
    const L: u8 = 0x20;
    const F: u8 = 0x10;
    const B: u8 = 0x08;
    const E: u8 = 0x04;

    #[test]
    fn layers_of_a_picture_make_a_superframe() {
        let mut vp9 = Vp9::default();
        let mut frame = Vec::new();
        let upper = vec![INTER[0]; 300];

        vp9.begin(false);
        push(&mut vp9, &mut frame, &[I | L | B | E, 5, 0x00, 9], &KEY);
        push(&mut vp9, &mut frame, &[I | L | B, 5, 0x03, 9], &INTER);
        push(&mut vp9, &mut frame, &[I | L | E, 5, 0x03, 9], &upper);
        let coded = vp9.finish(&mut frame).expect("whole").expect("a picture");

        let lower_bytes = KEY.len() as u16;
        let upper_bytes = (INTER.len() + upper.len()) as u16;
        let marker = [0xc0 | 1 << 3 | 1];
        let [lower_size, upper_size] = [lower_bytes, upper_bytes].map(u16::to_le_bytes);
        let index = [&marker[..], &lower_size, &upper_size, &marker].concat();
        let expected = [&KEY[..], &INTER, &upper, &index].concat();
        assert_eq!(frame, expected);
        assert!(coded.needs.is_keyframe);
        // As the header of the upper layer has it.
        assert_eq!(coded.size, size(640, 360));
    }

    #[test]
    fn a_picture_of_one_layer_stays_as_it_is() {
        let mut vp9 = Vp9::default();
        let mut frame = Vec::new();

        vp9.begin(false);
        push(&mut vp9, &mut frame, &[I | B | E, 5], &KEY);
        let coded = vp9.finish(&mut frame).expect("whole").expect("a picture");

        assert_eq!(frame, KEY);
        assert_eq!(coded.size, size(320, 180));
    }

    #[test]
    fn after_a_loss_a_picture_begins_with_its_lowest_layer() {
        for (spatial, after_loss, is_whole) in [(0, true, true), (1, false, true), (1, true, false)]
        {
            let mut vp9 = Vp9::default();
            let mut frame = Vec::new();

            vp9.begin(after_loss);
            let descriptor = [I | P | L | B | E, 5, spatial << 1, 9];
            push(&mut vp9, &mut frame, &descriptor, &INTER);

            assert_eq!(vp9.finish(&mut frame).is_ok(), is_whole);
        }
    }

    #[test]
    fn references_of_all_layers_count() {
        let mut vp9 = Vp9::default();
        let mut frame = Vec::new();

        vp9.begin(false);
        let lower = [I | P | L | F | B | E, 5, 0x00, 2 << 1];
        push(&mut vp9, &mut frame, &lower, &INTER);
        let upper = [I | P | L | F | B | E, 5, 0x03, 2 << 1 | 1, 127 << 1];
        push(&mut vp9, &mut frame, &upper, &INTER);

        let references = vp9.needs().and_then(|needs| needs.references);
        assert_eq!(references, Some(1 << 2 | 1 << 127));
    }

    #[test]
    fn another_picture_or_a_lower_layer_of_the_same_time_is_malformed() {
        let mut vp9 = Vp9::default();
        let mut frame = Vec::new();
        vp9.begin(false);
        push(&mut vp9, &mut frame, &[I | L | B | E, 5, 0x02, 9], &KEY);

        for descriptor in [
            [I | L | B, 6, 0x04, 9],
            [I | L | B, 5, 0x02, 9],
            [I | L | B, 5, 0, 9],
        ] {
            let payload = [&descriptor[..], &INTER].concat();
            assert_eq!(vp9.push(&payload, &mut frame), Err(Malformed));
        }
    }

    fn push(vp9: &mut Vp9, frame: &mut Vec<u8>, descriptor: &[u8], body: &[u8]) {
        let payload = [descriptor, body].concat();
        vp9.push(&payload, frame).expect("whole");
    }
}
