//! The report's seconds as comma-separated values, for spreadsheets and plots of one's own.

use super::{Distribution, Report, Second};

/// Writes a header and a line for each second, as RFC 4180 has it. What was not measured is empty.
pub fn csv(report: &Report) -> String {
    let encodings = report.seconds.iter().map(|s| s.frames_by_encoding.len());
    let encodings = encodings.max().unwrap_or(0);
    let mut text = line(&header(encodings));
    for second in &report.seconds {
        text.push_str(&line(&fields(second, encodings)));
    }
    text
}

// RFC 4180 §2: lines end in CRLF. No name or number here needs quotes.
fn line(fields: &[String]) -> String {
    fields.join(",") + "\r\n"
}

/// The encodings come last: their number differs from scenario to scenario.
fn header(encodings: usize) -> Vec<String> {
    let mut names: Vec<String> = [
        "second",
        "connected",
        "subscriptions",
        "packets_sent",
        "packets_received",
        "bytes_received",
        "packets_lost",
        "frames",
        "freezes",
        "findings",
    ]
    .map(str::to_owned)
    .into();
    for medium in ["video", "audio"] {
        names.push(format!("{medium}_latency_count"));
        let figures = ["mean", "p50", "p90", "p99", "p999", "max"];
        names.extend(figures.map(|figure| format!("{medium}_latency_{figure}_ms")));
    }
    let costs = [
        "server_cpu",
        "server_cpu_system",
        "server_rss_bytes",
        "tester_cpu",
    ];
    names.extend(costs.map(str::to_owned));
    names.extend((0..encodings).map(|encoding| format!("frames_encoding_{encoding}")));
    names
}

fn fields(second: &Second, encodings: usize) -> Vec<String> {
    let mut fields = vec![
        second.second.to_string(),
        second.connected.to_string(),
        second.subscriptions.to_string(),
        second.packets_sent.to_string(),
        second.packets_received.to_string(),
        second.bytes_received.to_string(),
        second.packets_lost.to_string(),
        second.frames.to_string(),
        second.freezes.to_string(),
        second.findings.to_string(),
    ];
    fields.extend(distribution(&second.video_latency_ms));
    fields.extend(distribution(&second.audio_latency_ms));
    fields.extend([
        optional(second.server_cpu),
        optional(second.server_cpu_system),
        optional(second.server_rss_bytes),
        second.tester_cpu.to_string(),
    ]);
    let frames = |encoding: usize| second.frames_by_encoding.get(encoding).unwrap_or(&0);
    fields.extend((0..encodings).map(|encoding| frames(encoding).to_string()));
    fields
}

fn distribution(of: &Distribution) -> [String; 7] {
    let figure = |value: f64| optional((of.count > 0).then_some(value));
    [
        of.count.to_string(),
        figure(of.mean),
        figure(of.p50),
        figure(of.p90),
        figure(of.p99),
        figure(of.p999),
        figure(of.max),
    ]
}

fn optional(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{super::sample::sample, *};

    #[test]
    fn every_line_has_the_fields_of_the_header() {
        let mut report = sample();
        report.seconds[7].frames_by_encoding.pop();
        report.seconds[8].server_cpu = None;

        let text = csv(&report);

        let counts: Vec<usize> = text.lines().map(|line| line.split(',').count()).collect();
        assert_eq!(counts, vec![31; report.seconds.len() + 1]);
    }

    #[test]
    fn names_no_field_twice() {
        let mut names = header(3);

        names.sort();
        let all = names.len();
        names.dedup();

        assert_eq!(names.len(), all);
    }

    #[test]
    fn leaves_empty_what_was_not_measured() {
        let report = Report {
            seconds: vec![Second {
                second: 3,
                frames_by_encoding: vec![5],
                tester_cpu: 0.25,
                ..Second::default()
            }],
            ..Report::default()
        };

        let text = csv(&report);

        let line = text.split_terminator("\r\n").nth(1);
        assert_eq!(line, Some("3,0,0,0,0,0,0,0,0,0,0,,,,,,,0,,,,,,,,,,0.25,5"));
    }

    #[test]
    fn a_report_without_seconds_is_a_header() {
        assert_eq!(csv(&Report::default()).lines().count(), 1);
    }
}
