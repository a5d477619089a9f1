//! Compound packets, whole, cut and broken, and everything there and back at random.

use super::*;

/// What a browser sends that receives: a report, its name, an estimate, requests.
const RECEIVER: &[u8] = &[
    0x81, 201, 0, 7, 0, 0, 0, 1, // receiver report, 1 block
    0, 0, 0, 2, 0x10, 0, 0, 5, 0, 1, 0x23, 0x45, 0, 0, 0, 9, 1, 2, 3, 4, 0, 0, 0x80, 0, //
    0x81, 202, 0, 3, 0, 0, 0, 1, 1, 4, b'n', b'a', b'm', b'e', 0, 0, // source description
    0x8f, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, b'R', b'E', b'M', b'B', // estimate
    1, 0x0b, 0xd0, 0x90, 0, 0, 0, 2, //
    0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0x23, 0x40, 0, 3, // NACK
    0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, // picture loss
    0x84, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 7, 0, 0, 0, // full intra request
    0x80, 207, 0, 5, 0, 0, 0, 1, // extended report, 2 blocks
    4, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, // receiver reference time
    5, 0, 0, 0, // delays, none
    0x8f, 205, 0, 6, 0, 0, 0, 1, 0, 0, 0, 2, // transport feedback
    0, 10, 0, 5, 0, 0, 5, 0xfb, 0xd4, 0xa0, 4, 2, 0x01, 0x90, 0xff, 0xff, //
    0xa1, 203, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4, // goodbye, padded
];

#[test]
fn tells_each_packet_of_a_compound() {
    let mut read = packets(RECEIVER);

    let Some(Rtcp::ReceiverReport { ssrc: 1, reports }) = read.next() else {
        panic!("a receiver report");
    };
    let lost: Vec<_> = reports.map(|report| report.cumulative_lost).collect();
    assert_eq!(lost, [5]);
    assert_eq!(read.next(), Some(Rtcp::Other));
    let bitrate_bps = 1_000_000;
    assert_eq!(read.next(), Some(Rtcp::Remb { bitrate_bps }));
    let Some(Rtcp::Nack {
        media_ssrc: 2,
        sequences,
    }) = read.next()
    else {
        panic!("a NACK");
    };
    assert!(sequences.eq([0x2340, 0x2341, 0x2342]));
    assert_eq!(read.next(), Some(Rtcp::Pli { media_ssrc: 2 }));
    let Some(Rtcp::Fir(entries)) = read.next() else {
        panic!("a full intra request");
    };
    assert!(entries.eq([(2, 7)]));
    let ntp = 0x1_0000_0002;
    assert_eq!(read.next(), Some(Rtcp::ReceiverReference { ssrc: 1, ntp }));
    let Some(Rtcp::ReceiverReferenceDelays(delays)) = read.next() else {
        panic!("delays");
    };
    assert_eq!(delays.count(), 0);
    let Some(Rtcp::TransportFeedback(feedback)) = read.next() else {
        panic!("transport feedback");
    };
    assert_eq!(feedback.count(), 5);
    let Some(Rtcp::Goodbye(ssrcs)) = read.next() else {
        panic!("a goodbye");
    };
    assert!(ssrcs.eq([1]));
    assert_eq!(read.next(), None);
}

#[test]
fn stops_for_good_at_the_first_malformed_packet() {
    let whole = packets(RECEIVER).count();
    // Version 0, where the NACK starts.
    let mut compound = RECEIVER.to_vec();
    compound[72] = 0x01;
    assert_eq!(compound[73], 205);

    let mut read = packets(&compound);

    assert_eq!(read.by_ref().count(), 3);
    assert_eq!(read.next(), None);
    assert_eq!(whole, 10);
}

#[test]
fn unknown_kinds_and_formats_are_passed_over() {
    for (first, kind) in [
        (0x80, 192),
        (0x80, 204),
        (0x83, 205),
        (0x9f, 205),
        (0x82, 206),
        (0x80, 208),
        (0x80, 255),
    ] {
        let mut compound = vec![first, kind, 0, 0];
        compound.extend([0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]);

        assert!(
            packets(&compound).eq([Rtcp::Other, Rtcp::Pli { media_ssrc: 2 }]),
            "{first:02x} {kind}"
        );
    }
}

#[test]
fn every_cut_tells_the_packets_before_it() {
    let whole: Vec<_> = packets(RECEIVER).collect();

    for len in 0..RECEIVER.len() {
        let cut: Vec<_> = packets(&RECEIVER[..len]).collect();

        assert!(cut.len() < whole.len(), "{len} bytes");
        assert_eq!(cut, whole[..cut.len()], "{len} bytes");
        drain(&RECEIVER[..len]);
    }
}

#[test]
fn every_byte_may_be_any() {
    for at in 0..RECEIVER.len() {
        for byte in 0..=u8::MAX {
            let mut compound = RECEIVER.to_vec();
            compound[at] = byte;

            drain(&compound);
        }
    }
}

#[test]
fn random_bytes_are_read_without_panic() {
    for seed in 0..2_000 {
        let mut random = Random::new(seed);
        let mut compound = random.bytes(200);
        // Headers likely to be read on.
        for at in (0..compound.len().saturating_sub(4)).step_by(24) {
            compound[at] = [0x81, 0x84, 0x8f, 0xa1][random.below(4)];
            compound[at + 1] = 200 + random.below(8) as u8;
            compound[at + 2] = 0;
            compound[at + 3] = [5, 5, 5, 2, 11][random.below(5)];
        }

        drain(&compound);
    }
}

#[test]
fn reports_come_back_as_written() {
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let ssrc = random.u32();
        let clock = SenderInfo {
            ntp: random.u64(),
            rtp: random.u32(),
            packets: random.u32(),
            octets: random.u32(),
        };
        let blocks = random.list(80, |random| ReportBlock {
            ssrc: random.u32(),
            fraction_lost: random.u32() as u8,
            cumulative_lost: random.u32() as i32 >> 8,
            highest_sequence: random.u32(),
            jitter: random.u32(),
            last_sender_report: random.u32(),
            delay_since_last: random.u32(),
        });
        let (mut sent, mut received) = (Vec::new(), Vec::new());

        write_sender_report(&mut sent, ssrc, &clock, &blocks);
        write_receiver_report(&mut received, ssrc, &blocks);

        let Some(Rtcp::SenderReport { clock: read, .. }) = packets(&sent).next() else {
            panic!("a sender report");
        };
        assert_eq!(read, clock);
        for compound in [sent, received] {
            let mut read = Vec::new();
            for packet in packets(&compound) {
                let (Rtcp::SenderReport {
                    ssrc: from,
                    reports,
                    ..
                }
                | Rtcp::ReceiverReport {
                    ssrc: from,
                    reports,
                }) = packet
                else {
                    panic!("{packet:?}");
                };
                assert_eq!(from, ssrc);
                read.extend(reports);
            }
            assert_eq!(read, blocks);
        }
    }
}

#[test]
fn nacks_come_back_as_written() {
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let media_ssrc = random.u32();
        let most_apart = 1 + random.below(40);
        let mut sequence = random.u32() as u16;
        let missing = random.list(1_000, |random| {
            sequence = sequence.wrapping_add(1 + random.below(most_apart) as u16);
            sequence
        });
        let mut out = Vec::new();

        write_nack(&mut out, random.u32(), media_ssrc, missing.iter().copied());

        let mut read = Vec::new();
        for packet in packets(&out) {
            let Rtcp::Nack {
                media_ssrc: of,
                sequences,
            } = packet
            else {
                panic!("{packet:?}");
            };
            assert_eq!(of, media_ssrc);
            read.extend(sequences);
        }
        assert_eq!(read, missing);
    }
}

#[test]
fn small_packets_come_back_as_written() {
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let (ssrc, media_ssrc, ntp) = (random.u32(), random.u32(), random.u64());
        let number = random.u32() as u8;
        let bitrate_bps = u64::from(random.u32() >> 14) << random.below(47);
        let ssrcs = random.list(100, Random::u32);
        let delays = random.list(200, |random| ReceiverReferenceDelay {
            ssrc: random.u32(),
            last_reference: random.u32(),
            delay: random.u32(),
        });
        let mut out = Vec::new();

        write_pli(&mut out, ssrc, media_ssrc);
        write_fir(&mut out, ssrc, media_ssrc, number);
        write_remb(&mut out, ssrc, bitrate_bps, &ssrcs);
        write_cname(&mut out, ssrc, &"n".repeat(random.below(300)));
        write_receiver_reference(&mut out, ssrc, ntp);
        write_goodbye(&mut out, &ssrcs);
        write_receiver_reference_delays(&mut out, ssrc, &delays);

        let mut read = packets(&out);
        assert_eq!(read.next(), Some(Rtcp::Pli { media_ssrc }));
        let Some(Rtcp::Fir(entries)) = read.next() else {
            panic!("a full intra request");
        };
        assert!(entries.eq([(media_ssrc, number)]));
        assert_eq!(read.next(), Some(Rtcp::Remb { bitrate_bps }));
        assert_eq!(read.next(), Some(Rtcp::Other));
        assert_eq!(read.next(), Some(Rtcp::ReceiverReference { ssrc, ntp }));
        let (mut goodbyes, mut answers) = (Vec::new(), Vec::new());
        for packet in read {
            if let Rtcp::Goodbye(ssrcs) = packet {
                goodbyes.extend(ssrcs);
            } else if let Rtcp::ReceiverReferenceDelays(delays) = packet {
                answers.extend(delays);
            } else {
                panic!("{packet:?}");
            }
        }
        assert_eq!(goodbyes, ssrcs);
        assert_eq!(answers, delays);
    }
}

#[test]
fn transport_feedback_comes_back_as_written() {
    for seed in 0..100 {
        let mut random = Random::new(seed);
        let arrivals = random_arrivals(&mut random);
        let mut rest = &arrivals[..];
        let mut number = random.u32() as u8;

        while let Some(&(base, _)) = rest.first() {
            let mut out = vec![0xee];
            let covered = write_transport_feedback(&mut out, 1, 2, number, rest[0].0, rest);

            let (arrived, after) = rest.split_at(covered);
            assert!(covered > 0 && out.len() <= 1 + MAX_WRITTEN_BYTES);
            let mut read = packets(&out[1..]);
            let Some(Rtcp::TransportFeedback(feedback)) = read.next() else {
                panic!("transport feedback");
            };
            assert_eq!(feedback.feedback_number(), number);
            assert_eq!(feedback.base_sequence(), base as u16);
            assert_comes_back(arrived, &feedback);
            assert_eq!(read.next(), None);
            rest = after;
            number = number.wrapping_add(1);
        }
    }
}

/// Bursts, gaps, reordering and pauses, mild or wild as the seed has it.
fn random_arrivals(random: &mut Random) -> Vec<(u64, i64)> {
    let mut sequence = random.u64() >> 20;
    let mut time_us = random.u64() as i64 >> 20;
    let loss = 1 + random.below(20);
    let most_lost = [2, 10, 100, 9_000][random.below(4)];
    let most_us = [300, 10_000, 200_000, 20_000_000][random.below(4)];
    random.list(600, |random| {
        sequence += 1;
        if random.below(loss) == 0 {
            sequence += random.below(most_lost) as u64;
        }
        time_us += random.below(most_us) as i64;
        let early_us = if random.below(10) == 0 {
            random.below(most_us * 3) as i64
        } else {
            0
        };
        (sequence, time_us - early_us)
    })
}

/// Every packet from the first arrival to the last is told about, and no time is off by more than
/// half a tick of 250 us.
fn assert_comes_back(arrived: &[(u64, i64)], feedback: &TransportFeedback<'_>) {
    let wrap_us = 64_000 << 24;
    let (Some(&(base, _)), Some(&(last, _))) = (arrived.first(), arrived.last()) else {
        panic!("nothing arrived");
    };
    assert_eq!(u64::from(feedback.count()), last - base + 1);
    let mut arrived = arrived.iter().copied().peekable();
    for (sequence, (told, arrival)) in (base..=last).zip(feedback.packets()) {
        assert_eq!(told, sequence as u16);
        let expected = arrived.next_if(|(arrived, _)| *arrived == sequence);
        match (arrival, expected) {
            (None, None) => {}
            (Some(told_us), Some((_, us))) => {
                let off_us = (told_us - us + 125).rem_euclid(wrap_us) - 125;
                assert!((-125..=125).contains(&off_us), "{sequence}: {off_us} us");
            }
            (told, expected) => panic!("{sequence}: {told:?}, {expected:?}"),
        }
    }
    assert_eq!(arrived.next(), None);
}

/// Reads all there is to read.
fn drain(compound: &[u8]) {
    for packet in packets(compound) {
        match packet {
            Rtcp::SenderReport { reports, .. } | Rtcp::ReceiverReport { reports, .. } => {
                assert!(reports.count() <= 31);
            }
            Rtcp::Nack { sequences, .. } => {
                assert!(sequences.count() * 4 <= compound.len() * 17);
            }
            Rtcp::Fir(entries) => assert!(entries.count() * 8 <= compound.len()),
            Rtcp::TransportFeedback(feedback) => {
                assert_eq!(feedback.packets().count(), usize::from(feedback.count()));
            }
            Rtcp::Goodbye(ssrcs) => assert!(ssrcs.count() <= 31),
            Rtcp::ReceiverReferenceDelays(delays) => {
                assert!(delays.count() * 12 <= compound.len());
            }
            Rtcp::Pli { .. } | Rtcp::Remb { .. } | Rtcp::ReceiverReference { .. } | Rtcp::Other => {
            }
        }
    }
}

/// A small generator (Knuth's MMIX constants), the same on every machine.
struct Random(u64);

impl Random {
    /// Prints the seed, which is shown if the test fails.
    fn new(seed: u64) -> Self {
        println!("seed {seed}");
        let mut random = Self(seed);
        random.u32();
        random.u32();
        random
    }

    fn u32(&mut self) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32
    }

    fn u64(&mut self) -> u64 {
        u64::from(self.u32()) << 32 | u64::from(self.u32())
    }

    /// A number below `end`.
    fn below(&mut self, end: usize) -> usize {
        self.u32() as usize % end
    }

    fn bytes(&mut self, max: usize) -> Vec<u8> {
        self.list(max, |random| random.u32() as u8)
    }

    /// Between none and `max` of something.
    fn list<T>(&mut self, max: usize, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let len = self.below(max + 1);
        (0..len).map(|_| item(self)).collect()
    }
}
