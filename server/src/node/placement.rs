//! Which worker has which room, and where the next participant goes.
//!
//! 1. The first who joins or makes a room gets it a *home*, on the worker with the least to do.
//! 2. Further participants go there, until its share of the room is
//!    [full](Placement::new); then the room gets a segment on the worker with the least to do,
//!    and so on. A room on several workers grows evenly.
//! 3. A room loses its home when it closes.
//!
//! What a worker has to do is its measured load, and what it will have: participants that have come
//! a moment ago and do not show in the measurement, or do not send yet.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use proto::ids::RoomName;
use proto::link::SegmentId;

/// Load that each participant is expected to make, as a share of a worker. Higher spreads people
/// more evenly, lower follows the measurement more.
const LOAD_PER_PARTICIPANT: f64 = 0.001;
/// The same for one who came a moment ago: joining costs more than staying.
const LOAD_PER_NEWCOMER: f64 = 0.002;
/// What is left of the newcomers' load with each measurement.
const NEWCOMERS_DECAY: f64 = 0.9;

/// Rooms and loads of a node's workers.
#[derive(Debug, Clone)]
pub struct Placement(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    rooms: HashMap<RoomName, Placed>,
    workers: Vec<Load>,
    /// Participants of a room that a worker takes before the room gets another segment.
    segment_participants: usize,
}

#[derive(Debug)]
struct Placed {
    home: SegmentId,
    /// Whether its home has it: otherwise it is about to be opened.
    is_open: bool,
    /// Participants on each worker, and those about to join there.
    present: Vec<usize>,
    pending: Vec<usize>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Load {
    busy: f64,
    participants: usize,
    newcomers: f64,
}

impl Load {
    fn expected(&self) -> f64 {
        self.busy
            + self.participants as f64 * LOAD_PER_PARTICIPANT
            + self.newcomers * LOAD_PER_NEWCOMER
    }
}

/// A place in a room, kept until whoever it is for has come or was refused.
#[derive(Debug)]
pub struct Ticket {
    /// The worker that answers for the room.
    pub home: SegmentId,
    /// The worker to join at.
    pub at: SegmentId,
    room: RoomName,
    placement: Placement,
}

impl Placement {
    /// Makes one for so many workers, each of which takes up to `segment_participants` of a room
    /// before the room spreads.
    pub fn new(workers: usize, segment_participants: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            rooms: HashMap::new(),
            workers: vec![Load::default(); workers.max(1)],
            segment_participants: segment_participants.max(1),
        })))
    }

    /// The worker that answers for a room, if there is such a room.
    pub fn home_of(&self, room: &RoomName) -> Option<SegmentId> {
        self.0.lock().rooms.get(room).map(|placed| placed.home)
    }

    /// A place at the room's home, which it gets if it has none.
    pub fn place_at_home(&self, room: &RoomName) -> Ticket {
        self.ticket(room, |_, _, home| home)
    }

    /// A place for a participant.
    pub fn place(&self, room: &RoomName) -> Ticket {
        self.ticket(room, State::choose)
    }

    /// A place with a certain worker.
    pub fn place_at(&self, room: &RoomName, at: SegmentId) -> Ticket {
        self.ticket(room, |_, _, _| at)
    }

    fn ticket(
        &self,
        room: &RoomName,
        choose: impl FnOnce(&State, &RoomName, SegmentId) -> SegmentId,
    ) -> Ticket {
        let mut state = self.0.lock();
        let home = state.home_or_new(room);
        let at = choose(&state, room, home);
        if let Some(placed) = state.rooms.get_mut(room) {
            placed.pending[at.index()] += 1;
        }
        state.workers[at.index()].newcomers += 1.0;
        Ticket {
            home,
            at,
            room: room.clone(),
            placement: self.clone(),
        }
    }

    /// A room has opened at its home.
    pub fn room_opened(&self, home: SegmentId, room: &RoomName) {
        let mut state = self.0.lock();
        let workers = state.workers.len();
        let placed = state
            .rooms
            .entry(room.clone())
            .or_insert_with(|| Placed::new(home, workers));
        placed.is_open = true;
    }

    /// A room has closed at its home.
    pub fn room_closed(&self, room: &RoomName) {
        let mut state = self.0.lock();
        if let Some(placed) = state.rooms.get_mut(room) {
            placed.is_open = false;
        }
        state.forget_if_gone(room);
    }

    /// So many participants of a room are with a worker.
    pub fn present(&self, worker: SegmentId, room: &RoomName, count: usize) {
        let mut state = self.0.lock();
        let Some(placed) = state.rooms.get_mut(room) else {
            return;
        };
        let before = std::mem::replace(&mut placed.present[worker.index()], count);
        let load = &mut state.workers[worker.index()];
        load.participants = (load.participants + count).saturating_sub(before);
    }

    /// A worker was busy for this share of the time since it was last measured.
    pub fn measured(&self, worker: SegmentId, busy: f64) {
        let load = &mut self.0.lock().workers[worker.index()];
        load.busy = (load.busy + busy) / 2.0;
        load.newcomers *= NEWCOMERS_DECAY;
    }
}

impl Placed {
    fn new(home: SegmentId, workers: usize) -> Self {
        Self {
            home,
            is_open: false,
            present: vec![0; workers],
            pending: vec![0; workers],
        }
    }

    fn count(&self, worker: usize) -> usize {
        self.present[worker] + self.pending[worker]
    }
}

impl State {
    fn home_or_new(&mut self, room: &RoomName) -> SegmentId {
        if let Some(placed) = self.rooms.get(room) {
            return placed.home;
        }
        let home = self.least_loaded(|_| true).unwrap_or(SegmentId(0));
        let placed = Placed::new(home, self.workers.len());
        self.rooms.insert(room.clone(), placed);
        home
    }

    fn choose(&self, room: &RoomName, home: SegmentId) -> SegmentId {
        let Some(placed) = self.rooms.get(room).filter(|placed| placed.is_open) else {
            return home;
        };
        let has_segment = |worker: usize| worker == home.index() || placed.count(worker) > 0;
        let has_room = |worker: usize| placed.count(worker) < self.segment_participants;
        self.least_loaded(|worker| has_segment(worker) && has_room(worker))
            .or_else(|| self.least_loaded(|worker| !has_segment(worker)))
            .or_else(|| self.least_loaded(|_| true))
            .unwrap_or(home)
    }

    fn least_loaded(&self, is_meant: impl Fn(usize) -> bool) -> Option<SegmentId> {
        let loads = self.workers.iter().enumerate();
        let least = loads
            .filter(|(worker, _)| is_meant(*worker))
            .min_by(|(_, a), (_, b)| a.expected().total_cmp(&b.expected()))?;
        Some(SegmentId(least.0 as u16))
    }

    fn forget_if_gone(&mut self, room: &RoomName) {
        let is_gone = |placed: &Placed| !placed.is_open && placed.pending.iter().all(|n| *n == 0);
        if !self.rooms.get(room).is_some_and(is_gone) {
            return;
        }
        let Some(placed) = self.rooms.remove(room) else {
            return;
        };
        for (load, present) in self.workers.iter_mut().zip(placed.present) {
            load.participants = load.participants.saturating_sub(present);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.placement.0.lock();
        if let Some(placed) = state.rooms.get_mut(&self.room) {
            let pending = &mut placed.pending[self.at.index()];
            *pending = pending.saturating_sub(1);
        }
        state.forget_if_gone(&self.room);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> RoomName {
        RoomName::new(text).expect("a name")
    }

    /// Lets somebody join, and returns where.
    fn join(placement: &Placement, room: &RoomName) -> usize {
        let ticket = placement.place(room);
        if ticket.at == ticket.home {
            placement.room_opened(ticket.home, room);
        }
        let here = placement.0.lock().rooms[room].present[ticket.at.index()];
        placement.present(ticket.at, room, here + 1);
        ticket.at.index()
    }

    #[test]
    fn small_rooms_stay_whole_and_spread_over_workers() {
        let placement = Placement::new(2, 8);

        let homes: Vec<_> = ["a", "b", "c", "d"]
            .map(|room| {
                let places: Vec<_> = (0..5).map(|_| join(&placement, &name(room))).collect();
                assert!(places.iter().all(|at| *at == places[0]), "{places:?}");
                places[0]
            })
            .into();

        assert_eq!(homes, [0, 1, 0, 1]);
    }

    #[test]
    fn a_large_room_uses_all_workers_evenly() {
        let placement = Placement::new(4, 8);
        let mut counts = [0; 4];
        for _ in 0..1_000 {
            counts[join(&placement, &name("large"))] += 1;
        }

        assert_eq!(counts, [250; 4]);
    }

    #[test]
    fn a_busy_worker_is_spared() {
        let placement = Placement::new(2, 8);
        for _ in 0..8 {
            placement.measured(SegmentId(0), 0.5);
        }

        assert_eq!(join(&placement, &name("a")), 1);
        assert_eq!(join(&placement, &name("b")), 1);
    }

    #[test]
    fn a_room_keeps_its_home_while_somebody_is_about_to_join() {
        let placement = Placement::new(2, 8);
        let room = name("a");
        join(&placement, &room);
        let ticket = placement.place(&room);
        placement.present(ticket.home, &room, 0);
        placement.room_closed(&room);

        assert_eq!(placement.home_of(&room), Some(ticket.home));
        drop(ticket);
        assert_eq!(placement.home_of(&room), None);
        assert_eq!(placement.0.lock().workers[0].participants, 0);
    }
}
