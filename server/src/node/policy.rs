//! Rooms that record themselves.
//!
//! 1. Workers tell who is in the rooms that are to, and never wait: what is told of a room replaces what
//!    was told before.
//! 2. A task begins a recording when somebody has come, and tries again if it could not.
//! 3. The recording ends with its room, or when nobody has been there for a while. Stopped by somebody,
//!    it is not begun again before everyone has left.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mixer::recording::{Choice, State};
use parking_lot::Mutex;
use proto::api::StartRecording;
use proto::ids::{RecordingSid, RoomName};
use tokio::sync::Notify;

use super::{Node, NodeError};
use crate::clock;
use crate::engine::Attendance;
use crate::recorder::{Recordings, ask};

/// How long a recording goes on in an empty room that does not close before. Longer joins meetings that
/// follow each other, shorter saves the work of a composite with nobody in it.
const VACANCY: Duration = Duration::from_secs(60);
/// How long after a recording could not begin the next try is, unless somebody joins before; each further
/// one is after twice the time.
const FIRST_RETRY: Duration = Duration::from_secs(10);
/// Longest time between tries.
const LAST_RETRY: Duration = Duration::from_secs(300);
/// How often it is looked whether recordings have ended by themselves.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// The recordings of all rooms of a node that record themselves; cheap to clone. There are no more than
/// there are rooms.
#[derive(Debug, Clone, Default)]
pub struct Policies(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    rooms: Mutex<BTreeMap<RoomName, Kept>>,
    /// Rings when there may be something to do.
    changed: Notify,
    /// Recordings that could not begin, by reason.
    failures: Mutex<BTreeMap<&'static str, u64>>,
}

/// A room that records itself.
#[derive(Debug, Default)]
struct Kept {
    attendance: Attendance,
    running: Option<RecordingSid>,
    /// Since when there has been nobody.
    empty_since: Option<Instant>,
    /// The gathering in which somebody has stopped the recording.
    stopped_in: Option<u64>,
    /// Set while a recording is wanted and cannot be had.
    retry: Option<Retry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Retry {
    at: Instant,
    wait: Duration,
    /// Arrivals when it was tried last.
    arrivals: u64,
}

impl Policies {
    /// Takes what a worker tells of a room.
    pub(crate) fn attended(&self, now: Instant, room: RoomName, attendance: Attendance) {
        let mut rooms = self.0.rooms.lock();
        let kept = rooms.entry(room.clone()).or_default();
        kept.attend(now, attendance);
        if kept.is_idle() {
            rooms.remove(&room);
        }
        drop(rooms);
        self.0.changed.notify_one();
    }

    /// A room has closed, and what was recorded of it has ended.
    pub(crate) fn room_closed(&self, room: &RoomName) {
        self.0.rooms.lock().remove(room);
    }

    /// Somebody has stopped a recording.
    pub(super) fn stopped(&self, id: &RecordingSid) {
        let mut rooms = self.0.rooms.lock();
        let mut all = rooms.values_mut();
        if let Some(kept) = all.find(|kept| kept.running.as_ref() == Some(id)) {
            kept.note_end(clock::now(), State::Done);
        }
    }

    /// How often a recording could not begin, by reason.
    pub(super) fn failures(&self) -> BTreeMap<&'static str, u64> {
        self.0.failures.lock().clone()
    }

    /// Looks after the recordings until the node stops.
    pub(super) async fn keep(self, node: Node) {
        while node.is_ready() {
            let now = clock::now();
            self.look(now, node.recordings());
            match self.next(now) {
                Step::Begin(room, ask, sid) => self.begin(&node, &room, &ask, &sid).await,
                Step::End(room, id) => end(&node, &room, &id).await,
                Step::Wait(at) => self.wait(now, at).await,
            }
        }
    }

    /// Finds the recordings that have ended.
    fn look(&self, now: Instant, recordings: &Recordings) {
        for kept in self.0.rooms.lock().values_mut() {
            if let Some(state) = kept.running.as_ref().and_then(|id| recordings.ended(id)) {
                kept.note_end(now, state);
            }
        }
    }

    /// What is to be done now, or when to look again.
    fn next(&self, now: Instant) -> Step {
        let mut soonest = None;
        for (room, kept) in self.0.rooms.lock().iter_mut() {
            match kept.next(now) {
                Next::Begin(ask) => {
                    let sid = kept.attendance.room_sid.clone();
                    return Step::Begin(room.clone(), Box::new(ask), sid);
                }
                Next::End(id) => return Step::End(room.clone(), id),
                Next::Wait(at) => soonest = [soonest, at].into_iter().flatten().min(),
            }
        }
        Step::Wait(soonest)
    }

    async fn wait(&self, now: Instant, at: Option<Instant>) {
        let changed = self.0.changed.notified();
        match at {
            // Either way there is another look.
            Some(at) => {
                let span = at.saturating_duration_since(now);
                _ = tokio::time::timeout(span, changed).await;
            }
            None => changed.await,
        }
    }

    async fn begin(&self, node: &Node, room: &RoomName, ask: &StartRecording, sid: &str) {
        let begun = match ask::composite(ask) {
            Ok(composite) => node.record(room, Choice::default(), composite).await,
            Err(bad) => Err(NodeError::Internal(bad.to_string())),
        };
        match begun {
            Ok(id) if self.note_begun(room, sid, &id) => {}
            // It is another room of this name by now, or none.
            Ok(id) => end(node, room, &id).await,
            Err(error) => self.note_failure(room, sid, &error),
        }
    }

    /// Returns whether the room is still there.
    fn note_begun(&self, room: &RoomName, sid: &str, id: &RecordingSid) -> bool {
        let mut rooms = self.0.rooms.lock();
        let kept = rooms.get_mut(room);
        let kept = kept.filter(|kept| kept.attendance.room_sid == sid);
        kept.map(|kept| kept.running = Some(id.clone())).is_some()
    }

    fn note_failure(&self, room: &RoomName, sid: &str, error: &NodeError) {
        if let Some(kept) = self.0.rooms.lock().get_mut(room)
            && kept.attendance.room_sid == sid
        {
            kept.retry_later(clock::now());
        }
        // Then there is nothing to record any more.
        if matches!(error, NodeError::RoomNotFound | NodeError::ShuttingDown) {
            return;
        }
        tracing::error!(%room, %error, "a room that records itself is not recorded");
        let mut failures = self.0.failures.lock();
        *failures.entry(reason(error)).or_default() += 1;
    }
}

/// What is to be done.
#[derive(Debug)]
enum Step {
    /// A recording of a room is to begin, in the life that has this id.
    Begin(RoomName, Box<StartRecording>, String),
    /// A recording of a room is to end.
    End(RoomName, RecordingSid),
    /// Nothing before this, if nothing happens.
    Wait(Option<Instant>),
}

/// What is to be done for a room.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Next {
    /// Begin this recording.
    Begin(StartRecording),
    /// End this one.
    End(RecordingSid),
    /// Nothing before this, if nothing happens.
    Wait(Option<Instant>),
}

impl Kept {
    fn attend(&mut self, now: Instant, attendance: Attendance) {
        if self.attendance.room_sid != attendance.room_sid {
            // What was recorded of the room before this has ended with it.
            *self = Self::default();
        }
        if self.attendance.gatherings != attendance.gatherings {
            self.retry = None;
        }
        if attendance.recording.is_none() {
            // What is asked for anew begins anew.
            self.stopped_in = None;
        }
        self.empty_since = match attendance.is_attended {
            true => None,
            false => self.empty_since.or(Some(now)),
        };
        self.attendance = attendance;
    }

    /// Whether there is nothing to remember.
    fn is_idle(&self) -> bool {
        self.attendance.recording.is_none() && self.running.is_none()
    }

    /// What is to be done now. What is to end is not remembered any more.
    fn next(&mut self, now: Instant) -> Next {
        if self.running.is_some() {
            let ends_at = self.empty_since.map(|since| since + VACANCY);
            if ends_at.is_some_and(|at| at <= now)
                && let Some(id) = self.running.take()
            {
                return Next::End(id);
            }
            let look = now + LOOK_INTERVAL;
            return Next::Wait(Some(ends_at.map_or(look, |at| at.min(look))));
        }
        let attendance = &self.attendance;
        let Some(ask) = &attendance.recording else {
            return Next::Wait(None);
        };
        if !attendance.is_attended || self.stopped_in == Some(attendance.gatherings) {
            return Next::Wait(None);
        }
        match &self.retry {
            Some(retry) if retry.at > now && retry.arrivals == attendance.arrivals => {
                Next::Wait(Some(retry.at))
            }
            Some(_) | None => Next::Begin(ask.clone()),
        }
    }

    /// The recording has ended before everyone has left.
    fn note_end(&mut self, now: Instant, state: State) {
        self.running = None;
        match state {
            State::DiskFull | State::Failed => self.retry_later(now),
            State::Done
            | State::Recovered
            | State::Recording
            | State::Paused
            | State::Finalizing => {
                let gathering = self.attendance.gatherings;
                self.stopped_in = self.attendance.recording.as_ref().map(|_| gathering);
            }
        }
    }

    fn retry_later(&mut self, now: Instant) {
        let twice = |before: Retry| (before.wait * 2).min(LAST_RETRY);
        let wait = self.retry.map_or(FIRST_RETRY, twice);
        self.retry = Some(Retry {
            at: now + wait,
            wait,
            arrivals: self.attendance.arrivals,
        });
    }
}

async fn end(node: &Node, room: &RoomName, id: &RecordingSid) {
    if let Err(error) = node.end_recording(room, id).await {
        // It ends with its room.
        tracing::debug!(recording = %id, %error, "a recording of an empty room goes on");
    }
}

/// Why a recording could not begin, in a word or two.
fn reason(error: &NodeError) -> &'static str {
    match error {
        NodeError::InsufficientStorage(_) => "no_space",
        NodeError::LimitExceeded(_) => "too_many",
        NodeError::Overloaded => "overloaded",
        NodeError::RoomNotFound
        | NodeError::ParticipantNotFound
        | NodeError::Conflict(_)
        | NodeError::ShuttingDown
        | NodeError::RecordingNotFound(_)
        | NodeError::MixNotFound
        | NodeError::StoreUnavailable(_)
        | NodeError::Internal(_) => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn told(is_attended: bool, gatherings: u64, arrivals: u64) -> Attendance {
        Attendance {
            room_sid: "RM_1".to_owned(),
            recording: Some(StartRecording::default()),
            is_attended,
            gatherings,
            arrivals,
        }
    }

    fn running(now: Instant) -> (Kept, RecordingSid) {
        let mut kept = Kept::default();
        kept.attend(now, told(true, 1, 1));
        assert_eq!(kept.next(now), Next::Begin(StartRecording::default()));
        let id = RecordingSid::parse("RC_aQ3kXbW7cT9z").expect("an id");
        kept.running = Some(id.clone());
        (kept, id)
    }

    #[test]
    fn a_recording_outlasts_a_short_vacancy_and_ends_in_a_long_one() {
        let now = clock::now();
        let (mut kept, id) = running(now);

        kept.attend(now, told(false, 1, 1));
        let wait = kept.next(now + VACANCY - SECOND / 2);
        assert_eq!(wait, Next::Wait(Some(now + VACANCY)));
        kept.attend(now + VACANCY, told(true, 2, 2));
        let look = now + VACANCY + LOOK_INTERVAL;
        assert_eq!(kept.next(now + VACANCY), Next::Wait(Some(look)));
        kept.attend(now + 2 * VACANCY, told(false, 2, 2));
        assert_eq!(kept.next(now + 3 * VACANCY), Next::End(id));
        assert_eq!(kept.next(now + 3 * VACANCY), Next::Wait(None));

        kept.attend(now + 4 * VACANCY, told(true, 3, 3));
        let begin = Next::Begin(StartRecording::default());
        assert_eq!(kept.next(now + 4 * VACANCY), begin);
    }

    #[test]
    fn what_somebody_has_stopped_begins_again_when_everyone_has_left() {
        let now = clock::now();
        let (mut kept, _) = running(now);

        kept.note_end(now, State::Done);
        kept.attend(now, told(true, 1, 2));
        assert_eq!(kept.next(now + LAST_RETRY), Next::Wait(None));
        kept.attend(now, told(true, 2, 3));

        assert_eq!(kept.next(now), Next::Begin(StartRecording::default()));
    }

    #[test]
    fn what_cannot_begin_is_tried_again_with_the_next_who_joins_and_from_time_to_time() {
        let now = clock::now();
        let mut kept = Kept::default();
        kept.attend(now, told(true, 1, 1));
        let begin = Next::Begin(StartRecording::default());

        kept.retry_later(now);
        assert_eq!(kept.next(now), Next::Wait(Some(now + FIRST_RETRY)));
        assert_eq!(kept.next(now + FIRST_RETRY), begin);
        kept.retry_later(now);
        assert_eq!(kept.next(now), Next::Wait(Some(now + 2 * FIRST_RETRY)));
        kept.attend(now, told(true, 1, 2));
        assert_eq!(kept.next(now), begin);
        for _ in 0..100 {
            kept.retry_later(now);
        }
        assert_eq!(kept.next(now), Next::Wait(Some(now + LAST_RETRY)));
    }

    #[test]
    fn a_recording_that_fails_is_tried_again() {
        let now = clock::now();
        let (mut kept, _) = running(now);

        kept.note_end(now, State::DiskFull);

        assert_eq!(kept.next(now), Next::Wait(Some(now + FIRST_RETRY)));
    }

    #[test]
    fn another_life_of_a_room_has_nothing_of_the_one_before() {
        let now = clock::now();
        let (mut kept, _) = running(now);
        kept.note_end(now, State::Done);

        let room_sid = "RM_2".to_owned();
        kept.attend(
            now,
            Attendance {
                room_sid,
                ..told(true, 1, 1)
            },
        );

        assert_eq!(kept.next(now), Next::Begin(StartRecording::default()));
    }
}
