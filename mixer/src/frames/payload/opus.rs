//! Opus packets (RFC 6716 §3).

/// How long a packet is, in samples at 48 kHz; `None` if it is malformed.
pub fn duration_samples(packet: &[u8]) -> Option<u32> {
    let (&toc, rest) = packet.split_first()?;
    let frames = match toc & 0x03 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(rest.first()? & 0x3f),
    };
    let samples = frames * frame_samples(toc >> 3);
    // RFC 6716 §3.4: no packet is longer, and none without a frame.
    (1..=MAX_SAMPLES).contains(&samples).then_some(samples)
}

/// Whether a packet stands for silence that is not encoded (DTX): the frames in it have no bytes, or
/// just the one that libopus has in them. Nothing can be said in so few.
pub(in crate::frames) fn is_silence(packet: &[u8]) -> bool {
    packet.len() <= 2
}

/// RFC 6716 §3.1, table 2.
fn frame_samples(config: u8) -> u32 {
    match config {
        0..=11 => [480, 960, 1920, 2880][usize::from(config % 4)],
        12..=15 => [480, 960][usize::from(config % 2)],
        _ => [120, 240, 480, 960][usize::from(config % 4)],
    }
}

/// 120 ms.
const MAX_SAMPLES: u32 = 5_760;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_tells_how_long_it_is() {
        // SILK 60 ms, hybrid 10 and 20 ms, CELT 2.5 and 20 ms.
        let configs = [(3, 2_880), (12, 480), (13, 960), (16, 120), (31, 960)];
        for (config, samples) in configs {
            assert_eq!(duration_samples(&[config << 3, 0]), Some(samples));
            assert_eq!(duration_samples(&[config << 3 | 1, 0]), Some(2 * samples));
        }
        assert_eq!(duration_samples(&[31 << 3 | 3, 6, 0]), Some(5_760));
    }

    #[test]
    fn a_packet_of_nothing_or_of_too_much_is_malformed() {
        for packet in [&[][..], &[0xfb], &[0xfb, 0], &[0xfb, 7]] {
            assert_eq!(duration_samples(packet), None, "{packet:?}");
        }
    }

    #[test]
    fn silence_has_two_bytes_at_most() {
        assert!(is_silence(&[0xf8]) && is_silence(&[0x78, 0xff]));
        assert!(!is_silence(&[0xf8, 0xff, 0xfe]));
    }
}
