//! How many bytes of a frame go into each of its packets.

/// RTP payload bytes, descriptor and stamp included, that fit a datagram on every path with room
/// for the header, its extensions, SRTP and a tunnel.
pub(super) const MAX_PAYLOAD: usize = 1150;

/// Bytes of a packet that are not the frame's.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Overhead {
    /// In every packet.
    pub(super) each: usize,
    /// In the first packet, beyond that.
    pub(super) first: usize,
    /// In the last packet, beyond that.
    pub(super) last: usize,
}

/// Divides a frame so that its packets differ by one byte at most, the larger ones last, as
/// libwebrtc's `SplitAboutEqually` does: senders can then hand many packets to the kernel at once.
pub(super) fn split_about_equally(len: usize, overhead: Overhead) -> Vec<usize> {
    let room = MAX_PAYLOAD - overhead.each;
    let total = len + overhead.first + overhead.last;
    let packets = total.div_ceil(room).max(1);
    if packets == 1 {
        return vec![len];
    }

    let (size, larger) = (total / packets, total % packets);
    let mut left = len;
    (0..packets)
        .map(|packet| {
            let size = size + usize::from(packet >= packets - larger);
            let size = if packet == 0 {
                size - overhead.first
            } else {
                size
            };
            // The last packet needs a byte of the frame, whatever else is in it.
            let others = packets - 1 - packet;
            let size = if others == 0 {
                left
            } else {
                size.min(left - others)
            };
            left -= size;
            size
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_full_size_at_most_and_differ_by_one_byte() {
        let overhead = Overhead {
            each: 6,
            first: 12,
            last: 28,
        };
        for len in 1..10_000 {
            let sizes = split_about_equally(len, overhead);

            assert_eq!(sizes.iter().sum::<usize>(), len);
            assert!(sizes.iter().all(|&size| size > 0));
            let mut wire: Vec<_> = sizes.iter().map(|size| size + overhead.each).collect();
            wire[0] += overhead.first;
            *wire.last_mut().expect("never empty") += overhead.last;
            let (min, max) = (wire.iter().min(), wire.iter().max());
            let (min, max) = (*min.expect("never empty"), *max.expect("never empty"));
            assert!(max <= MAX_PAYLOAD && max - min <= 1, "{len}: {wire:?}");
        }
    }
}
