//! Packets for one receiver, sealed as SRTP with AES-128-GCM (RFC 7714): copied and encrypted in
//! one pass, with a key of the receiver's own.

use anyhow::{Result, anyhow, ensure};
use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::traffic::Payload;

/// Bytes of a fixed header and of a transport-wide sequence number, which is an extension.
const HEADER_BYTES: usize = 20;
const TAG_BYTES: usize = 16;
/// What a datagram has besides its payload.
pub(crate) const OVERHEAD_BYTES: usize = HEADER_BYTES + TAG_BYTES;

/// The key of one receiver. It is the same in every run: there is nothing to hide.
pub(crate) struct Key {
    key: LessSafeKey,
    receiver: u32,
}

/// What differs from packet to packet in the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// Number of the track.
    pub(crate) track: u8,
    pub(crate) marker: bool,
    pub(crate) sequence: u64,
    pub(crate) timestamp: u32,
    pub(crate) transport_sequence: u16,
}

impl Key {
    pub(crate) fn of(receiver: u32) -> Result<Self> {
        let mut bytes = [0x5A; 16];
        bytes[..4].copy_from_slice(&receiver.to_be_bytes());
        let key = UnboundKey::new(&AES_128_GCM, &bytes).map_err(|_| anyhow!("no AES-GCM"))?;
        Ok(Self {
            key: LessSafeKey::new(key),
            receiver,
        })
    }

    /// Writes a packet to the beginning of `out`, and gives its length.
    pub(crate) fn seal(
        &self,
        numbers: Numbers,
        payload: &Payload,
        out: &mut [u8],
    ) -> Result<usize> {
        let plain = &payload.bytes[..];
        let bytes = plain.len() + OVERHEAD_BYTES;
        ensure!(bytes <= out.len(), "no room for a packet");
        let (header, rest) = out[..bytes].split_at_mut(HEADER_BYTES);
        let (body, tag) = rest.split_at_mut(plain.len());
        header.copy_from_slice(&self.header(numbers, payload.is_padded));
        let nonce = self.nonce(numbers.track, numbers.sequence);
        let aad = Aad::from(&*header);
        self.key
            .seal_out_of_place_scatter(nonce, aad, plain, body, &[], tag)
            .map_err(|_| anyhow!("a packet cannot be sealed"))?;
        Ok(bytes)
    }

    /// Opens a packet where it lies, and gives its payload. `newest` is the sequence number of the
    /// newest packet of its track, which tells what the header leaves out of its own.
    pub(crate) fn open<'a>(
        &self,
        newest: &mut [u64; 2],
        datagram: &'a mut [u8],
    ) -> Option<&'a [u8]> {
        let (header, rest) = datagram.split_first_chunk_mut::<HEADER_BYTES>()?;
        let newest = newest.get_mut(usize::from(header[1] & 1))?;
        let low = u16::from_be_bytes([header[2], header[3]]);
        let sequence = *newest + u64::from(low.wrapping_sub(*newest as u16));
        let nonce = self.nonce(header[1] & 1, sequence);
        let payload = self
            .key
            .open_in_place(nonce, Aad::from(&*header), rest)
            .ok()?;
        *newest = sequence;
        Some(payload)
    }

    fn header(&self, numbers: Numbers, is_padded: bool) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        header[0] = 0x90 | u8::from(is_padded) << 5;
        header[1] = (u8::from(numbers.marker) << 7) | (96 + numbers.track);
        header[2..4].copy_from_slice(&(numbers.sequence as u16).to_be_bytes());
        header[4..8].copy_from_slice(&numbers.timestamp.to_be_bytes());
        header[8..12].copy_from_slice(&self.ssrc(numbers.track).to_be_bytes());
        header[12..17].copy_from_slice(&[0xBE, 0xDE, 0, 1, 0x31]);
        header[17..19].copy_from_slice(&numbers.transport_sequence.to_be_bytes());
        header
    }

    fn ssrc(&self, track: u8) -> u32 {
        self.receiver << 1 | u32::from(track)
    }

    /// RFC 7714 §8.1, with a salt of zeros.
    fn nonce(&self, track: u8, sequence: u64) -> Nonce {
        let nonce = u128::from(self.ssrc(track)) << 48 | u128::from(sequence);
        let [_, _, _, _, nonce @ ..] = nonce.to_be_bytes();
        Nonce::assume_unique_for_key(nonce)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(sequence: u64) -> Numbers {
        Numbers {
            track: 1,
            marker: true,
            sequence,
            timestamp: 7,
            transport_sequence: 9,
        }
    }

    fn payload() -> Payload {
        Payload {
            bytes: b"a payload".to_vec(),
            is_padded: false,
        }
    }

    #[test]
    fn what_is_sealed_can_be_opened() {
        let key = Key::of(3).expect("a key");
        let mut out = [0; 200];
        let mut newest = [0, 65_530];
        for sequence in 65_531..65_545 {
            let bytes = key
                .seal(numbers(sequence), &payload(), &mut out)
                .expect("room");

            assert_eq!(bytes, b"a payload".len() + OVERHEAD_BYTES);
            let opened = key.open(&mut newest, &mut out[..bytes]);
            assert_eq!(opened, Some(&b"a payload"[..]));
            assert_eq!(newest, [0, sequence]);
        }
    }

    #[test]
    fn another_receivers_packet_is_not_opened() {
        let mut out = [0; 200];
        let key = Key::of(3).expect("a key");
        let bytes = key.seal(numbers(1), &payload(), &mut out).expect("room");

        let other = Key::of(4).expect("a key");
        assert_eq!(other.open(&mut [0; 2], &mut out[..bytes]), None);
    }

    #[test]
    fn the_header_is_rtp_with_a_transport_wide_number() {
        use proto::media::rtp::Header;

        let mut out = [0; 200];
        let key = Key::of(3).expect("a key");
        let bytes = key
            .seal(numbers(0x1_1234), &payload(), &mut out)
            .expect("room");

        let header = Header::parse(&out[..bytes]).expect("an RTP header");
        assert_eq!((header.sequence, header.timestamp), (0x1234, 7));
        assert_eq!((header.bytes, header.payload_type), (HEADER_BYTES, 97));
        let elements: Vec<_> = header.elements(&out[..bytes]).collect();
        assert_eq!(elements, [(3, &[0, 9][..])]);
    }
}
