//! The program against servers that are broken on purpose: its report must name what is wrong.
//!
//! A [`relay`] between `plenary-load` and a real `plenary` breaks the media of one participant;
//! [`impostor`]s are no servers at all. Both programs are the real binaries.

mod impostor;
mod program;
mod relay;
mod server;

use std::time::Duration;

use loadtest::report::{Finding, Report};
use program::{Run, plenary_load};
use relay::{Fault, Relay};
use server::Server;

/// The one whose media is broken.
const VICTIM: &str = "r0-p1";
/// The room of a run with [`program::SEED`].
const ROOM: &str = "load-7-0";

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_breaks_nothing_is_not_blamed() {
    let run = run_behind(Fault::Nothing).await;

    for kind in ["loss", "wrong-person", "wrong-order", "foreign-packet"] {
        assert_eq!(run.report.findings_by_kind.get(kind), None, "{run:?}");
    }
    assert_eq!(run.report.totals.joined, 3, "{run:?}");
    assert_eq!(run.report.totals.subscriptions_silent, 0, "{run:?}");
    assert!(run.report.decoded.pictures_right > 0, "{run:?}");
    assert_eq!(
        run.report.decoded.pictures,
        run.report.decoded.pictures_right
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn names_who_loses_every_fiftieth_packet() {
    let run = run_behind(Fault::DropEveryFiftieth).await;

    let lost = findings(&run.report, "loss");
    assert!(
        lost.iter().any(|finding| is_of_victim(finding, "camera")),
        "{run:?}"
    );
    assert!(
        lost.iter()
            .any(|finding| is_of_victim(finding, "microphone")),
        "{run:?}"
    );
    assert!(
        lost.iter().all(|finding| finding.participant == VICTIM),
        "{run:?}"
    );
    assert!(!holds(&run.report, "loss_percent"), "{run:?}");
    assert_eq!(run.exit_code, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_whose_publishers_are_swapped() {
    let run = run_behind(Fault::SwapPublishers).await;

    let wrong = findings(&run.report, "wrong-person");
    for publisher in ["r0-p0", "r0-p2"] {
        let track = format!("{publisher} camera");
        let is_named = |finding: &&&Finding| finding.track.as_ref() == Some(&track);
        assert!(
            wrong.iter().any(|finding| is_named(&finding)),
            "{track}: {run:?}"
        );
    }
    assert!(
        wrong.iter().all(|finding| is_of_victim(finding, "camera")),
        "{run:?}"
    );
    assert!(!holds(&run.report, "wrong"), "{run:?}");
    assert_eq!(run.exit_code, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_which_picture_froze_for_a_second() {
    let run = run_behind(Fault::FreezeCamera).await;

    let frozen = findings(&run.report, "freeze");
    let is_the_fault = |finding: &&&Finding| {
        let seconds = number(&finding.what);
        is_of_victim(finding, "camera") && finding.second >= 6 && (0.9..3.0).contains(&seconds)
    };
    assert!(
        frozen.iter().any(|finding| is_the_fault(&finding)),
        "{run:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn names_whose_sound_is_late() {
    let run = run_behind(Fault::DelayAudio).await;

    let apart = findings(&run.report, "out-of-step");
    let is_late = |finding: &&&Finding| {
        let is_the_victims = finding.track.as_deref() == Some(VICTIM);
        let is_late = (150.0..400.0).contains(&number(&finding.what));
        is_the_victims && is_late && finding.what.starts_with("sound comes")
    };
    for listener in ["r0-p0", "r0-p2"] {
        let late = apart.iter().filter(is_late);
        let count = late
            .filter(|finding| finding.participant == listener)
            .count();
        assert!(count >= 3, "{listener}: {run:?}");
    }
    assert!(!holds(&run.report, "out_of_step_s"), "{run:?}");
    assert_eq!(run.exit_code, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_told_for_each_participant() {
    let run = plenary_load("ws://127.0.0.1:9", None, &[]).await;

    assert_each_fails(&run, "join-failed", "refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_told_in_the_servers_words() {
    let server = Server::start().await;

    let wrong = (
        "APIwrong".to_owned(),
        "not the secret of this server".to_owned(),
    );
    let run = plenary_load(&server.url(), Some(&wrong), &[]).await;

    assert_each_fails(&run, "join-failed", "401");
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_told_and_ends_the_run() {
    for url in [impostor::babbling().await, impostor::hanging_up().await] {
        let run = plenary_load(&url, None, &[]).await;

        let report = &run.report;
        assert_eq!(report.totals.join_failures, 3, "{run:?}");
        let kinds: u64 = ["nonsense", "join-failed"]
            .iter()
            .filter_map(|kind| report.findings_by_kind.get(*kind))
            .sum();
        assert_eq!(kinds, 3, "{run:?}");
        assert_eq!(run.exit_code, Some(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_nothing_is_given_up() {
    let run = plenary_load(&impostor::silent().await, None, &[]).await;

    // The last to come has been waiting for less than the deadline when the run ends.
    assert_each_fails(&run, "join-failed", "no connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_vanishes_is_told_for_each_participant() {
    let server = Server::start().await;
    let deleting = {
        let server = server.clone();
        tokio::spawn(async move {
            wait_until_all_are_in(&server).await;
            server.delete_room(ROOM).await;
        })
    };

    let run = plenary_load(&server.url(), Some(&server.key), &[]).await;

    deleting.await.expect("the room is deleted");
    assert_eq!(
        run.report.findings_by_kind.get("removed"),
        Some(&3),
        "{run:?}"
    );
    assert_eq!(run.report.totals.disconnects, 3, "{run:?}");
    assert_eq!(run.exit_code, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_is_told_for_each_participant() {
    let server = Server::start().await;
    let killing = {
        let server = server.clone();
        tokio::spawn(async move {
            wait_until_all_are_in(&server).await;
            server.kill();
        })
    };

    let run = plenary_load(&server.url(), Some(&server.key), &[]).await;

    killing.await.expect("the server is killed");
    let aborted = run.report.aborted.as_deref();
    assert_eq!(aborted, Some("no participant is left"), "{run:?}");
    assert_eq!(run.report.totals.disconnects, 3, "{run:?}");
    assert_eq!(run.exit_code, Some(1));
}

/// All have announced their tracks, and then had time to connect: the server does not tell whether
/// they know that they are.
async fn wait_until_all_are_in(server: &Server) {
    server.wait_for_publishers(ROOM, 3).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
}

/// Runs a small room in which the victim's media goes through a relay with a fault.
async fn run_behind(fault: Fault) -> Run {
    let server = Server::start().await;
    let relay = Relay::start(&server, VICTIM, fault).await;
    plenary_load(&relay.url(), Some(&server.key), &[]).await
}

fn assert_each_fails(run: &Run, kind: &str, what: &str) {
    let all = findings(&run.report, kind);
    let mut who: Vec<&str> = all
        .iter()
        .map(|finding| finding.participant.as_str())
        .collect();
    who.sort_unstable();
    assert_eq!(who, ["r0-p0", "r0-p1", "r0-p2"], "{run:?}");
    assert!(
        all.iter().all(|finding| finding.what.contains(what)),
        "{run:?}"
    );
    assert_eq!(run.report.totals.join_failures, 3, "{run:?}");
    assert_eq!(run.exit_code, Some(1));
}

fn findings<'a>(report: &'a Report, kind: &str) -> Vec<&'a Finding> {
    let all = report.findings.iter();
    all.filter(|finding| finding.kind == kind).collect()
}

/// The first number in a text.
fn number(text: &str) -> f64 {
    let mut words = text.split(' ');
    words.find_map(|word| word.parse().ok()).expect("a number")
}

fn is_of_victim(finding: &Finding, source: &str) -> bool {
    let track = finding.track.as_deref().unwrap_or_default();
    finding.participant == VICTIM && track.ends_with(source)
}

fn holds(report: &Report, bar: &str) -> bool {
    let bar = report.bars.iter().find(|own| own.name == bar);
    bar.expect("a bar of this name").held
}
