//! The parameter sets of a stream, and the configuration that files have of them.

use super::Malformed;
use super::parameter_set::{Format, picture_id, sequence_id};
use crate::frames::limits::{MAX_PARAMETER_SET_BYTES, MAX_PARAMETER_SETS};
use crate::mux::VideoSize;

/// Parameter sets, at most one of each id.
#[derive(Debug, Default)]
pub(super) struct ParameterSets {
    sequences: Vec<Set>,
    pictures: Vec<Set>,
}

#[derive(Debug)]
struct Set {
    id: u32,
    unit: Vec<u8>,
}

impl ParameterSets {
    pub(super) fn insert_sequence(&mut self, unit: &[u8]) -> Result<(), Malformed> {
        let id = sequence_id(unit).ok_or(Malformed)?;
        insert(&mut self.sequences, id, unit)
    }

    pub(super) fn insert_picture(&mut self, unit: &[u8]) -> Result<(), Malformed> {
        let id = picture_id(unit).ok_or(Malformed)?;
        insert(&mut self.pictures, id, unit)
    }

    pub(super) fn clear(&mut self) {
        self.sequences.clear();
        self.pictures.clear();
    }

    /// Whether there are sets of both kinds.
    pub(super) fn is_complete(&self) -> bool {
        !self.sequences.is_empty() && !self.pictures.is_empty()
    }

    /// Takes over newer sets: those of both kinds in place of all, others in place of those with the
    /// same id.
    pub(super) fn update(&mut self, new: &mut Self) {
        if new.is_complete() {
            std::mem::swap(self, new);
        } else {
            update(&mut self.sequences, &mut new.sequences);
            update(&mut self.pictures, &mut new.pictures);
        }
        new.clear();
    }

    /// Puts all sets before the other units of a frame, each after its length in four bytes.
    pub(super) fn put_before(&self, frame: &mut Vec<u8>) {
        let mut units = Vec::new();
        for set in self.sequences.iter().chain(&self.pictures) {
            units.extend((set.unit.len() as u32).to_be_bytes());
            units.extend(&set.unit);
        }
        frame.splice(..0, units);
    }

    /// The size of pictures.
    pub(super) fn size(&self) -> Option<VideoSize> {
        Format::read(&self.sequences.first()?.unit)?.size()
    }

    /// The `avcC` box's content (ISO/IEC 14496-15 §5.3.3.1.2), for lengths of four bytes.
    pub(super) fn config(&self) -> Option<Vec<u8>> {
        if !self.is_complete() {
            return None;
        }
        let first = &self.sequences.first()?.unit;
        let &[_, profile, compatibility, level] = first.first_chunk()?;
        let mut config = vec![1, profile, compatibility, level, 0xff];
        config.push(0xe0 | self.sequences.len() as u8);
        put(&mut config, &self.sequences);
        config.push(self.pictures.len() as u8);
        put(&mut config, &self.pictures);
        if matches!(profile, 100 | 110 | 122 | 144) {
            let format = Format::read(first)?;
            config.extend([
                0xfc | format.chroma,
                0xf8 | format.luma_bits_above_8,
                0xf8 | format.chroma_bits_above_8,
                0,
            ]);
        }
        Some(config)
    }
}

fn insert(sets: &mut Vec<Set>, id: u32, unit: &[u8]) -> Result<(), Malformed> {
    if unit.len() > MAX_PARAMETER_SET_BYTES {
        return Err(Malformed);
    }
    let unit = unit.to_vec();
    if let Some(own) = sets.iter_mut().find(|own| own.id == id) {
        own.unit = unit;
        return Ok(());
    }
    if sets.len() == MAX_PARAMETER_SETS {
        sets.remove(0);
    }
    sets.push(Set { id, unit });
    Ok(())
}

fn update(sets: &mut Vec<Set>, new: &mut Vec<Set>) {
    for set in new.drain(..) {
        sets.retain(|own| own.id != set.id);
        if sets.len() == MAX_PARAMETER_SETS {
            sets.remove(0);
        }
        sets.push(set);
    }
}

/// Each unit after its length in 16 bits.
fn put(config: &mut Vec<u8>, sets: &[Set]) {
    for set in sets {
        config.extend((set.unit.len() as u16).to_be_bytes());
        config.extend(&set.unit);
    }
}

#[cfg(test)]
mod tests {
    use super::super::parameter_set::tests::{HIGH_SPS, PPS, SPS};
    use super::*;

    #[test]
    fn there_is_no_configuration_without_sets_of_both_kinds() {
        let mut sets = ParameterSets::default();
        sets.insert_sequence(&SPS).expect("readable");
        assert_eq!(sets.config(), None);

        sets.insert_picture(&PPS).expect("readable");
        assert!(sets.config().is_some());
    }

    #[test]
    fn high_profiles_tell_their_format_too() {
        let mut sets = ParameterSets::default();
        sets.insert_sequence(&HIGH_SPS).expect("readable");
        sets.insert_picture(&PPS).expect("readable");

        let config = sets.config().expect("a configuration");

        assert_eq!(config[config.len() - 4..], [0xfd, 0xf8, 0xf8, 0]);
    }

    #[test]
    fn sets_of_one_kind_take_the_place_of_those_with_their_id() {
        let mut sets = ParameterSets::default();
        sets.insert_sequence(&SPS).expect("readable");
        sets.insert_picture(&PPS).expect("readable");
        let mut new = ParameterSets::default();
        new.insert_sequence(&HIGH_SPS).expect("readable");

        sets.update(&mut new);

        assert_eq!((sets.sequences.len(), sets.pictures.len()), (1, 1));
        assert_eq!(sets.sequences[0].unit, HIGH_SPS);
    }

    #[test]
    fn only_so_many_and_so_large_ones_are_kept() {
        let mut sets = ParameterSets::default();
        for id in 0..20u8 {
            // Four zeros, then the five bits of the code for ids from 15 on.
            let [high, low] = ((u16::from(id) + 16) << 7).to_be_bytes();
            sets.insert_picture(&[0x68, high, low]).expect("readable");
        }
        assert_eq!(sets.pictures.len(), MAX_PARAMETER_SETS);

        let mut large = PPS.to_vec();
        large.resize(MAX_PARAMETER_SET_BYTES + 1, 0x55);
        assert_eq!(sets.insert_picture(&large), Err(Malformed));
    }
}
