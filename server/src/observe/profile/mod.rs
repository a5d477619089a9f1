//! What the process spends its CPU time on, for whoever asks at the operators' server.
//!
//! 1. A request names a length and a frequency, and takes the only place there is.
//! 2. A thread of its own starts a timer; each time the process has used that much CPU time, the
//!    thread that uses it notes its stack.
//! 3. When the time is over, or the client has gone, the timer stops.
//! 4. Names are looked up, and the answer is written: for pprof's tools or as a picture.

mod flame_graph;
mod message;
mod name;
mod record;

use std::io;
use std::ops::RangeInclusive;

use axum::Router;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use proto::api::ProblemKind;
use serde::Deserialize;
use tokio::sync::Semaphore;

use crate::api::Failure;

use message::Profile;
use record::{Wanted, record};

/// `/debug/pprof/profile` and `/debug/pprof/flamegraph`: the paths that tools for pprof know.
pub(super) fn routes() -> Router {
    Router::new()
        .route("/debug/pprof/profile", get(read_profile))
        .route("/debug/pprof/flamegraph", get(read_flame_graph))
}

async fn read_profile(asked: Result<Query<Asked>, QueryRejection>) -> Result<Response, Refusal> {
    let profile = take(asked, |profile| Ok(message::encode(profile))).await?;
    let headers = [
        (CONTENT_TYPE, "application/octet-stream"),
        (CONTENT_DISPOSITION, "attachment; filename=\"plenary.pb\""),
    ];
    Ok((headers, profile).into_response())
}

async fn read_flame_graph(
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Refusal> {
    let svg = take(asked, flame_graph::draw).await?;
    Ok(([(CONTENT_TYPE, "image/svg+xml")], svg).into_response())
}

/// The query, as it came.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    seconds: Option<String>,
    frequency: Option<String>,
}

impl Asked {
    fn check(&self) -> Result<Wanted, Refusal> {
        Ok(Wanted {
            seconds: within("seconds", self.seconds.as_deref(), SECONDS, DEFAULT_SECONDS)?,
            frequency_hz: within(
                "frequency",
                self.frequency.as_deref(),
                FREQUENCY_HZ,
                DEFAULT_FREQUENCY_HZ,
            )?,
        })
    }
}

/// Lengths of a profile. A longer one says little more, and holds memory for every stack it meets.
const SECONDS: RangeInclusive<u16> = 1..=60;
const DEFAULT_SECONDS: u16 = 10;

/// Samples for each second of CPU time. Linux takes them at its ticks, and has 1,000 a second at most.
const FREQUENCY_HZ: RangeInclusive<u16> = 1..=999;
/// As Linux' perf has it: not 100, which would keep in step with timers of the program.
const DEFAULT_FREQUENCY_HZ: u16 = 99;

fn within(
    name: &str,
    text: Option<&str>,
    range: RangeInclusive<u16>,
    default: u16,
) -> Result<u16, Refusal> {
    let Some(text) = text else {
        return Ok(default);
    };
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| {
        let (first, last) = range.into_inner();
        Refusal::Malformed(format!(
            "{name} must be a whole number from {first} to {last}"
        ))
    })
}

/// One at a time: a process has one timer of this sort, and one handler for its signal.
static PLACE: Semaphore = Semaphore::const_new(1);

/// Takes a profile and writes it down. Ends it early if it is no longer waited for.
async fn take(
    asked: Result<Query<Asked>, QueryRejection>,
    write: fn(&Profile) -> io::Result<Vec<u8>>,
) -> Result<Vec<u8>, Refusal> {
    let Query(asked) = asked.map_err(|error| Refusal::Malformed(error.body_text()))?;
    let wanted = asked.check()?;
    let place = PLACE.try_acquire().map_err(|_| Refusal::Busy)?;
    tracing::info!(
        seconds = wanted.seconds,
        frequency = wanted.frequency_hz,
        "profiling"
    );
    // Nothing is ever sent: the other end learns that this one is gone, with the client.
    let (waiting, abandoned) = crossbeam_channel::bounded(0);
    let taken = tokio::task::spawn_blocking(move || {
        let _place = place;
        let Some(profile) = record(wanted, &abandoned)? else {
            return Ok(Vec::new());
        };
        Ok(write(&profile)?)
    })
    .await;
    drop(waiting);
    match taken {
        Ok(Ok(written)) => Ok(written),
        Ok(Err(error)) => Err(Refusal::Failed(error)),
        Err(panic) => Err(Refusal::Failed(io::Error::other(panic).into())),
    }
}

/// Why there is no profile.
#[derive(Debug)]
enum Refusal {
    /// The query cannot be read or is out of range.
    Malformed(String),
    /// Another one is being taken.
    Busy,
    /// We failed.
    Failed(pprof::Error),
}

/// Seconds after which another profile is usually done.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("10");

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Malformed(detail) => {
                Failure::new(ProblemKind::MalformedRequest, detail).into_response()
            }
            Self::Busy => {
                let detail = "a profile is being taken already, and there is only one at a time";
                let failure = Failure::new(ProblemKind::Conflict, detail);
                ([(RETRY_AFTER, RETRY_SECONDS)], failure).into_response()
            }
            Self::Failed(error) => {
                tracing::warn!(%error, "cannot take a profile");
                let detail = format!(
                    "{error}; the server must be able to write to the folder for temporary files, \
                     and be restarted if it was not"
                );
                Failure::new(ProblemKind::Internal, detail).into_response()
            }
        }
    }
}
