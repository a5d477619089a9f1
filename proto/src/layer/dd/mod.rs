//! Dependency descriptor, the header extension of "RTP Payload Format For AV1" appendix A, which
//! tells the layers of a packet of any codec.
//!
//! A sender now and then, at least with each keyframe, sends the [`Structure`] of its stream:
//! templates of frames. Every other descriptor names one of the templates. So a stream's reader
//! keeps the last structure and gives it to [`Descriptor::read`].
//!
//! Not kept: frame differences and chain differences, which a receiver needs to tell a decodable
//! frame and a forwarder of whole layers does not. They are read past.

use super::LayerId;

/// Templates a structure can have: their ids have six bits.
const MAX_TEMPLATES: usize = 64;

/// Decode targets a structure can have: their count has five bits.
const MAX_DECODE_TARGETS: usize = 32;

/// The highest spatial layer that can be told.
const MAX_SPATIAL_ID: u8 = 3;

/// The highest temporal layer that can be told.
const MAX_TEMPORAL_ID: u8 = 7;

/// What a frame is to a decode target (DTI).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Indication {
    /// The frame is no part of the decode target.
    NotPresent,
    /// No frame of the decode target refers to the frame.
    Discardable,
    /// The decode target can be begun at the frame.
    Switch,
    /// Other frames of the decode target refer to the frame.
    Required,
}

/// A frame's indications for up to 32 decode targets, two bits each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Indications(u64);

impl Indications {
    fn read(bits: &mut Bits<'_>, decode_targets: u8) -> Option<Self> {
        let mut all = 0;
        for target in 0..decode_targets {
            all |= u64::from(bits.take(2)?) << (2 * target);
        }
        Some(Self(all))
    }

    fn get(self, target: u8) -> Indication {
        if usize::from(target) >= MAX_DECODE_TARGETS {
            return Indication::NotPresent;
        }
        match self.0 >> (2 * target) & 3 {
            0 => Indication::NotPresent,
            1 => Indication::Discardable,
            2 => Indication::Switch,
            _ => Indication::Required,
        }
    }
}

/// Frames of one kind, as a structure foresees them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Template {
    layer: LayerId,
    indications: Indications,
}

/// The template structure of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure {
    template_id_offset: u8,
    template_count: u8,
    templates: [Template; MAX_TEMPLATES],
    decode_targets: u8,
    chains: u8,
    max_layer: LayerId,
    /// The highest layer of each decode target.
    target_layers: [LayerId; MAX_DECODE_TARGETS],
    /// Width and height of each spatial layer.
    resolutions: Option<[(u32, u32); MAX_SPATIAL_ID as usize + 1]>,
}

impl Structure {
    /// The highest spatial and the highest temporal layer of the stream.
    pub fn max_layer(&self) -> LayerId {
        self.max_layer
    }

    /// The highest layer of each decode target, in the order of their indices.
    pub fn decode_targets(&self) -> &[LayerId] {
        self.target_layers
            .get(..self.decode_targets.into())
            .unwrap_or_default()
    }

    /// Width and height of a spatial layer, if the sender tells them.
    pub fn resolution(&self, spatial: u8) -> Option<(u32, u32)> {
        if spatial > self.max_layer.spatial {
            return None;
        }
        self.resolutions?.get(usize::from(spatial)).copied()
    }

    fn template(&self, id: u8) -> Option<&Template> {
        let index = (id + 64 - self.template_id_offset) % 64;
        self.templates
            .get(..self.template_count.into())?
            .get(usize::from(index))
    }

    /// `template_dependency_structure()`.
    fn read(bits: &mut Bits<'_>) -> Option<Self> {
        let mut structure = Self {
            template_id_offset: bits.small(6)?,
            template_count: 0,
            templates: [Template::default(); MAX_TEMPLATES],
            decode_targets: bits.small(5)? + 1,
            chains: 0,
            max_layer: LayerId::default(),
            target_layers: [LayerId::default(); MAX_DECODE_TARGETS],
            resolutions: None,
        };
        structure.read_layers(bits)?;
        for template in structure
            .templates
            .iter_mut()
            .take(structure.template_count.into())
        {
            template.indications = Indications::read(bits, structure.decode_targets)?;
        }
        for _ in 0..structure.template_count {
            while bits.flag()? {
                let _fdiff_minus_one = bits.take(4)?;
            }
        }
        structure.read_chains(bits)?;
        structure.derive_target_layers();
        if bits.flag()? {
            structure.resolutions = Some(structure.read_resolutions(bits)?);
        }
        Some(structure)
    }

    /// `template_layers()`: each template's layer is told by its step from the one before.
    fn read_layers(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        let mut layer = LayerId::default();
        for template in &mut self.templates {
            template.layer = layer;
            self.template_count += 1;
            self.max_layer.temporal = self.max_layer.temporal.max(layer.temporal);
            self.max_layer.spatial = layer.spatial;
            match bits.take(2)? {
                0 => {}
                1 => layer.temporal += 1,
                2 => {
                    layer = LayerId {
                        spatial: layer.spatial + 1,
                        temporal: 0,
                    }
                }
                _ => return Some(()),
            }
            if layer.temporal > MAX_TEMPORAL_ID || layer.spatial > MAX_SPATIAL_ID {
                return None;
            }
        }
        // More templates than there are ids.
        None
    }

    /// `template_chains()`.
    fn read_chains(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        self.chains = bits.non_symmetric(self.decode_targets + 1)?;
        if self.chains == 0 {
            return Some(());
        }
        for _ in 0..self.decode_targets {
            let _protected_by = bits.non_symmetric(self.chains)?;
        }
        for _ in 0..self.template_count {
            bits.skip(4 * usize::from(self.chains))?;
        }
        Some(())
    }

    /// `decode_target_layers()`: a target reaches as high as the frames that are present in it.
    fn derive_target_layers(&mut self) {
        for (target, highest) in (0..self.decode_targets).zip(&mut self.target_layers) {
            for template in self.templates.iter().take(self.template_count.into()) {
                if template.indications.get(target) != Indication::NotPresent {
                    highest.spatial = highest.spatial.max(template.layer.spatial);
                    highest.temporal = highest.temporal.max(template.layer.temporal);
                }
            }
        }
    }

    /// `render_resolutions()`.
    fn read_resolutions(
        &self,
        bits: &mut Bits<'_>,
    ) -> Option<[(u32, u32); MAX_SPATIAL_ID as usize + 1]> {
        let mut resolutions = [(0, 0); MAX_SPATIAL_ID as usize + 1];
        for resolution in resolutions
            .iter_mut()
            .take(usize::from(self.max_layer.spatial) + 1)
        {
            *resolution = (bits.take(16)? + 1, bits.take(16)? + 1);
        }
        Some(resolutions)
    }
}

/// One packet's dependency descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// The packet is the first of its frame.
    pub start_of_frame: bool,
    /// The packet is the last of its frame.
    pub end_of_frame: bool,
    /// Counts frames, wrapping.
    pub frame_number: u16,
    /// The layer of the frame.
    pub layer: LayerId,
    /// A new structure, in force from this packet on.
    pub structure: Option<Structure>,
    /// Which decode targets are being sent, one bit each, if that changes with this packet.
    pub active_decode_targets: Option<u32>,
    indications: Indications,
}

impl Descriptor {
    /// Reads a descriptor from the bytes of the extension.
    ///
    /// `known` is the structure that the stream sent last. `None` if the descriptor is malformed
    /// or names a template that no structure has: then its layer cannot be told.
    pub fn read(extension: &[u8], known: Option<&Structure>) -> Option<Self> {
        let mut bits = Bits::new(extension);
        let (start_of_frame, end_of_frame) = (bits.flag()?, bits.flag()?);
        let template_id = bits.small(6)?;
        let frame_number = u16::try_from(bits.take(16)?).ok()?;
        let extended = if extension.len() > 3 {
            Extended::read(&mut bits)?
        } else {
            Extended::default()
        };

        let structure = if extended.has_structure {
            Some(Structure::read(&mut bits)?)
        } else {
            None
        };
        let current = structure.as_ref().or(known)?;
        let active_decode_targets = if extended.has_active_targets {
            Some(bits.take(current.decode_targets.into())?)
        } else {
            structure
                .as_ref()
                .map(|new| u32::MAX >> (32 - u32::from(new.decode_targets)))
        };

        let template = current.template(template_id)?;
        let indications = if extended.custom_indications {
            Indications::read(&mut bits, current.decode_targets)?
        } else {
            template.indications
        };
        if extended.custom_differences {
            skip_frame_differences(&mut bits)?;
        }
        if extended.custom_chains {
            bits.skip(8 * usize::from(current.chains))?;
        }

        Some(Self {
            start_of_frame,
            end_of_frame,
            frame_number,
            layer: template.layer,
            active_decode_targets,
            indications,
            structure,
        })
    }

    /// What the frame is to a decode target.
    pub fn indication(&self, decode_target: u8) -> Indication {
        self.indications.get(decode_target)
    }
}

/// The flags that begin `extended_descriptor_fields()`.
#[derive(Default)]
struct Extended {
    has_structure: bool,
    has_active_targets: bool,
    custom_indications: bool,
    custom_differences: bool,
    custom_chains: bool,
}

impl Extended {
    fn read(bits: &mut Bits<'_>) -> Option<Self> {
        Some(Self {
            has_structure: bits.flag()?,
            has_active_targets: bits.flag()?,
            custom_indications: bits.flag()?,
            custom_differences: bits.flag()?,
            custom_chains: bits.flag()?,
        })
    }
}

/// `frame_fdiffs()`: differences of one to three half bytes, until a size of 0.
fn skip_frame_differences(bits: &mut Bits<'_>) -> Option<()> {
    loop {
        match bits.take(2)? {
            0 => return Some(()),
            half_bytes => bits.skip(4 * usize::try_from(half_bytes).ok()?)?,
        }
    }
}

/// Bits of a byte string, from the highest of the first byte on.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn bit(&mut self) -> Option<u32> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit.into())
    }

    fn flag(&mut self) -> Option<bool> {
        Some(self.bit()? == 1)
    }

    /// An unsigned number of up to 32 bits, `f(count)`.
    fn take(&mut self, count: u32) -> Option<u32> {
        debug_assert!(count <= 32);
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | self.bit()?;
        }
        Some(value)
    }

    /// An unsigned number of up to 8 bits.
    fn small(&mut self, count: u32) -> Option<u8> {
        u8::try_from(self.take(count)?).ok()
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        let at = self.at.checked_add(count)?;
        if at > self.bytes.len() * 8 {
            return None;
        }
        self.at = at;
        Some(())
    }

    /// A number below `count` in as few bits as that needs, `ns(count)`, AV1 specification §4.10.7.
    fn non_symmetric(&mut self, count: u8) -> Option<u8> {
        let width = u8::BITS - count.leading_zeros();
        if width == 0 {
            return Some(0);
        }
        let short = (1u32 << width) - u32::from(count);
        let value = self.take(width - 1)?;
        let value = if value < short {
            value
        } else {
            (value << 1 | self.bit()?) - short
        };
        u8::try_from(value).ok()
    }
}

#[cfg(test)]
mod tests;
