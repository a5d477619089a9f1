use std::sync::Arc;

use proto::codec::MediaKind;
use proto::session::TrackOffer;
use serde_json::json;

use super::*;
use crate::participant::Carried;
use crate::scenario::{Scenario, shipped};

/// A webinar: participant 0 publishes, participant 1 watches.
struct Bench {
    now: Instant,
    site: Site,
    janus: Janus,
}

impl Bench {
    fn new(number: usize) -> Self {
        let text = shipped("webinar").expect("shipped");
        let scenario = Scenario::parse(text).expect("right");
        let plan = Arc::new(Plan::new(scenario.with_size(2).expect("right"), 1, ""));
        let now = Instant::now();
        let site = Site::on_a_bench(now, &plan, number, 1);
        let access = Access {
            server: "http://host:8188".to_owned(),
            key: None,
            room_prefix: "load-".to_owned(),
        };
        let mut janus = Janus::new(&access, &plan, &site.part);
        let mut bench = {
            let mut site = site;
            janus.join(now, &mut site);
            Self { now, site, janus }
        };
        bench.show(Some(720));
        bench
    }

    /// One that has joined a room in which these publish.
    fn joined(number: usize, publishers: &Value) -> Self {
        let mut bench = Self::new(number);
        bench.said();
        bench.hear(Heard::Opened);
        bench.answer(json!({"janus": "success", "data": {"id": 7}}));
        bench.answer(json!({"janus": "success", "data": {"id": 70}}));
        bench.news(
            70,
            json!({"videoroom": "joined", "id": 1, "private_id": 5, "publishers": publishers}),
        );
        bench
    }

    fn hear(&mut self, heard: Heard) {
        self.janus.hear(self.now, heard, &mut self.site);
    }

    fn hear_json(&mut self, frame: &Value) {
        self.hear(Heard::Frame(Frame::Text(frame.to_string())));
    }

    /// Answers what was said last.
    fn answer(&mut self, mut frame: Value) {
        frame["transaction"] = (self.janus.next_transaction - 1).to_string().into();
        self.hear_json(&frame);
    }

    fn news(&mut self, handle: u64, data: Value) {
        let plugin = json!({"data": data});
        self.answer(json!({"janus": "event", "sender": handle, "plugindata": plugin}));
    }

    fn show(&mut self, height: Option<u32>) {
        let tile = height.map(|height| Tile {
            width: height * 16 / 9,
            height,
        });
        self.janus.show(self.now, &[(0, tile)], &mut self.site);
    }

    /// What was said since the last time.
    fn said(&mut self) -> Vec<Value> {
        let mut all = Vec::new();
        while let Some(wire) = self.site.poll_wire() {
            if let Wire::Send(Frame::Text(text)) = wire {
                all.push(serde_json::from_str(&text).expect("JSON"));
            }
        }
        all
    }
}

fn presenter() -> Value {
    let streams = json!([{"type": "audio", "mid": "a"}, {"type": "video", "mid": "v"}]);
    json!([{"id": 9, "display": "r0-p0", "streams": streams}])
}

/// An offer of the presenter's tracks, and the list of them.
fn offer(server: &mut Site) -> (Value, Value) {
    let track = |kind, id: &str| TrackOffer {
        kind,
        track_id: id.to_owned(),
        rids: Vec::new(),
    };
    let changes = OfferChanges {
        publish: &[track(MediaKind::Audio, "a"), track(MediaKind::Video, "v")],
        ..OfferChanges::default()
    };
    let (sdp, mids) = server.peers[0].session.offer(&changes).expect("an offer");
    let streams = json!([
        {"type": "audio", "mid": mids[0], "feed_id": 9, "feed_mid": "a"},
        {"type": "video", "mid": mids[1], "feed_id": 9, "feed_mid": "v"},
    ]);
    (json!({"type": "offer", "sdp": sdp}), streams)
}

/// A viewer that subscribes to both of the presenter's tracks.
fn watching() -> Bench {
    let mut bench = Bench::joined(1, &presenter());
    bench.answer(json!({"janus": "success", "data": {"id": 71}}));
    let (jsep, streams) = offer(&mut Bench::new(0).site);
    let data = json!({"videoroom": "attached", "streams": streams});
    bench.answer(json!({
        "janus": "event", "sender": 71, "plugindata": {"data": data}, "jsep": jsep,
    }));
    bench
}

#[test]
fn whoever_finds_no_room_makes_it() {
    let mut bench = Bench::new(0);
    bench.hear(Heard::Opened);
    bench.answer(json!({"janus": "success", "data": {"id": 7}}));
    bench.answer(json!({"janus": "success", "data": {"id": 70}}));
    bench.news(70, json!({"error_code": 426, "error": "No such room"}));
    bench.news(70, json!({"error_code": 427, "error": "Room exists"}));

    let said = bench.said();

    let kinds: Vec<&str> = said
        .iter()
        .map(|one| one["body"]["request"].as_str().or(one["janus"].as_str()))
        .map(|kind| kind.expect("a kind"))
        .collect();
    assert_eq!(kinds, ["create", "attach", "join", "create", "join"]);
    assert_eq!(said[3]["body"]["room"], said[4]["body"]["room"]);
    assert_eq!(said[3]["body"]["videocodec"], "vp8");
    assert_eq!(said[4]["body"]["display"], "r0-p0");
    assert_eq!(bench.site.complaints(), []);
}

#[test]
fn a_publisher_offers_its_tracks_and_takes_the_answer() {
    let mut bench = Bench::joined(0, &json!([]));
    let publish = bench.said().pop().expect("a request");
    let sdp = publish["jsep"]["sdp"].as_str().expect("an offer");
    let mut server = Bench::new(1).site;

    let answer = super::super::accept_offer(sdp, 0, &mut server).expect("an answer");
    bench.answer(json!({
        "janus": "event", "sender": 70,
        "plugindata": {"data": {"videoroom": "event", "configured": "ok"}},
        "jsep": {"type": "answer", "sdp": answer},
    }));

    assert_eq!(publish["body"]["request"], "publish");
    assert_eq!(publish["jsep"]["rid_order"], "lmh");
    assert!(bench.site.sending.iter().all(|track| track.mid.is_some()));
    assert_eq!(bench.site.complaints(), []);
}

#[test]
fn a_viewer_subscribes_to_all_tracks_and_answers_the_offer() {
    let mut bench = watching();

    let said = bench.said();

    let [.., join, start] = said.as_slice() else {
        panic!("too little was said: {said:?}");
    };
    let wanted = json!([
        {"feed": 9, "mid": "a", "send": true},
        {"feed": 9, "mid": "v", "send": true, "substream": 2, "temporal": 2},
    ]);
    assert_eq!(join["body"]["streams"], wanted);
    assert_eq!(join["body"]["private_id"], 5);
    assert_eq!(start["body"]["request"], "start");
    assert_eq!(start["jsep"]["type"], "answer");
    let carried = |kind| Some(Carried { publisher: 0, kind });
    let expected = [carried(MediaKind::Audio), carried(MediaKind::Video)];
    assert_eq!(bench.site.carried(0), expected);
    assert!(bench.site.peers[0].is_awaited);
    assert_eq!(bench.site.complaints(), []);
}

#[test]
fn a_camera_is_paused_while_it_is_hidden_and_chosen_by_its_tile() {
    let mut bench = watching();
    bench.news(71, json!({"videoroom": "event", "started": "ok"}));
    bench.said();

    bench.show(Some(720));
    bench.show(None);
    bench.show(Some(180));

    let asked: Vec<Value> = bench
        .said()
        .iter()
        .map(|one| one["body"]["streams"][0].clone())
        .map(|mut stream| {
            stream["mid"].take();
            stream
        })
        .collect();
    let shown = json!({"mid": null, "send": true, "substream": 0, "temporal": 2});
    assert_eq!(asked, [json!({"mid": null, "send": false}), shown]);
}

#[test]
fn whoever_finds_nobody_to_watch_does_not_wait() {
    let mut bench = Bench::joined(1, &json!([]));

    assert!(!bench.site.peers[0].is_awaited);
    assert_eq!(bench.said().len(), 3);
}

#[test]
fn a_publisher_that_leaves_is_not_watched_any_more() {
    let mut bench = watching();

    bench.hear_json(&json!({
        "janus": "event", "sender": 70,
        "plugindata": {"data": {"videoroom": "event", "leaving": 9}},
    }));

    assert!(bench.site.carried(0).iter().all(Option::is_none));
    assert_eq!(bench.site.complaints(), []);
}

#[test]
fn an_offer_that_is_lost_is_got_over_with_another_handle() {
    let mut bench = watching();
    bench.news(71, json!({"videoroom": "event", "started": "ok"}));
    bench.janus.reconnect(bench.now, &mut bench.site);
    bench.hear(Heard::Opened);
    bench.answer(json!({"janus": "success"}));
    bench.answer(json!({"janus": "success", "data": {"id": 72}}));
    bench.news(
        72,
        json!({"videoroom": "joined", "publishers": presenter()}),
    );
    bench.news(71, json!({"videoroom": "updating"}));
    bench.said();

    bench.show(Some(720));
    bench.now += Duration::from_secs(4);
    bench.show(Some(720));

    let said = bench.said();
    assert_eq!(said[0]["janus"], "detach");
    assert_eq!(said[0]["handle_id"], 71);
    assert_eq!(said[1]["janus"], "attach");
    assert_eq!(bench.site.complaints(), [("offer-lost", false)]);
}

#[test]
fn what_cannot_be_read_ends_the_participant() {
    let frames = [
        "",
        "{",
        "[1]",
        r#"{"janus": 1}"#,
        r#"{"janus": "success", "transaction": "1"}"#,
        r#"{"janus": "event", "plugindata": {"data": {"videoroom": "attached"}},
            "jsep": {"type": "offer", "sdp": "v=0"}}"#,
        r#"{"janus": "event", "plugindata": {"data": {"publishers": [{"id": "x"}]}}}"#,
    ];
    for frame in frames {
        let mut bench = Bench::new(1);
        bench.hear(Heard::Opened);

        bench.hear(Heard::Frame(Frame::Text(frame.to_owned())));

        assert_eq!(bench.site.complaints(), [("nonsense", true)], "{frame}");
    }
}

#[test]
fn a_refusal_is_told_in_the_servers_words() {
    let mut bench = Bench::new(1);
    bench.hear(Heard::Opened);

    bench.answer(json!({"janus": "error", "error": {"code": 403, "reason": "Unauthorized"}}));

    assert_eq!(bench.site.complaints(), [("join-failed", true)]);
}

#[test]
fn a_session_is_kept_alive() {
    let mut bench = Bench::joined(1, &json!([]));
    bench.show(None);
    bench.said();

    bench.now += KEEP_ALIVE;
    bench.show(None);

    let said = bench.said();
    assert_eq!(said[0]["janus"], "keepalive");
    assert_eq!(said[0]["session_id"], 7);
}

#[test]
fn rooms_have_numbers_that_javascript_can_write() {
    let numbers: Vec<u64> = (0..1_000)
        .map(|room| room_id(&format!("load-{room}")))
        .collect();

    assert!(numbers.iter().all(|number| (1..1 << 53).contains(number)));
    let different: std::collections::BTreeSet<&u64> = numbers.iter().collect();
    assert_eq!(different.len(), numbers.len());
    assert_eq!(numbers[0], room_id("load-0"));
}
