use std::sync::Arc;

use super::*;
use crate::scenario::{Scenario, shipped};

/// A webinar: participant 0 publishes, participant 1 watches.
struct Bench {
    now: Instant,
    site: Site,
    whip: Whip,
}

/// A request: its number, its method, where to, and the body.
type Asked = (u32, &'static str, String, String);

impl Bench {
    fn new(number: usize) -> Self {
        let text = shipped("webinar").expect("shipped");
        let scenario = Scenario::parse(text).expect("right");
        let plan = Arc::new(Plan::new(scenario.with_size(2).expect("right"), 1, ""));
        let now = Instant::now();
        let mut site = Site::on_a_bench(now, &plan, number, 1);
        let access = Access {
            server: "http://host".to_owned(),
            key: None,
            room_prefix: "load-".to_owned(),
        };
        let mut whip = Whip::new(&access, &plan, &site.part);
        whip.join(now, &mut site);
        Self { now, site, whip }
    }

    fn asked(&mut self) -> Vec<Asked> {
        let mut all = Vec::new();
        while let Some(wire) = self.site.poll_wire() {
            if let Wire::Request {
                id,
                method,
                url,
                body,
                ..
            } = wire
            {
                all.push((id, method, url, body));
            }
        }
        all
    }

    fn answer(&mut self, id: u32, status: u16, body: &str) {
        let location = (status == 201).then(|| "http://host/resource/1".to_owned());
        let heard = Heard::Answer {
            id,
            status,
            location,
            body: body.to_owned(),
        };
        self.whip.hear(self.now, heard, &mut self.site);
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        self.whip.show(self.now, &[], &mut self.site);
    }
}

#[test]
fn a_publisher_posts_its_tracks_and_deletes_them_when_it_leaves() {
    let mut bench = Bench::new(0);
    let (id, method, url, offer) = bench.asked().remove(0);
    let answer = crate::adapter::accept_offer(&offer, 0, &mut Bench::new(1).site);

    bench.answer(id, 201, &answer.expect("an answer"));
    bench.whip.leave(bench.now, &mut bench.site);

    assert_eq!((method, &*url), ("POST", "http://host/load-0/r0-p0/whip"));
    assert!(bench.site.sending.iter().all(|track| track.mid.is_some()));
    let left = bench.asked();
    assert_eq!(left.len(), 1);
    assert_eq!(
        (left[0].1, &*left[0].2),
        ("DELETE", "http://host/resource/1")
    );
    assert_eq!(bench.site.complaints(), []);
}

#[test]
fn a_viewer_receives_each_track_of_a_publisher() {
    let mut bench = Bench::new(1);
    let (id, method, url, offer) = bench.asked().remove(0);
    let answer = crate::adapter::accept_offer(&offer, 0, &mut Bench::new(0).site);

    bench.answer(id, 201, &answer.expect("an answer"));

    assert_eq!((method, &*url), ("POST", "http://host/load-0/r0-p0/whep"));
    let carried = |kind| Some(Carried { publisher: 0, kind });
    let expected = [carried(MediaKind::Audio), carried(MediaKind::Video)];
    assert_eq!(bench.site.carried(0), expected);
    assert_eq!(bench.site.complaints(), []);
}

#[test]
fn a_stream_that_is_not_there_yet_is_asked_for_again() {
    let mut bench = Bench::new(1);
    let (id, _, url, offer) = bench.asked().remove(0);

    bench.answer(id, 404, "nobody publishes this");
    bench.wait(RETRY / 2);
    let early = bench.asked();
    bench.wait(RETRY / 2);

    assert!(early.is_empty());
    assert!(!bench.site.peers[0].is_awaited);
    assert_eq!(bench.asked(), [(id + 1, "POST", url, offer)]);
    assert_eq!(bench.site.complaints(), []);
}

#[test]
fn a_stream_that_never_comes_is_told_once() {
    let mut bench = Bench::new(1);

    for _ in 0..40 {
        for (id, ..) in bench.asked() {
            bench.answer(id, 404, "nobody publishes this");
        }
        bench.wait(RETRY);
    }

    assert_eq!(bench.site.complaints(), [("no-stream", false)]);
}

#[test]
fn a_stream_that_has_ended_is_asked_for_with_a_fresh_session() {
    let mut bench = Bench::new(1);
    let (id, _, _, offer) = bench.asked().remove(0);
    let answer = crate::adapter::accept_offer(&offer, 0, &mut Bench::new(0).site);
    bench.answer(id, 201, &answer.expect("an answer"));

    let is_got_over = bench.whip.closed(bench.now, 0, &mut bench.site);
    bench.wait(RETRY);

    let (_, method, _, fresh) = bench.asked().remove(0);
    assert!(is_got_over);
    assert_eq!(method, "POST");
    assert_ne!(fresh, offer);
    assert!(bench.site.carried(0).is_empty());
}

#[test]
fn whoever_may_not_come_in_has_failed() {
    for (status, body) in [(401, "who are you?"), (403, ""), (400, "what?"), (302, "")] {
        let mut bench = Bench::new(1);
        let (id, ..) = bench.asked().remove(0);

        bench.answer(id, status, body);

        assert_eq!(bench.site.complaints(), [("join-failed", true)], "{status}");
    }
}

#[test]
fn an_answer_that_cannot_be_read_ends_the_participant() {
    for answer in ["", "v=0", "<html>"] {
        let mut bench = Bench::new(0);
        let (id, ..) = bench.asked().remove(0);

        bench.answer(id, 201, answer);

        assert_eq!(bench.site.complaints(), [("nonsense", true)], "{answer}");
    }
}

#[test]
fn simulcast_is_refused_by_leaving_it_out_or_by_leaving_out_names() {
    let offer = "m=video\r\na=simulcast:send q;h;f\r\n";
    let names = "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n";
    let takes = "m=video\r\na=simulcast:recv q;h;f\r\n";

    assert!(!refuses_simulcast("m=video\r\n", "m=video\r\n"));
    assert!(refuses_simulcast(offer, "m=video\r\n"));
    assert!(refuses_simulcast(offer, takes));
    assert!(!refuses_simulcast(offer, &format!("{takes}{names}")));
}
