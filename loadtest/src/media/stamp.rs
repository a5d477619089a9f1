//! The note at the end of every frame that tells what the frame is.
//!
//! ```text
//!  magic  4 | publisher 2 | encoding 1 | flags 1 | packets 2 | frame 4 | clip frame 2 |
//!  captured 6 | checksum 3
//! ```
//!
//! After the magic, seven bits go into each byte and the top bit is always set: no stamp holds
//! two zero bytes, which would be half a start code inside an H.264 stream.

/// What one frame is: who sent it, when, and how much there is of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stamp {
    /// The publisher's number in the run.
    pub publisher: u16,
    /// The simulcast encoding, 0 the smallest; 0 for sound.
    pub encoding: u8,
    /// Whether a receiver can begin with this frame.
    pub keyframe: bool,
    /// Sound, not pictures.
    pub audio: bool,
    /// The temporal layer, at most 7.
    pub temporal: u8,
    /// RTP packets of this frame.
    pub packets: u16,
    /// Running number in the publisher's track, the same in all encodings.
    pub frame: u32,
    /// Index in the loop.
    pub clip_frame: u16,
    /// Microseconds since the tester's start, carried in 48 bits: nine years.
    pub captured_us: u64,
}

impl Stamp {
    /// Length of a stamp in a payload.
    pub const BYTES: usize = MAGIC.len() + CODED;

    /// The stamp as it stands at the end of a payload.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut plain = [0; PLAIN];
        plain[..2].copy_from_slice(&self.publisher.to_be_bytes());
        plain[2] = self.encoding;
        plain[3] = u8::from(self.keyframe)
            | u8::from(self.audio) << AUDIO_SHIFT
            | (self.temporal & 0x07) << TEMPORAL_SHIFT;
        plain[4..6].copy_from_slice(&self.packets.to_be_bytes());
        plain[6..10].copy_from_slice(&self.frame.to_be_bytes());
        plain[10..12].copy_from_slice(&self.clip_frame.to_be_bytes());
        plain[12..BODY].copy_from_slice(&self.captured_us.to_be_bytes()[2..]);
        let checksum = checksum(&plain[..BODY]);
        plain[BODY..].copy_from_slice(&checksum);

        let mut out = [0; Self::BYTES];
        out[..MAGIC.len()].copy_from_slice(&MAGIC);
        for (septets, bytes) in out[MAGIC.len()..].chunks_mut(8).zip(plain.chunks(7)) {
            spread(bytes, septets);
        }
        out
    }

    /// Writes the stamp over the last [`Self::BYTES`] of `out`, which must be that long.
    pub fn write(&self, out: &mut [u8]) {
        debug_assert!(out.len() >= Self::BYTES, "no room for a stamp");
        if let Some(end) = out.last_chunk_mut() {
            *end = self.to_bytes();
        }
    }

    /// Reads the stamp at the end of a payload; `None` if there is none or it is damaged.
    ///
    /// A VP9 payload may have a superframe index after the stamp.
    pub fn read(payload: &[u8]) -> Option<Self> {
        Self::read_end(payload).or_else(|| Self::read_end(without_superframe_index(payload)?))
    }

    fn read_end(bytes: &[u8]) -> Option<Self> {
        let end: &[u8; Self::BYTES] = bytes.last_chunk()?;
        let coded = end.strip_prefix(&MAGIC)?;
        let mut plain = [0; PLAIN];
        for (septets, bytes) in coded.chunks(8).zip(plain.chunks_mut(7)) {
            gather(septets, bytes)?;
        }
        if checksum(&plain[..BODY]) != plain[BODY..] {
            return None;
        }

        let [
            p0,
            p1,
            encoding,
            flags,
            n0,
            n1,
            f0,
            f1,
            f2,
            f3,
            c0,
            c1,
            t @ ..,
        ] = plain;
        Some(Self {
            publisher: u16::from_be_bytes([p0, p1]),
            encoding,
            keyframe: flags & 1 != 0,
            audio: flags >> AUDIO_SHIFT & 1 != 0,
            temporal: flags >> TEMPORAL_SHIFT & 0x07,
            packets: u16::from_be_bytes([n0, n1]),
            frame: u32::from_be_bytes([f0, f1, f2, f3]),
            clip_frame: u16::from_be_bytes([c0, c1]),
            captured_us: u64::from_be_bytes([0, 0, t[0], t[1], t[2], t[3], t[4], t[5]]),
        })
    }
}

/// "PLen" with the top bits set.
const MAGIC: [u8; 4] = [0xd0, 0xcc, 0xe5, 0xee];
/// Bytes of the fields.
const BODY: usize = 18;
/// Bytes of the fields and their checksum.
const PLAIN: usize = BODY + 3;
/// Bytes that [`PLAIN`] takes at seven bits a byte.
const CODED: usize = PLAIN / 7 * 8;

const AUDIO_SHIFT: u8 = 1;
const TEMPORAL_SHIFT: u8 = 2;

/// Puts 7 bytes into the low bits of 8.
fn spread(bytes: &[u8], septets: &mut [u8]) {
    let word = bytes
        .iter()
        .fold(0_u64, |word, &byte| word << 8 | u64::from(byte));
    for (place, septet) in septets.iter_mut().rev().enumerate() {
        *septet = 0x80 | (word >> (7 * place)) as u8;
    }
}

/// The opposite of [`spread`]; `None` unless every top bit is set.
fn gather(septets: &[u8], bytes: &mut [u8]) -> Option<()> {
    let mut word = 0_u64;
    for &septet in septets {
        if septet & 0x80 == 0 {
            return None;
        }
        word = word << 7 | u64::from(septet & 0x7f);
    }
    for (place, byte) in bytes.iter_mut().rev().enumerate() {
        *byte = (word >> (8 * place)) as u8;
    }
    Some(())
}

/// FNV-1a in 32 bits, folded into 24.
fn checksum(bytes: &[u8]) -> [u8; 3] {
    let hash = bytes.iter().fold(0x811c_9dc5_u32, |hash, &byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    let [high, rest @ ..] = hash.to_be_bytes();
    [rest[0] ^ high, rest[1], rest[2]]
}

/// The payload before its VP9 superframe index (VP9 bitstream specification, annex B), if it has
/// one: sizes between two bytes that are the same.
fn without_superframe_index(payload: &[u8]) -> Option<&[u8]> {
    let &marker = payload.last()?;
    if marker & 0xe0 != 0xc0 {
        return None;
    }
    let (frames, size_bytes) = ((marker & 0x07) + 1, (marker >> 3 & 0x03) + 1);
    let start = payload
        .len()
        .checked_sub(2 + usize::from(frames * size_bytes))?;
    (*payload.get(start)? == marker).then(|| &payload[..start])
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp {
        publisher: 0xfedc,
        encoding: 2,
        keyframe: true,
        audio: false,
        temporal: 2,
        packets: 300,
        frame: 0x89ab_cdef,
        clip_frame: 299,
        captured_us: 0xffff_0000_0001,
    };

    #[test]
    fn comes_back_as_it_was() {
        let sound = Stamp {
            audio: true,
            keyframe: false,
            temporal: 0,
            ..STAMP
        };
        for stamp in [STAMP, sound] {
            let mut payload = [7; 100];

            stamp.write(&mut payload);

            assert_eq!(Stamp::read(&payload), Some(stamp));
            assert_eq!(payload[..100 - Stamp::BYTES], [7; 100 - Stamp::BYTES]);
        }
    }

    #[test]
    fn is_read_before_a_superframe_index() {
        let mut payload = STAMP.to_bytes().to_vec();

        payload.extend([0xd0, 1, 2, 3, 0xd0]);

        assert_eq!(Stamp::read(&payload), Some(STAMP));
    }

    #[test]
    fn never_holds_a_zero_byte() {
        let zero = Stamp {
            publisher: 0,
            encoding: 0,
            keyframe: false,
            audio: false,
            temporal: 0,
            packets: 0,
            frame: 0,
            clip_frame: 0,
            captured_us: 0,
        };

        assert!(zero.to_bytes().iter().all(|&byte| byte >= 0x80));
    }

    #[test]
    fn every_damaged_byte_is_noticed() {
        for at in 0..Stamp::BYTES {
            for bit in 0..8 {
                let mut bytes = STAMP.to_bytes();
                bytes[at] ^= 1 << bit;

                assert_eq!(Stamp::read(&bytes), None, "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn foreign_payloads_have_none() {
        let bytes = STAMP.to_bytes();
        for len in 0..bytes.len() {
            assert_eq!(Stamp::read(&bytes[..len]), None);
        }
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..10_000 {
            let foreign: Vec<u8> = (0..random.usize(0..64)).map(|_| random.u8(..)).collect();

            assert_eq!(Stamp::read(&foreign), None);
        }
    }
}
