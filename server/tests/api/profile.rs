//! CPU profiles, of this process with all tests that run in it.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use prost::Message;
use tokio::sync::Mutex;

use super::client::Server;

/// A process has one profile at a time, and tests run side by side.
static TURN: Mutex<()> = Mutex::const_new(());

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_profile_shows_which_thread_did_what() {
    let _turn = TURN.lock().await;
    let _work = Work::start();

    let answer = Server::new()
        .get_as_operator("/debug/pprof/profile?seconds=1")
        .await;

    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/octet-stream");
    let profile = Profile::decode(answer.body).unwrap();
    assert_eq!(profile.string_table[0], "");
    assert_eq!(profile.period, 1_000_000_000 / 99);
    assert!(profile.duration_nanos >= 1_000_000_000);
    let busy: Vec<_> = profile
        .sample
        .iter()
        .filter(|sample| profile.thread(sample) == THREAD)
        .collect();
    assert!(!busy.is_empty(), "{:?}", profile.string_table);
    assert!(
        busy.iter().all(
            |sample| sample.value[0] > 0 && sample.value[1] == sample.value[0] * profile.period
        )
    );
    let shows_work = |sample: &&&Sample| {
        let mut functions = profile.functions(sample);
        functions.any(|name| name.contains("spend_time"))
    };
    assert!(
        busy.iter().any(|sample| shows_work(&sample)),
        "{:?}",
        profile.string_table
    );
    assert!(
        !profile
            .string_table
            .iter()
            .any(|name| name.contains("perf_signal_handler") || name.contains("pprof::"))
    );
}

#[tokio::test]
async fn a_flame_graph_is_a_picture_with_the_threads_at_its_bottom() {
    let _turn = TURN.lock().await;
    let _work = Work::start();

    let answer = Server::new()
        .get_as_operator("/debug/pprof/flamegraph?seconds=1&frequency=250")
        .await;

    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "image/svg+xml");
    let svg = answer.text();
    assert!(svg.starts_with("<?xml") && svg.trim_end().ends_with("</svg>"));
    assert!(svg.contains(&format!("<title>{THREAD} (")), "{svg}");
    assert!(svg.contains("spend_time"), "{svg}");
}

#[tokio::test]
async fn a_profile_out_of_range_is_refused_with_the_range() {
    let server = Server::new();

    for path in ["/debug/pprof/profile", "/debug/pprof/flamegraph"] {
        for seconds in ["0", "61", "-1", "1.5", "ten", "", "99999999999999999999"] {
            let answer = server
                .get_as_operator(&format!("{path}?seconds={seconds}"))
                .await;
            assert_eq!(
                answer.problem(400, "malformed-request"),
                "seconds must be a whole number from 1 to 60"
            );
        }
        for frequency in ["0", "1000"] {
            let answer = server
                .get_as_operator(&format!("{path}?frequency={frequency}"))
                .await;
            assert_eq!(
                answer.problem(400, "malformed-request"),
                "frequency must be a whole number from 1 to 999"
            );
        }
        let answer = server.get_as_operator(&format!("{path}?second=1")).await;
        assert!(
            answer
                .problem(400, "malformed-request")
                .contains("unknown field `second`")
        );
    }
}

#[tokio::test]
async fn a_second_profile_meanwhile_is_refused() {
    let _turn = TURN.lock().await;
    let (one, other) = (Server::new(), Server::new());

    let (first, second) = tokio::join!(
        one.get_as_operator("/debug/pprof/profile?seconds=1"),
        other.get_as_operator("/debug/pprof/flamegraph?seconds=1"),
    );

    assert_eq!(first.status, 200, "{}", first.text());
    second.problem(409, "conflict");
    assert_eq!(second.header("retry-after"), "10");
}

#[tokio::test]
async fn a_profile_ends_when_its_client_goes() {
    let _turn = TURN.lock().await;
    let server = Server::new();
    let long = server.get_as_operator("/debug/pprof/profile?seconds=60&frequency=1");
    let given_up = tokio::time::timeout(Duration::from_millis(100), long).await;
    assert!(given_up.is_err());

    // The place is free as soon as the profiler has noticed.
    let next = tokio::time::timeout(PATIENCE / 2, async {
        loop {
            let answer = server
                .get_as_operator("/debug/pprof/profile?seconds=1")
                .await;
            if answer.status != 409 {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    });

    assert_eq!(next.await.unwrap().status, 200);
}

/// The name of the thread that works.
const THREAD: &str = "busy-in-test";

/// A thread that uses as much CPU time as it gets.
struct Work {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<u64>>,
}

impl Work {
    fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name(THREAD.to_owned())
            .spawn(move || spend_time(&stopped))
            .expect("a thread starts");
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(ended.is_some_and(|ended| ended.is_ok()));
    }
}

#[inline(never)]
fn spend_time(stop: &AtomicBool) -> u64 {
    let mut number = 1_u64;
    while !stop.load(Ordering::Relaxed) {
        number = black_box(
            number
                .wrapping_mul(6_364_136_223_846_793_005)
                .rotate_left(7),
        );
    }
    number
}

// The part of pprof's `profile.proto` that these tests look at.

#[derive(Clone, PartialEq, Message)]
struct Profile {
    #[prost(message, repeated, tag = "2")]
    sample: Vec<Sample>,
    #[prost(message, repeated, tag = "4")]
    location: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    function: Vec<Function>,
    #[prost(string, repeated, tag = "6")]
    string_table: Vec<String>,
    #[prost(int64, tag = "10")]
    duration_nanos: i64,
    #[prost(int64, tag = "12")]
    period: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    #[prost(uint64, repeated, tag = "1")]
    location_id: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    value: Vec<i64>,
    #[prost(message, repeated, tag = "3")]
    label: Vec<Label>,
}

#[derive(Clone, PartialEq, Message)]
struct Label {
    #[prost(int64, tag = "1")]
    key: i64,
    #[prost(int64, tag = "2")]
    str: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Location {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(message, repeated, tag = "4")]
    line: Vec<Line>,
}

#[derive(Clone, PartialEq, Message)]
struct Line {
    #[prost(uint64, tag = "1")]
    function_id: u64,
}

#[derive(Clone, PartialEq, Message)]
struct Function {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
}

impl Profile {
    fn thread(&self, sample: &Sample) -> &str {
        let label = &sample.label[0];
        assert_eq!(self.text(label.key), "thread");
        self.text(label.str)
    }

    fn functions<'a>(&'a self, sample: &'a Sample) -> impl Iterator<Item = &'a str> {
        let locations = sample.location_id.iter().map(|id| {
            self.location
                .iter()
                .find(|one| one.id == *id)
                .expect("a location that is there")
        });
        locations.flat_map(|location| &location.line).map(|line| {
            let mut functions = self.function.iter();
            let function = functions.find(|one| one.id == line.function_id);
            self.text(function.expect("a function that is there").name)
        })
    }

    fn text(&self, index: i64) -> &str {
        let index = usize::try_from(index).expect("an index");
        &self.string_table[index]
    }
}
