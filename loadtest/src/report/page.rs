//! The report as one self-contained page for a browser.

use std::borrow::Cow;

use super::{Report, SubscriptionSummary};

/// Writes a page that holds the report, and draws it without the network.
pub fn page(report: &Report) -> String {
    let subscriptions = report.subscriptions.len().to_string();
    let data = data(&of_a_bearable_size(report));
    // The report comes last: nothing is looked for in what others had a say in.
    HTML.replace("{{css}}", CSS)
        .replace("{{js}}", JS)
        .replace("{{subscriptions}}", &subscriptions)
        .replace("{{report}}", &data)
}

const HTML: &str = include_str!("page/page.html");
const CSS: &str = include_str!("page/page.css");
const JS: &str = include_str!("page/page.js");

/// Subscriptions a page holds, at some 300 bytes each. With all of a large run, tens of
/// megabytes, a browser would take its time; with fewer, sorting by latency would miss more.
const MAX_SUBSCRIPTIONS: usize = 2_000;

fn of_a_bearable_size(report: &Report) -> Cow<'_, Report> {
    if report.subscriptions.len() <= MAX_SUBSCRIPTIONS {
        return Cow::Borrowed(report);
    }
    let mut report = report.clone();
    report.subscriptions.sort_by(worst_first);
    report.subscriptions.truncate(MAX_SUBSCRIPTIONS);
    Cow::Owned(report)
}

fn worst_first(a: &SubscriptionSummary, b: &SubscriptionSummary) -> std::cmp::Ordering {
    let by_frozen = b.frozen_s.total_cmp(&a.frozen_s);
    by_frozen.then_with(|| b.lost.cmp(&a.lost))
}

/// JSON that cannot end the script element it stands in: `<` occurs in strings only, where it may
/// be written as an escape.
fn data(report: &Report) -> String {
    let json = serde_json::to_string(report).expect("a report is numbers, strings and lists");
    json.replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::{
        super::sample::{sample, value},
        *,
    };

    #[test]
    fn holds_the_whole_report() {
        let report = sample();

        let read = read_back(&page(&report));

        assert_eq!(value(&read), value(&report));
    }

    #[test]
    fn no_string_ends_the_script_element() {
        let mut report = sample();
        let usual = page(&report).matches('<').count();
        report.findings[0].what = "</script><b>{{js}}<!--<script>".to_owned();

        let page = page(&report);

        assert_eq!(page.matches('<').count(), usual);
        assert_eq!(read_back(&page).findings, report.findings);
    }

    #[test]
    fn keeps_the_worst_of_very_many_subscriptions() {
        let mut report = sample();
        report.subscriptions = vec![SubscriptionSummary::default(); MAX_SUBSCRIPTIONS + 1];
        report.subscriptions[MAX_SUBSCRIPTIONS].frozen_s = 2.5;

        let page = page(&report);

        let kept = read_back(&page).subscriptions;
        assert_eq!(kept.len(), MAX_SUBSCRIPTIONS);
        assert_eq!(kept[0].frozen_s, 2.5);
        assert!(page.contains("data-subscriptions=\"2001\""));
    }

    #[test]
    fn fills_every_blank_and_asks_nothing_of_the_network() {
        let page = page(&Report::default());

        assert!(!page.contains("{{"));
        for outside in ["src=", "url(", "@import", "fetch(", "innerHTML"] {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    #[ignore = "leaves pages in the directory for temporary files, to be looked at"]
    fn saves_pages_to_look_at() {
        let mut bare = sample();
        bare.aborted = Some("the server closed the connection during the first join".to_owned());
        bare.server_cost = None;
        bare.direct = None;
        bare.limit_search.clear();
        bare.seconds.truncate(4);

        let mut long = sample();
        let minute = long.seconds.clone();
        long.seconds = minute.into_iter().cycle().take(5_000).collect();
        for (at, second) in (0..).zip(&mut long.seconds) {
            second.second = at;
        }
        long.duration_s = 5_000.0;
        long.steady_to_s = 4_990.0;
        long.tester_cost.busiest_thread = 0.97;

        let folder = std::env::temp_dir();
        for (name, report) in [
            ("page.html", sample()),
            ("page-long.html", long),
            ("page-bare.html", bare),
            ("page-empty.html", Report::default()),
        ] {
            std::fs::write(folder.join(name), page(&report)).expect("writable");
            let terminal = folder.join(name).with_extension("txt");
            std::fs::write(terminal, crate::report::table(&report)).expect("writable");
        }
    }

    fn read_back(page: &str) -> Report {
        let (_, rest) = page
            .split_once("type=\"application/json\"")
            .expect("a page holds a report");
        let (_, rest) = rest.split_once('>').expect("the element begins");
        let (json, _) = rest.split_once("</script>").expect("the element ends");
        serde_json::from_str(json).expect("the report is whole")
    }
}
