//! RTP headers (RFC 3550 §5.1, RFC 8285).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! |V=2|P|X|  CC   |M|     PT      |       sequence number         |
//! |                           timestamp                           |
//! |                             SSRC                              |
//! |                          CSRC, CC times                       |
//! |    0xBEDE or 0x100?           |   length in 32-bit words      |
//! |                     extension elements                        |
//! ```

use std::ops::Range;

/// Bytes of a header without sources and extensions.
pub const FIXED_HEADER_BYTES: usize = 12;
/// Largest header written: the fixed part, a dependency descriptor of the most bytes an element can
/// have, and all the short elements.
pub const MAX_HEADER_BYTES: usize = FIXED_HEADER_BYTES + 4 + 304;

const VERSION: u8 = 2;
const ONE_BYTE_PROFILE: u16 = 0xBEDE;
/// The lower four bits are for the application (RFC 8285 §4.3).
const TWO_BYTE_PROFILE: u16 = 0x1000;

/// Whether a datagram of the RTP class is RTCP (RFC 5761 §4).
pub fn is_rtcp(datagram: &[u8]) -> bool {
    matches!(datagram.get(1), Some(192..=223))
}

/// A header as read from a datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Marker bit.
    pub marker: bool,
    /// Payload type, 0 to 127.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
    /// Whether the payload ends with padding.
    pub has_padding: bool,
    /// Bytes of the whole header: the payload begins there.
    pub bytes: usize,
    elements: Range<usize>,
    has_two_byte_elements: bool,
}

impl Header {
    /// Reads the header of a datagram; `None` if it is no RTP packet.
    pub fn parse(datagram: &[u8]) -> Option<Self> {
        let fixed: &[u8; FIXED_HEADER_BYTES] = datagram.first_chunk()?;
        let [first, second, s0, s1, t0, t1, t2, t3, r0, r1, r2, r3] = *fixed;
        if first >> 6 != VERSION {
            return None;
        }
        let mut header = Self {
            marker: second & 0x80 != 0,
            payload_type: second & 0x7F,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([r0, r1, r2, r3]),
            has_padding: first & 0x20 != 0,
            bytes: FIXED_HEADER_BYTES + 4 * usize::from(first & 0x0F),
            elements: 0..0,
            has_two_byte_elements: false,
        };
        if first & 0x10 != 0 {
            let [p0, p1, l0, l1] = *datagram.get(header.bytes..)?.first_chunk()?;
            let profile = u16::from_be_bytes([p0, p1]);
            let start = header.bytes + 4;
            header.bytes = start + 4 * usize::from(u16::from_be_bytes([l0, l1]));
            header.has_two_byte_elements = profile & 0xFFF0 == TWO_BYTE_PROFILE;
            if header.has_two_byte_elements || profile == ONE_BYTE_PROFILE {
                header.elements = start..header.bytes;
            }
        }
        (header.bytes <= datagram.len()).then_some(header)
    }

    /// The extension elements of the datagram this was read from.
    pub fn elements<'a>(&self, datagram: &'a [u8]) -> Elements<'a> {
        Elements {
            rest: datagram.get(self.elements.clone()).unwrap_or_default(),
            has_two_byte_elements: self.has_two_byte_elements,
        }
    }

    /// The payload's range in a plain datagram of `length` bytes, without padding; `None` if the
    /// padding is longer than the payload.
    pub fn payload_range(&self, datagram: &[u8], length: usize) -> Option<Range<usize>> {
        let padding = match (self.has_padding, length.checked_sub(1)) {
            (true, Some(last)) => usize::from(*datagram.get(last)?).max(1),
            (false, _) | (_, None) => 0,
        };
        let end = length.checked_sub(padding)?;
        (self.bytes <= end).then_some(self.bytes..end)
    }
}

/// The elements of a header extension block: id and value.
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    rest: &'a [u8],
    has_two_byte_elements: bool,
}

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (&first, rest) = self.rest.split_first()?;
            if first == 0 {
                // Padding between elements.
                self.rest = rest;
                continue;
            }
            let (id, length, values) = if self.has_two_byte_elements {
                let (&length, values) = rest.split_first()?;
                (first, usize::from(length), values)
            } else {
                (first >> 4, usize::from(first & 0x0F) + 1, rest)
            };
            // RFC 8285 §4.2: 15 stops the reading of one-byte elements.
            if !self.has_two_byte_elements && id == 15 {
                return None;
            }
            let value = values.get(..length)?;
            self.rest = values.get(length..)?;
            return Some((id, value));
        }
    }
}

/// What to write into a fixed header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedHeader {
    /// Marker bit.
    pub marker: bool,
    /// Payload type, 0 to 127.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
}

/// Writes headers into a small buffer of its own.
///
/// Write the fixed part with [`HeaderWriter::new`], then elements, then take [`HeaderWriter::finish`].
/// Elements that do not fit are left out.
#[derive(Debug)]
pub struct HeaderWriter {
    bytes: [u8; MAX_HEADER_BYTES],
    length: usize,
    has_two_byte_elements: bool,
}

impl HeaderWriter {
    /// Starts a header. `has_two_byte_elements` is needed for ids above 14 and for values that are
    /// empty or longer than 16 bytes.
    pub fn new(fixed: FixedHeader, has_two_byte_elements: bool) -> Self {
        let mut bytes = [0; MAX_HEADER_BYTES];
        bytes[0] = VERSION << 6;
        bytes[1] = u8::from(fixed.marker) << 7 | fixed.payload_type & 0x7F;
        bytes[2..4].copy_from_slice(&fixed.sequence.to_be_bytes());
        bytes[4..8].copy_from_slice(&fixed.timestamp.to_be_bytes());
        bytes[8..12].copy_from_slice(&fixed.ssrc.to_be_bytes());
        Self {
            bytes,
            length: FIXED_HEADER_BYTES,
            has_two_byte_elements,
        }
    }

    /// Adds an element.
    pub fn element(&mut self, id: u8, value: &[u8]) {
        let start = self.length.max(FIXED_HEADER_BYTES + 4);
        let head = if self.has_two_byte_elements { 2 } else { 1 };
        let is_short = (1..=16).contains(&value.len()) && (1..=14).contains(&id);
        let end = start + head + value.len();
        // A word of room stays for padding.
        if end + 4 > MAX_HEADER_BYTES || value.len() > 255 || id == 0 {
            return;
        }
        if self.has_two_byte_elements {
            self.bytes[start] = id;
            self.bytes[start + 1] = value.len() as u8;
        } else if is_short {
            self.bytes[start] = id << 4 | (value.len() - 1) as u8;
        } else {
            return;
        }
        self.bytes[start + head..end].copy_from_slice(value);
        self.length = end;
    }

    /// Says that the payload ends with padding.
    pub fn padded(&mut self) {
        self.bytes[0] |= 0x20;
    }

    /// The header.
    pub fn finish(&mut self) -> &[u8] {
        if self.length > FIXED_HEADER_BYTES {
            let length = self.length.next_multiple_of(4);
            self.bytes[self.length..length].fill(0);
            self.length = length;
            let profile = if self.has_two_byte_elements {
                TWO_BYTE_PROFILE
            } else {
                ONE_BYTE_PROFILE
            };
            let words = (length - FIXED_HEADER_BYTES - 4) / 4;
            self.bytes[0] |= 0x10;
            self.bytes[12..14].copy_from_slice(&profile.to_be_bytes());
            self.bytes[14..16].copy_from_slice(&(words as u16).to_be_bytes());
        }
        &self.bytes[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXED: FixedHeader = FixedHeader {
        marker: true,
        payload_type: 96,
        sequence: 0x1234,
        timestamp: 0x0506_0708,
        ssrc: 0x0A0B_0C0D,
    };

    #[test]
    fn reads_what_it_wrote() {
        for has_two_byte_elements in [false, true] {
            let mut writer = HeaderWriter::new(FIXED, has_two_byte_elements);
            writer.element(3, &[1, 2]);
            writer.element(4, b"mid");
            let mut datagram = writer.finish().to_vec();
            datagram.extend([9, 9, 9]);

            let header = Header::parse(&datagram).expect("a header");

            assert!(header.marker && !header.has_padding);
            assert_eq!((header.payload_type, header.sequence), (96, 0x1234));
            assert_eq!((header.timestamp, header.ssrc), (0x0506_0708, 0x0A0B_0C0D));
            assert_eq!(datagram[header.bytes..], [9, 9, 9]);
            let elements: Vec<_> = header.elements(&datagram).collect();
            assert_eq!(elements, [(3, &[1, 2][..]), (4, &b"mid"[..])]);
        }
    }

    #[test]
    fn a_header_without_elements_is_twelve_bytes() {
        assert_eq!(HeaderWriter::new(FIXED, false).finish().len(), 12);
    }

    #[test]
    fn leaves_out_what_the_form_cannot_hold() {
        let mut writer = HeaderWriter::new(FIXED, false);
        writer.element(15, &[1]);
        writer.element(1, &[0; 17]);
        writer.element(1, &[]);

        assert_eq!(writer.finish().len(), 12);
    }

    #[test]
    fn skips_sources_and_unknown_profiles() {
        let mut datagram = vec![0x92, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
        datagram.extend([0; 8]);
        datagram.extend([0xAB, 0xCD, 0, 1, 1, 2, 3, 4, 77]);

        let header = Header::parse(&datagram).expect("a header");

        assert_eq!(datagram[header.bytes..], [77]);
        assert_eq!(header.elements(&datagram).count(), 0);
    }

    #[test]
    fn takes_padding_off() {
        let mut datagram = vec![0xA0, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 7, 0, 2];
        let header = Header::parse(&datagram).expect("a header");

        assert_eq!(header.payload_range(&datagram, 15), Some(12..13));
        datagram[14] = 9;
        assert_eq!(header.payload_range(&datagram, 15), None);
    }

    #[test]
    fn every_prefix_is_read_without_panic() {
        let mut writer = HeaderWriter::new(FIXED, false);
        writer.element(3, &[1, 2, 3, 4, 5]);
        let datagram = writer.finish().to_vec();

        for length in 0..datagram.len() {
            assert_eq!(Header::parse(&datagram[..length]), None);
        }
    }
}
