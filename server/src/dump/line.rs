//! The text of a dump: a line for each packet, as `text2pcap` reads it.
//!
//! ```text
//! I 10:21:30.123456 000000 80 60 12 34 ... # RTP_PACKET
//! ```
//!
//! Chromium writes such lines with its field trial `WebRTC-Debugging-RtpDump`, to the millisecond
//! and with `RTP_DUMP` for the last word; Firefox with the log module `RtpLogger`, with the word in
//! front of the line.

use std::time::Duration;

use proto::media::tap::{ClearPacket, Protocol, Way};

/// The last line of a dump that has reached a limit.
pub(super) const LAST: &[u8] = b"# Here the dump ends, because it is as large as it may be.\n";

/// Adds the line of a packet that was seen so long after 1970.
pub fn write(out: &mut Vec<u8>, time: Duration, packet: &ClearPacket<'_>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let way = match packet.way {
        Way::Received => 'I',
        Way::Sent => 'O',
    };
    let (minutes, second) = (time.as_secs() / 60, time.as_secs() % 60);
    let (hour, minute) = (minutes / 60 % 24, minutes % 60);
    let micros = time.subsec_micros();
    let head = format!("{way} {hour:02}:{minute:02}:{second:02}.{micros:06} 000000");
    out.reserve(head.len() + 3 * packet.byte_count() + 16);
    out.extend_from_slice(head.as_bytes());
    for byte in packet.bytes() {
        let [high, low] = [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]);
        out.extend_from_slice(&[b' ', high, low]);
    }
    out.extend_from_slice(match packet.protocol {
        Protocol::Rtp => b" # RTP_PACKET\n",
        Protocol::Rtcp => b" # RTCP_PACKET\n",
    });
}

/// Adds a line for packets that are not there.
pub(super) fn write_missed(out: &mut Vec<u8>, count: u32) {
    out.extend_from_slice(format!("# Here {count} packets are missing.\n").as_bytes());
}

/// What a dump begins with: whose it is, and how to read it.
pub(super) fn title(room: &str, identity: &str, sid: &str) -> String {
    format!(
        "# RTP and RTCP in the clear of participant {sid}, {identity:?} in room {room:?}.\n\
         # I is what the server received from it, O what it sent to it; times are UTC.\n\
         # For Wireshark: text2pcap -D -u 1000,2000 -t %H:%M:%S.%f {sid}.txt {sid}.pcap\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_way_time_offset_bytes_and_kind() {
        let mut out = Vec::new();
        let time = Duration::new(20_000 * 86_400 + 10 * 3_600 + 21 * 60 + 30, 1_234_567);

        write(&mut out, time, &packet(Way::Received, Protocol::Rtp));
        write(&mut out, time, &packet(Way::Sent, Protocol::Rtcp));

        assert_eq!(
            String::from_utf8(out).expect("text"),
            "I 10:21:30.001234 000000 80 60 0f # RTP_PACKET\n\
             O 10:21:30.001234 000000 80 60 0f # RTCP_PACKET\n"
        );
    }

    #[test]
    fn nobody_can_put_a_line_into_a_title() {
        let title = title("blue", "ann\nI 00:00:00 000000 80", "PA_x");

        assert!(title.lines().all(|line| line.starts_with('#')));
    }

    const fn packet(way: Way, protocol: Protocol) -> ClearPacket<'static> {
        ClearPacket {
            way,
            protocol,
            parts: [&[0x80, 0x60], &[0x0f]],
        }
    }
}
