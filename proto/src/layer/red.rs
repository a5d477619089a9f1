//! Redundant audio data (RFC 2198).

/// The newest block of a payload, which is the packet itself; those before it are older ones
/// again. `None` if the payload is malformed.
pub fn primary(payload: &[u8]) -> Option<&[u8]> {
    let mut headers = payload;
    let mut redundant_bytes = 0;
    // RFC 2198 §3: four bytes a redundant block, with F set; one byte for the last.
    while headers.first()? & 0x80 != 0 {
        let (header, rest) = headers.split_first_chunk::<4>()?;
        redundant_bytes += usize::from(u16::from_be_bytes([header[2], header[3]]) & 0x03FF);
        headers = rest;
    }
    headers.get(1 + redundant_bytes..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_newest_block() {
        let payload = [0x80 | 111, 0, 0, 2, 111, b'a', b'b', b'c', b'd', b'e'];

        assert_eq!(primary(&payload), Some(&b"cde"[..]));
        assert_eq!(primary(&[111, b'x']), Some(&b"x"[..]));
    }

    #[test]
    fn survives_every_truncation() {
        let payload = [
            0x80 | 111,
            0,
            0,
            2,
            0x80 | 111,
            0,
            0,
            1,
            111,
            b'a',
            b'b',
            b'c',
        ];

        for length in 0..9 {
            assert_eq!(primary(&payload[..length]), None);
        }
    }
}
