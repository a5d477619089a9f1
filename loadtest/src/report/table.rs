//! The report as a terminal shows it at the end of a run.

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ContentArrangement, Table, presets::UTF8_FULL_CONDENSED,
};

use super::{
    BarResult, Decoded, DirectPath, Distribution, Finding, Report, ServerCost, TesterCost, Totals,
};

/// Writes the verdict, the bars, the figures, the first findings and the sizes tried, for a
/// terminal of 100 columns.
pub fn table(report: &Report) -> String {
    let parts = [
        verdict(report),
        bars(&report.bars),
        figures(report),
        warning(&report.tester_cost),
        findings(report),
        limit_search(report),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n\n") + "\n"
}

fn verdict(report: &Report) -> String {
    let verdict = match (&report.aborted, report.passed) {
        (Some(reason), _) => format!("ABORTED ({})", printable(reason)),
        (None, true) => "PASSED".to_owned(),
        (None, false) => "FAILED".to_owned(),
    };
    let Report {
        scenario,
        protocol,
        server,
        seed,
        ..
    } = report;
    format!(
        "{verdict}: {}, {} at {}, seed {seed}",
        printable(scenario),
        printable(protocol),
        printable(server)
    )
}

fn bars(bars: &[BarResult]) -> String {
    if bars.is_empty() {
        return String::new();
    }
    let mut table = empty_table(&["bar", "limit", "measured", "held"]);
    for bar in bars {
        table.add_row(vec![
            Cell::new(printable(&bar.meaning)),
            right(with_unit(bar.limit, &bar.unit)),
            right(bar.measured.map_or_else(
                || "nothing".to_owned(),
                |measured| with_unit(measured, &bar.unit),
            )),
            held(bar.held),
        ]);
    }
    table.to_string()
}

fn figures(report: &Report) -> String {
    let mut figures = Figures(empty_table(&["figure", "steady time", "whole run"]));
    figures.people(report);
    figures.latencies(report);
    figures.packets(report);
    figures.pictures(report);
    figures.decoded(&report.decoded);
    if let Some(cost) = &report.server_cost {
        figures.server(cost);
    }
    figures.tester(&report.tester_cost);
    figures.0.to_string()
}

/// Rows of a name, its value in the steady time and that in the whole run.
struct Figures(Table);

impl Figures {
    fn row(&mut self, name: &str, steady: String, whole: String) {
        self.0.add_row(vec![name.to_owned(), steady, whole]);
    }

    fn steady(&mut self, name: &str, value: String) {
        self.row(name, value, String::new());
    }

    fn whole(&mut self, name: &str, value: String) {
        self.row(name, String::new(), value);
    }

    fn both(&mut self, name: &str, report: &Report, value: impl Fn(&Totals) -> String) {
        self.row(name, value(&report.steady), value(&report.totals));
    }

    fn people(&mut self, report: &Report) {
        let Report { plan, totals, .. } = report;
        let participants = format!(
            "{} joined, {} planned",
            count(totals.joined),
            count(plan.participants as u64)
        );
        self.whole("participants", participants);
        let subscriptions = format!(
            "{} planned, {} silent",
            count(plan.subscriptions as u64),
            count(totals.subscriptions_silent)
        );
        self.whole("subscriptions", subscriptions);
        let connections = format!(
            "{} failed, {} lost, {} came back",
            count(totals.join_failures),
            count(totals.disconnects),
            count(totals.reconnects)
        );
        self.whole("connections", connections);
        self.whole("join p50 / p99", half_and_99(&report.join_ms));
        self.whole(
            "first picture p50 / p99",
            half_and_99(&report.first_frame_ms),
        );
    }

    fn latencies(&mut self, report: &Report) {
        self.steady(
            "video latency p50 / p99 / max",
            latency(&report.video_latency_ms),
        );
        self.steady(
            "audio latency p50 / p99 / max",
            latency(&report.audio_latency_ms),
        );
        if let Some(direct) = &report.direct {
            self.steady("added to direct path p50 / p99", added(direct));
        }
        self.steady("lip sync p50 / p99 / max", latency(&report.lip_sync_ms));
    }

    fn packets(&mut self, report: &Report) {
        self.both("packets sent", report, |totals| {
            volume(totals.packets_sent, totals.bytes_sent)
        });
        self.both("packets received", report, |totals| {
            volume(totals.packets_received, totals.bytes_received)
        });
        self.both("packets lost", report, |totals| {
            let due = totals.packets_lost + totals.packets_received;
            share(totals.packets_lost, due)
        });
        self.both("packets late", report, |totals| {
            share(totals.packets_late, totals.packets_received)
        });
    }

    fn pictures(&mut self, report: &Report) {
        self.both("frames", report, |totals| {
            let (frames, broken) = (count(totals.frames), count(totals.frames_broken));
            format!("{frames}, {broken} broken")
        });
        self.both("freezes", report, freezes);
        self.both("interruptions of sound", report, |totals| {
            count(totals.interruptions)
        });
        if report.totals.messages_sent > 0 {
            self.both("data messages", report, |totals| {
                let (sent, received) = (totals.messages_sent, totals.messages_received);
                format!("{} sent, {} received", count(sent), count(received))
            });
        }
    }

    fn decoded(&mut self, decoded: &Decoded) {
        let right = |right: u64, all: u64, streams: u64| {
            let (right, all, streams) = (count(right), count(all), count(streams));
            format!("{right} of {all}, {streams} streams")
        };
        let pictures = right(
            decoded.pictures_right,
            decoded.pictures,
            decoded.video_streams,
        );
        let tones = right(decoded.tones_right, decoded.tones, decoded.audio_streams);
        self.whole("decoded pictures right", pictures);
        self.whole("decoded tones right", tones);
    }

    fn server(&mut self, cost: &ServerCost) {
        let per_packet = format!(
            "{:.2} us, {:.2} us in the kernel",
            cost.cpu_us_per_packet, cost.cpu_system_us_per_packet
        );
        self.steady("server CPU per packet", per_packet);
        let cpu = format!(
            "{:.1} s user, {:.1} s system",
            cost.cpu_user_s, cost.cpu_system_s
        );
        self.steady("server CPU", cpu);
        let per_core = format!(
            "{} packets, {} Mbit",
            number(cost.packets_per_core_second),
            number(cost.bits_per_core_second / 1e6)
        );
        self.steady("server per core second", per_core);
        self.memory(cost);
        if let Some(switches) = cost.context_switches_per_packet {
            self.steady("context switches per packet", decimals(switches));
        }
        if let Some(calls) = cost.system_calls_per_packet {
            self.steady("system calls per packet", decimals(calls));
        }
    }

    fn memory(&mut self, cost: &ServerCost) {
        let memory = format!(
            "{}, {} before",
            bytes(cost.rss_peak_bytes as f64),
            bytes(cost.rss_before_bytes as f64)
        );
        self.steady("server memory", memory);
        self.steady(
            "server memory per participant",
            bytes(cost.rss_per_participant_bytes),
        );
        self.steady(
            "server memory per subscription",
            bytes(cost.rss_per_subscription_bytes),
        );
    }

    fn tester(&mut self, cost: &TesterCost) {
        let cpu = format!(
            "{:.2} us, {:.1} s in all",
            cost.cpu_us_per_packet, cost.cpu_s
        );
        self.steady("tester CPU per packet", cpu);
        let busiest = format!(
            "{}, {} late at most",
            whole_percent(cost.busiest_thread),
            ms(cost.lateness_max_ms)
        );
        self.steady("tester's busiest thread", busiest);
    }
}

/// Share of the time above which a thread of the tester is late for its own timers, so that
/// latencies are the tester's and not the server's.
const BUSY: f64 = 0.9;

fn warning(cost: &TesterCost) -> String {
    if cost.busiest_thread <= BUSY {
        return String::new();
    }
    format!(
        "WARNING: the tester is the limit: its busiest thread worked {} of the time, and latencies \
         are its own.",
        whole_percent(cost.busiest_thread)
    )
}

/// Findings told one by one; the page and the JSON report have the others.
const FINDINGS_SHOWN: usize = 10;

fn findings(report: &Report) -> String {
    let all: u64 = report.findings_by_kind.values().sum();
    let all = all.max(report.findings.len() as u64);
    if all == 0 {
        return "No findings.".to_owned();
    }
    let by_kind = report.findings_by_kind.iter();
    let kinds: Vec<String> = by_kind
        .map(|(kind, number)| format!("{} {}", count(*number), printable(kind)))
        .collect();
    let mut lines = vec![format!("{} findings: {}", count(all), kinds.join(", "))];
    let shown = report.findings.iter().take(FINDINGS_SHOWN);
    lines.extend(shown.map(finding));
    let more = all.saturating_sub(FINDINGS_SHOWN as u64);
    if more > 0 {
        lines.push(format!("  … and {} more, in the JSON report", count(more)));
    }
    lines.join("\n")
}

fn finding(finding: &Finding) -> String {
    let Finding {
        second,
        kind,
        participant,
        track,
        what,
    } = finding;
    let track = track.as_ref().map(|track| format!(" <- {track}"));
    let track = track.unwrap_or_default();
    let line = format!("  second {second}: {participant}{track}: {kind}: {what}");
    printable(&line)
}

fn limit_search(report: &Report) -> String {
    if report.limit_search.is_empty() {
        return String::new();
    }
    let mut table = empty_table(&[
        "size",
        "participants",
        "packets/s",
        "server cores",
        "tester busy",
        "held",
        "broken bars",
    ]);
    for step in &report.limit_search {
        table.add_row(vec![
            right(count(step.size as u64)),
            right(count(step.participants as u64)),
            right(number(step.packets_per_second)),
            right(step.server_cpu.map_or_else(String::new, decimals)),
            right(whole_percent(step.busiest_thread)),
            held(step.passed),
            Cell::new(printable(&step.broken_bars.join(", "))),
        ]);
    }
    format!("Sizes tried:\n{table}")
}

/// Columns of a terminal that every table fits in.
const WIDTH: u16 = 100;

fn empty_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(header.to_vec());
    table
}

fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

fn held(held: bool) -> Cell {
    if held {
        Cell::new("yes").fg(Color::Green)
    } else {
        Cell::new("NO")
            .fg(Color::Red)
            .add_attribute(Attribute::Bold)
    }
}

/// Servers have their say in reasons and findings: what could steer the terminal is left out.
fn printable(text: &str) -> String {
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(visible).collect()
}

fn half_and_99(of: &Distribution) -> String {
    if of.count == 0 {
        return "nothing measured".to_owned();
    }
    format!("{} / {}", ms(of.p50), ms(of.p99))
}

fn latency(of: &Distribution) -> String {
    if of.count == 0 {
        return "nothing measured".to_owned();
    }
    format!("{} / {}", half_and_99(of), ms(of.max))
}

fn added(direct: &DirectPath) -> String {
    format!("{} / {}", ms(direct.added_p50_ms), ms(direct.added_p99_ms))
}

fn volume(packets: u64, payload: u64) -> String {
    format!("{}, {}", count(packets), bytes(payload as f64))
}

fn freezes(totals: &Totals) -> String {
    let number = count(totals.freezes);
    if totals.watched_s <= 0.0 {
        return number;
    }
    let percent = totals.frozen_s / totals.watched_s * 100.0;
    format!("{number}, {} % of watched time", decimals(percent))
}

fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return count(part);
    }
    let percent = part as f64 / whole as f64 * 100.0;
    format!("{}, {} %", count(part), decimals(percent))
}

fn whole_percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn with_unit(value: f64, unit: &str) -> String {
    let value = match unit {
        "ms" => return ms(value),
        _ => decimals(value),
    };
    format!("{value} {}", printable(unit)).trim_end().to_owned()
}

/// Milliseconds, or seconds from ten upward.
fn ms(value: f64) -> String {
    if value >= 10_000.0 {
        format!("{:.1} s", value / 1e3)
    } else if value >= 1_000.0 {
        format!("{} ms", number(value))
    } else {
        format!("{value:.1} ms")
    }
}

fn bytes(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if size >= 1e9 => format!("{:.2} GB", value / 1e9),
        _ if size >= 1e6 => format!("{:.1} MB", value / 1e6),
        _ if size >= 1e3 => format!("{:.1} kB", value / 1e3),
        _ => format!("{value:.0} B"),
    }
}

/// As many decimals as tell a small value from nothing.
fn decimals(value: f64) -> String {
    if value.fract() == 0.0 || value.abs() >= 1_000.0 {
        return number(value);
    }
    let text = if value.abs() < 1.0 {
        format!("{value:.4}")
    } else {
        format!("{value:.2}")
    };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn number(value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{}", count(value.abs().round() as u64))
}

/// Digits in groups of three, and millions from ten upward.
fn count(value: u64) -> String {
    match value {
        10_000_000_000.. => format!("{:.1} G", value as f64 / 1e9),
        10_000_000.. => format!("{:.1} M", value as f64 / 1e6),
        _ => grouped(value),
    }
}

fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{
        super::{LimitStep, sample::sample},
        *,
    };

    #[test]
    fn begins_with_the_verdict() {
        let mut report = sample();

        let failed = table(&report);
        report.passed = true;
        let passed = table(&report);
        report.aborted = Some("the server went away".to_owned());
        let aborted = table(&report);

        let firsts = [failed, passed, aborted].map(|text| first_line(&text));
        assert_eq!(
            firsts,
            [
                "FAILED: meeting, livekit at ws://127.0.0.1:7880, seed 42",
                "PASSED: meeting, livekit at ws://127.0.0.1:7880, seed 42",
                "ABORTED (the server went away): meeting, livekit at ws://127.0.0.1:7880, seed 42",
            ]
        );
    }

    #[test]
    fn tells_which_bar_broke() {
        let text = bars(&sample().bars);

        let broken: Vec<&str> = text.lines().filter(|line| line.contains("NO")).collect();
        assert_eq!(broken.len(), 1);
        assert!(broken[0].contains("time in freezes"), "{broken:?}");
    }

    #[test]
    fn tells_the_first_findings_and_how_many_more() {
        let mut report = sample();
        report.findings = (0..12).map(freeze).collect();
        report.findings_by_kind = [("freeze".to_owned(), 1_500)].into();

        let text = findings(&report);

        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 12);
        assert_eq!(lines[0], "1 500 findings: 1 500 freeze");
        assert_eq!(
            lines[1],
            "  second 0: r0-p3 <- r0-p1 camera: freeze: 412 ms"
        );
        assert_eq!(lines[11], "  … and 1 490 more, in the JSON report");
    }

    #[test]
    fn lets_no_finding_steer_the_terminal() {
        let mut report = sample();
        report.findings[0].what = "\u{1b}[2Jgone\nsecond line".to_owned();

        assert!(findings(&report).contains(" [2Jgone second line"));
    }

    #[test]
    fn warns_when_the_tester_is_the_limit() {
        let mut report = sample();
        report.tester_cost.busiest_thread = 0.94;

        assert!(table(&report).contains("WARNING: the tester is the limit"));
        assert!(!table(&sample()).contains("WARNING"));
    }

    #[test]
    fn shows_the_sizes_tried() {
        let mut report = sample();
        report.limit_search = vec![LimitStep {
            size: 640,
            packets_per_second: 123_456.0,
            broken_bars: vec!["loss_percent".to_owned()],
            ..LimitStep::default()
        }];

        let text = limit_search(&report);

        assert!(text.contains("640") && text.contains("123 456") && text.contains("loss_percent"));
    }

    #[test]
    fn fits_a_hundred_columns() {
        let mut report = sample();
        report.findings.clear();

        let widest = table(&report)
            .lines()
            .map(|line| line.chars().count())
            .max();

        assert!(widest <= Some(usize::from(WIDTH)), "{widest:?}");
    }

    #[test]
    fn numbers_are_for_people() {
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1 234 567");
        assert_eq!(count(12_345_678), "12.3 M");
        assert_eq!(bytes(1_530.0), "1.5 kB");
        assert_eq!(bytes(-2_500_000.0), "-2.5 MB");
        assert_eq!(ms(12.34), "12.3 ms");
        assert_eq!(ms(2_000.4), "2 000 ms");
        assert_eq!(ms(31_250.0), "31.2 s");
        assert_eq!(decimals(0.0042), "0.0042");
        assert_eq!(decimals(1.5), "1.5");
    }

    #[test]
    fn an_empty_report_has_no_holes() {
        let text = table(&Report::default());

        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }

    fn first_line(text: &str) -> String {
        text.lines().next().unwrap_or_default().to_owned()
    }

    fn freeze(second: u32) -> Finding {
        Finding {
            second,
            kind: "freeze".to_owned(),
            participant: "r0-p3".to_owned(),
            track: Some("r0-p1 camera".to_owned()),
            what: "412 ms".to_owned(),
        }
    }
}
