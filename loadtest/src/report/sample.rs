//! A report such as a run of a minute leaves, for tests and for the eye.

use std::collections::BTreeMap;

use fastrand::Rng;

use super::*;

const SECONDS: u32 = 60;
const STEADY: std::ops::Range<u32> = 8..58;
const PEOPLE: u32 = 20;
const SUBSCRIPTIONS: u32 = 680;

/// A meeting of twenty with a bad spell at second 33: one bar broken, some freezes.
pub(super) fn sample() -> Report {
    let mut rng = Rng::with_seed(7);
    let seconds: Vec<Second> = (0..SECONDS).map(|at| second(at, &mut rng)).collect();
    let steady = totals(&seconds[STEADY.start as usize..STEADY.end as usize]);
    let totals = totals(&seconds);
    let findings = findings(&mut rng);
    Report {
        steady_findings_by_kind: BTreeMap::from([("freeze".to_owned(), 1)]),
        report_version: REPORT_VERSION,
        tester_version: "0.1.0".to_owned(),
        scenario: "meeting".to_owned(),
        summary: "Twenty people with cameras and microphones, sixteen of them on each screen"
            .to_owned(),
        server: "ws://127.0.0.1:7880".to_owned(),
        protocol: "livekit".to_owned(),
        seed: 42,
        started: "2026-10-04T09:12:44Z".to_owned(),
        duration_s: f64::from(SECONDS),
        steady_from_s: f64::from(STEADY.start),
        steady_to_s: f64::from(STEADY.end),
        passed: false,
        aborted: None,
        plan: plan(),
        bars: bars(),
        totals,
        steady,
        video_latency_ms: around(24.6, 1_500),
        audio_latency_ms: around(9.2, 950_000),
        join_ms: around(61.0, 20),
        first_frame_ms: around(182.0, 320),
        lip_sync_ms: around(11.3, 16_000),
        seconds,
        server_cost: Some(server_cost()),
        tester_cost: TesterCost {
            threads: 2,
            cpu_s: 41.5,
            cpu_us_per_packet: 6.31,
            busiest_thread: 0.46,
            lateness_max_ms: 7.2,
        },
        direct: Some(DirectPath {
            video_latency_ms: around(20.9, 1_400),
            audio_latency_ms: around(8.1, 2_400),
            added_p50_ms: 3.7,
            added_p99_ms: 9.6,
        }),
        decoded: Decoded {
            video_streams: 64,
            pictures: 3_840,
            pictures_right: 3_840,
            audio_streams: 40,
            tones: 800,
            tones_right: 800,
            skipped: 3,
        },
        findings_by_kind: by_kind(&findings),
        findings,
        subscriptions: subscriptions(&mut rng),
        limit_search: limit_search(),
    }
}

/// What two reports can be compared by.
pub(super) fn value(report: &Report) -> serde_json::Value {
    serde_json::to_value(report).expect("plain data")
}

fn plan() -> PlanSummary {
    PlanSummary {
        rooms: 1,
        participants: PEOPLE as usize,
        publishers: PEOPLE as usize,
        tracks: 2 * PEOPLE as usize,
        subscriptions: SUBSCRIPTIONS as usize,
    }
}

fn second(at: u32, rng: &mut Rng) -> Second {
    let connected = (at * 5).min(PEOPLE) - u32::from((40..44).contains(&at));
    let subscriptions = connected * SUBSCRIPTIONS / PEOPLE;
    let spell: f64 = if (33..36).contains(&at) { 4.5 } else { 1.0 };
    let received = u64::from(subscriptions) * 118 + rng.u64(0..1_500);
    let (low, middle) = (u64::from(connected) * 288, u64::from(connected) * 144);
    let shifted = if spell > 1.0 { middle * 2 / 3 } else { 0 };
    Second {
        second: at,
        connected,
        subscriptions,
        packets_sent: u64::from(connected) * 240 + rng.u64(0..40),
        packets_received: received,
        bytes_received: received * 870,
        packets_lost: if spell > 1.0 { rng.u64(20..160) } else { 0 },
        frames: low + middle + 40,
        frames_by_encoding: vec![low + shifted, middle - shifted, u64::from(connected) * 24],
        freezes: if spell > 1.0 { rng.u32(1..7) } else { 0 },
        video_latency_ms: around(hundredths(24.0 * spell.sqrt() + rng.f64() * 4.0), 9_600),
        audio_latency_ms: around(hundredths(9.0 + rng.f64() * 2.0), 17_000),
        findings: if spell > 1.0 { rng.u32(2..12) } else { 0 },
        server_cpu: (at > 0).then(|| hundredths(f64::from(connected) * 0.021 + rng.f64() * 0.05)),
        server_cpu_system: (at > 0).then(|| hundredths(f64::from(connected) * 0.012)),
        server_rss_bytes: (at > 0).then(|| 24_000_000 + u64::from(connected) * 610_000),
        tester_cpu: hundredths(f64::from(connected) * 0.041 + rng.f64() * 0.06),
    }
}

fn totals(seconds: &[Second]) -> Totals {
    let sum = |of: fn(&Second) -> u64| seconds.iter().map(of).sum();
    Totals {
        joined: u64::from(PEOPLE),
        disconnects: 1,
        reconnects: 1,
        packets_sent: sum(|second| second.packets_sent),
        bytes_sent: sum(|second| second.packets_sent * 870),
        packets_received: sum(|second| second.packets_received),
        bytes_received: sum(|second| second.bytes_received),
        packets_lost: sum(|second| second.packets_lost),
        packets_late: 31,
        frames: sum(|second| second.frames),
        frames_broken: 12,
        freezes: sum(|second| u64::from(second.freezes)),
        frozen_s: 96.5,
        watched_s: 16_000.0,
        interruptions: 2,
        ..Totals::default()
    }
}

fn bars() -> Vec<BarResult> {
    [
        (
            "join_failures_percent",
            "joins that failed",
            "%",
            0.0,
            Some(0.0),
        ),
        (
            "loss_percent",
            "RTP packets that never came",
            "%",
            0.1,
            Some(0.0074),
        ),
        (
            "silent_percent",
            "subscriptions that never carried anything",
            "%",
            0.0,
            Some(0.0),
        ),
        (
            "wrong",
            "wrong person, picture, tone or order",
            "",
            0.0,
            Some(0.0),
        ),
        (
            "first_frame_p99_ms",
            "time to the first picture, 99th percentile",
            "ms",
            2_000.0,
            Some(401.3),
        ),
        ("frozen_percent", "time in freezes", "%", 0.5, Some(0.6031)),
        (
            "video_latency_p99_ms",
            "latency of pictures, 99th percentile",
            "ms",
            150.0,
            Some(54.1),
        ),
    ]
    .map(|(name, meaning, unit, limit, measured)| BarResult {
        name: name.to_owned(),
        meaning: meaning.to_owned(),
        limit,
        measured,
        unit: unit.to_owned(),
        held: measured.is_some_and(|value| value <= limit),
    })
    .into()
}

fn server_cost() -> ServerCost {
    let metrics = [
        ("plenary_packets_forwarded_total", 4_011_020.0),
        ("plenary_keyframe_requests_total", 214.0),
        ("plenary_drops_total{reason=\"replay\"}", 0.0),
        ("process_cpu_seconds_total", 21.9),
    ];
    ServerCost {
        pids: vec![4711],
        cpu_user_s: 9.1,
        cpu_system_s: 12.8,
        packets_forwarded: 4_011_231,
        cpu_us_per_packet: 5.46,
        cpu_system_us_per_packet: 3.19,
        packets_per_core_second: 183_150.0,
        bits_per_core_second: 1_274_700_000.0,
        rss_before_bytes: 24_000_000,
        rss_peak_bytes: 36_200_000,
        rss_per_participant_bytes: 610_000.0,
        rss_per_subscription_bytes: 17_940.0,
        context_switches_per_packet: Some(0.041),
        system_calls_per_packet: None,
        metrics: metrics.map(|(name, value)| (name.to_owned(), value)).into(),
    }
}

fn findings(rng: &mut Rng) -> Vec<Finding> {
    let finding = |index: u32, rng: &mut Rng| {
        let (kind, what) = match index % 5 {
            0 => ("loss", "3 packets from 20114 never came".to_owned()),
            1 => (
                "sound-gap",
                format!("no sound for {} ms", rng.u32(150..400)),
            ),
            _ => (
                "freeze",
                format!("{} ms without a picture, 118 allowed", rng.u32(200..900)),
            ),
        };
        Finding {
            second: 33 + index / 9,
            kind: kind.to_owned(),
            participant: format!("r0-p{}", rng.u32(0..PEOPLE)),
            track: Some(format!("r0-p{} camera", rng.u32(0..PEOPLE))),
            what,
        }
    };
    (0..27).map(|index| finding(index, rng)).collect()
}

fn by_kind(findings: &[Finding]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for finding in findings {
        *counts.entry(finding.kind.clone()).or_default() += 1;
    }
    counts
}

fn subscriptions(rng: &mut Rng) -> Vec<SubscriptionSummary> {
    let one = |index: u32, rng: &mut Rng| {
        let video = index.is_multiple_of(2);
        let frozen = index.is_multiple_of(23);
        SubscriptionSummary {
            participant: format!("r0-p{}", index % PEOPLE),
            publisher: format!("r0-p{}", (index * 7 + 3) % PEOPLE),
            kind: if video { "video" } else { "audio" }.to_owned(),
            packets: rng.u64(2_800..9_000),
            lost: if frozen { rng.u64(1..40) } else { 0 },
            late: rng.u64(0..4),
            frames: rng.u64(1_300..1_560),
            freezes: if frozen { rng.u32(1..4) } else { 0 },
            frozen_s: if frozen {
                hundredths(rng.f64() * 3.0)
            } else {
                0.0
            },
            first_frame_ms: (index != 5).then(|| hundredths(90.0 + rng.f64() * 200.0)),
            latency_mean_ms: hundredths(20.0 + rng.f64() * 9.0),
            latency_max_ms: hundredths(50.0 + rng.f64() * 90.0),
            encoding: video.then_some((index % 3) as u8),
            switches: rng.u32(0..4),
        }
    };
    (0..260).map(|index| one(index, rng)).collect()
}

fn limit_search() -> Vec<LimitStep> {
    let step = |size: usize, packets_per_second: f64, broken: &[&str]| LimitStep {
        size,
        participants: size,
        packets_per_second,
        passed: broken.is_empty(),
        broken_bars: broken.iter().map(|name| (*name).to_owned()).collect(),
        server_cpu: Some(hundredths(packets_per_second * 5.5e-6)),
        busiest_thread: hundredths(packets_per_second * 2.9e-6),
    };
    vec![
        step(10, 19_900.0, &[]),
        step(20, 80_700.0, &[]),
        step(40, 171_300.0, &["frozen_percent", "video_latency_p99_ms"]),
        step(30, 139_200.0, &[]),
        step(35, 160_400.0, &["video_latency_p99_ms"]),
    ]
}

fn around(p50: f64, count: u64) -> Distribution {
    Distribution {
        count,
        mean: hundredths(p50 * 1.05),
        p50,
        p90: hundredths(p50 * 1.4),
        p99: hundredths(p50 * 2.2),
        p999: hundredths(p50 * 3.1),
        max: hundredths(p50 * 4.0),
    }
}

/// Numbers that survive being written and read again.
fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
