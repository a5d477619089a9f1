//! Elements of EBML (RFC 8794): an id, a size, and a body that may hold further elements.
//!
//! Ids and sizes have variable lengths: zeros before the first bit that is set tell how many more
//! bytes there are. An id keeps that bit, a size does not.

use std::ops::Range;

/// Size of an element whose end is not known yet, in the widest form, so that it can be replaced
/// (RFC 8794 §6.2).
pub(super) const UNKNOWN_SIZE: [u8; 8] = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

/// Bytes that can never be the start of an element, or do not fit where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// What an element begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ElementHeader {
    pub(super) id: u32,
    /// Bytes of the body; `None` if unknown.
    pub(super) size: Option<u64>,
    /// Bytes of the id.
    pub(super) id_bytes: usize,
    /// Bytes of the size.
    pub(super) size_bytes: usize,
}

impl ElementHeader {
    /// Reads a header from the start of some bytes; `None` if there is only a part of it.
    pub(super) fn read(bytes: &[u8]) -> Result<Option<Self>, Malformed> {
        let Some(&first) = bytes.first() else {
            return Ok(None);
        };
        let id_bytes = first.leading_zeros() as usize + 1;
        if id_bytes > MAX_ID_BYTES {
            return Err(Malformed);
        }
        let Some((id, rest)) = bytes.split_at_checked(id_bytes) else {
            return Ok(None);
        };
        let id = id.iter().fold(0, |id, &byte| id << 8 | u32::from(byte));
        if rest.first() == Some(&0) {
            return Err(Malformed);
        }
        let Some((size, size_bytes)) = read_vint(rest) else {
            return Ok(None);
        };
        Ok(Some(Self {
            id,
            size: (size != all_ones(size_bytes)).then_some(size),
            id_bytes,
            size_bytes,
        }))
    }

    /// Bytes of the header.
    pub(super) fn bytes(&self) -> usize {
        self.id_bytes + self.size_bytes
    }
}

/// Reads a number of variable length, and says how many bytes it takes.
pub(super) fn read_vint(bytes: &[u8]) -> Option<(u64, usize)> {
    let first = *bytes.first().filter(|&&first| first != 0)?;
    let len = first.leading_zeros() as usize + 1;
    let rest = bytes.get(1..len)?;
    let high = u64::from(first) & (0xff_u64 >> len);
    let value = rest
        .iter()
        .fold(high, |value, &byte| value << 8 | u64::from(byte));
    Some((value, len))
}

/// An element inside a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Child {
    pub(super) id: u32,
    /// Where its header begins.
    pub(super) start: usize,
    /// Where its body is.
    pub(super) body: Range<usize>,
}

/// The elements of a body that is there in one piece.
#[derive(Debug, Clone)]
pub(super) struct Children<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Children<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next element. Inside a body every size is known and fits.
    pub(super) fn next(&mut self) -> Result<Option<(Child, &'a [u8])>, Malformed> {
        let start = self.at;
        let rest = self.bytes.get(start..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(None);
        }
        let header = ElementHeader::read(rest)?.ok_or(Malformed)?;
        let size = usize::try_from(header.size.ok_or(Malformed)?).map_err(|_| Malformed)?;
        let begin = start + header.bytes();
        let end = begin.checked_add(size).ok_or(Malformed)?;
        let body = self.bytes.get(begin..end).ok_or(Malformed)?;
        self.at = end;
        let child = Child {
            id: header.id,
            start,
            body: begin..end,
        };
        Ok(Some((child, body)))
    }
}

/// The value of an unsigned integer element.
pub(super) fn uint(body: &[u8]) -> Result<u64, Malformed> {
    if body.len() > 8 {
        return Err(Malformed);
    }
    Ok(body
        .iter()
        .fold(0, |value, &byte| value << 8 | u64::from(byte)))
}

/// The value of a signed integer or date element.
pub(super) fn int(body: &[u8]) -> Result<i64, Malformed> {
    let unsigned = uint(body)?;
    let unused_bits = 64 - 8 * body.len() as u32;
    let high = unsigned.checked_shl(unused_bits).unwrap_or_default();
    Ok(high.cast_signed() >> unused_bits.min(63))
}

/// The value of a float element.
pub(super) fn float(body: &[u8]) -> Result<f64, Malformed> {
    match *body {
        [] => Ok(0.0),
        [a, b, c, d] => Ok(f32::from_be_bytes([a, b, c, d]).into()),
        [a, b, c, d, e, f, g, h] => Ok(f64::from_be_bytes([a, b, c, d, e, f, g, h])),
        _ => Err(Malformed),
    }
}

/// The value of a string element, which zeros may end.
pub(super) fn text(body: &[u8]) -> String {
    let text = body.split(|&byte| byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

/// Appends an id.
pub(super) fn put_id(out: &mut Vec<u8>, id: u32) {
    let bytes = id.to_be_bytes();
    let unused = (id.leading_zeros() / 8) as usize;
    out.extend(bytes.iter().skip(unused));
}

/// Appends a size, as short as it can be.
pub(super) fn put_size(out: &mut Vec<u8>, size: u64) {
    let shortest = (1..8).find(|&width| size < all_ones(width)).unwrap_or(8);
    let marked = size | 1 << (7 * shortest);
    out.extend(marked.to_be_bytes().iter().skip(8 - shortest));
}

/// A size in exactly so many bytes, if it fits.
pub(super) fn size_of_width(size: u64, width: usize) -> Option<Vec<u8>> {
    if !(1..=8).contains(&width) || size >= all_ones(width) {
        return None;
    }
    let marked = size | 1 << (7 * width);
    Some(marked.to_be_bytes().into_iter().skip(8 - width).collect())
}

/// Appends an element with any body.
pub(super) fn put_bytes(out: &mut Vec<u8>, id: u32, body: &[u8]) {
    put_id(out, id);
    put_size(out, body.len() as u64);
    out.extend_from_slice(body);
}

/// Appends an unsigned integer element.
pub(super) fn put_uint(out: &mut Vec<u8>, id: u32, value: u64) {
    let unused = (value.leading_zeros() / 8).min(7) as usize;
    let bytes = value.to_be_bytes();
    put_bytes(out, id, bytes.get(unused..).unwrap_or_default());
}

/// Appends an element of further elements.
pub(super) fn put_master(out: &mut Vec<u8>, id: u32, children: impl FnOnce(&mut Vec<u8>)) {
    let mut body = Vec::new();
    children(&mut body);
    put_bytes(out, id, &body);
}

/// Appends the header of a Void element that takes so many bytes, two or more, with its header.
pub(super) fn put_void_header(out: &mut Vec<u8>, total: u64) {
    debug_assert!(total >= 2);
    put_id(out, super::id::VOID);
    if total < 128 {
        put_size(out, total.saturating_sub(2));
    } else {
        let size = size_of_width(total - 9, 8).unwrap_or_default();
        out.extend_from_slice(&size);
    }
}

/// The largest number of so many bytes, which as a size means that it is unknown.
fn all_ones(width: usize) -> u64 {
    (1 << (7 * width)) - 1
}

/// EBMLMaxIDLength of Matroska.
const MAX_ID_BYTES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_every_width_are_read_as_written() {
        for bits in 0..56 {
            for size in [1_u64 << bits, (1 << bits) - 1, (1 << bits) + 1] {
                let mut bytes = vec![0xec];
                put_size(&mut bytes, size);

                let header = ElementHeader::read(&bytes).expect("well-formed");

                assert_eq!(header.expect("whole").size, Some(size));
                for width in bytes.len()..=8 {
                    let wide = size_of_width(size, width).expect("it fits");
                    assert_eq!(read_vint(&wide), Some((size, width)));
                }
            }
        }
    }

    #[test]
    fn a_size_of_ones_is_unknown_at_every_width() {
        for width in 1..=8_usize {
            let mut bytes = vec![0xec];
            bytes.extend(
                (all_ones(width) | 1 << (7 * width))
                    .to_be_bytes()
                    .iter()
                    .skip(8 - width),
            );

            let header = ElementHeader::read(&bytes)
                .expect("well-formed")
                .expect("whole");

            assert_eq!((header.size, header.size_bytes), (None, width));
        }
        assert_eq!(size_of_width(127, 1), None);
    }

    #[test]
    fn a_header_waits_for_all_of_its_bytes() {
        let bytes = [0x1a, 0x45, 0xdf, 0xa3, 0x40, 0x02];

        for len in 0..bytes.len() {
            assert_eq!(ElementHeader::read(&bytes[..len]), Ok(None), "{len} bytes");
        }
        let header = ElementHeader::read(&bytes)
            .expect("well-formed")
            .expect("whole");
        assert_eq!(
            (header.id, header.size, header.bytes()),
            (0x1a45_dfa3, Some(2), 6)
        );
    }

    #[test]
    fn zeros_are_no_element() {
        assert_eq!(ElementHeader::read(&[0]), Err(Malformed));
        assert_eq!(ElementHeader::read(&[0x0f, 1, 2, 3, 4]), Err(Malformed));
        assert_eq!(ElementHeader::read(&[0xec, 0]), Err(Malformed));
    }

    #[test]
    fn numbers_have_their_sign_and_any_length() {
        assert_eq!(uint(&[]), Ok(0));
        assert_eq!(uint(&[1, 0]), Ok(256));
        assert_eq!(uint(&[0; 9]), Err(Malformed));
        assert_eq!(int(&[]), Ok(0));
        assert_eq!(int(&[0xff]), Ok(-1));
        assert_eq!(int(&[0x80, 0]), Ok(-32_768));
        assert_eq!(int(&(-5_i64).to_be_bytes()), Ok(-5));
        assert_eq!(float(&1.5_f32.to_be_bytes()), Ok(1.5));
        assert_eq!(float(&[0; 5]), Err(Malformed));
        assert_eq!(text(b"und\0\0"), "und");
    }

    #[test]
    fn a_void_takes_exactly_its_bytes() {
        for total in [2, 3, 127, 128, 129, 136, 137, 5_000] {
            let mut bytes = Vec::new();
            put_void_header(&mut bytes, total);

            let header = ElementHeader::read(&bytes)
                .expect("well-formed")
                .expect("whole");

            assert_eq!(header.bytes(), bytes.len());
            assert_eq!(header.bytes() as u64 + header.size.expect("known"), total);
        }
    }

    #[test]
    fn a_child_that_ends_outside_is_malformed() {
        let mut children = Children::new(&[0xec, 0x81, 0, 0xec, 0x82, 0]);

        let (first, _) = children.next().expect("well-formed").expect("there");

        assert_eq!((first.start, first.body), (0, 2..3));
        assert_eq!(children.next(), Err(Malformed));
    }
}
