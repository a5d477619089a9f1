//! A plan: who does what when. The same scenario and seed give the same plan.

use std::collections::HashMap;
use std::time::Duration;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

use super::{Layout, Scenario, Tile};
use crate::report::PlanSummary;

/// After the last join, before bars are held: first pictures and keyframes take a moment.
const SETTLE: Duration = Duration::from_secs(3);

/// Who does what when. Times are from the start of the run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The scenario it was made from.
    pub scenario: Scenario,
    /// What it was made with.
    pub seed: u64,
    /// Everybody, in the order of joining.
    pub participants: Vec<Part>,
    /// When bars begin to be held.
    pub steady_from: Duration,
    /// When the run ends.
    pub end: Duration,
    publishers: HashMap<String, u16>,
    rooms: Vec<Vec<Publisher>>,
}

/// What one participant does.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its room's number.
    pub room: usize,
    /// Unique in the run.
    pub identity: String,
    /// Its number as a publisher, if it is one.
    pub publisher: Option<u16>,
    /// Whether it publishes a camera.
    pub video: bool,
    /// Whether it publishes a microphone.
    pub audio: bool,
    /// Whom it watches, and how large.
    pub layout: Layout,
    /// When it joins.
    pub join_at: Duration,
    /// What it does later, in order.
    pub turns: Vec<(Duration, Turn)>,
}

/// A change of a participant's presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It leaves.
    Leave,
    /// It joins again.
    Return,
    /// Its signalling connection breaks, and it resumes.
    Reconnect,
}

/// One who publishes.
#[derive(Debug, Clone)]
pub struct Publisher {
    /// Its number in the run.
    pub number: u16,
    /// Who it is.
    pub identity: String,
    /// Whether it has a camera.
    pub video: bool,
    /// Whether it has a microphone.
    pub audio: bool,
}

impl Plan {
    /// Makes a plan. Identities begin with `prefix`, so that two testers can share a server.
    pub fn new(scenario: Scenario, seed: u64, prefix: &str) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut participants = Vec::new();
        let mut rooms = vec![Vec::new(); scenario.rooms];
        let mut next_publisher = 0_u16;
        for (room, publishers) in rooms.iter_mut().enumerate() {
            let mut index = 0;
            for group in &scenario.groups {
                for _ in 0..group.count {
                    let identity = format!("{prefix}r{room}-p{index}");
                    index += 1;
                    let publisher = group.publishes().then_some(next_publisher);
                    if let Some(number) = publisher {
                        next_publisher += 1;
                        publishers.push(Publisher {
                            number,
                            identity: identity.clone(),
                            video: group.video,
                            audio: group.audio,
                        });
                    }
                    participants.push(Part {
                        room,
                        identity,
                        publisher,
                        video: group.video,
                        audio: group.audio,
                        layout: group.layout,
                        join_at: Duration::ZERO,
                        turns: Vec::new(),
                    });
                }
            }
        }
        // Publishers come first: the others then have something to see from their first moment.
        participants.shuffle(&mut rng);
        participants.sort_by_key(|part| part.publisher.is_none());
        let gap = 1.0 / scenario.join_rate;
        for (place, part) in participants.iter_mut().enumerate() {
            let jitter: f64 = rng.random_range(0.0..1.0);
            part.join_at = Duration::from_secs_f64((place as f64 + jitter) * gap);
        }
        let last = participants
            .last()
            .map_or(Duration::ZERO, |part| part.join_at);
        let steady_from = last + SETTLE;
        let end = steady_from + Duration::from_secs_f64(scenario.duration_s);
        let publishers = rooms
            .iter()
            .flatten()
            .map(|publisher| (publisher.identity.clone(), publisher.number))
            .collect();
        let mut plan = Self {
            scenario,
            seed,
            participants,
            steady_from,
            end,
            publishers,
            rooms,
        };
        plan.churn(&mut rng);
        plan
    }

    /// The publisher with this identity.
    pub fn publisher(&self, identity: &str) -> Option<u16> {
        self.publishers.get(identity).copied()
    }

    /// Those who publish in a room.
    pub fn publishers_of(&self, room: usize) -> &[Publisher] {
        self.rooms.get(room).map_or(&[], Vec::as_slice)
    }

    /// Whether the publisher in this place of its room's list speaks at a time.
    pub fn speaks(&self, room: usize, place: usize, at: Duration) -> bool {
        let count = self.publishers_of(room).len();
        let audio = &self.scenario.audio;
        if count == 0 || audio.speakers == 0 {
            return false;
        }
        let turn = (at.as_secs_f64() / audio.rotate_s) as usize;
        let first = (turn * audio.speakers) % count;
        (place + count - first) % count < audio.speakers
    }

    /// Whom a participant watches at a time, and how large; a publisher without a tile is hidden.
    /// Whoever speaks has the first place, the others follow from the one who watches on, so
    /// that not everybody watches the same.
    pub fn window(&self, part: &Part, at: Duration) -> Vec<(u16, Option<Tile>)> {
        let publishers = self.publishers_of(part.room);
        let cameras: Vec<(usize, &Publisher)> = publishers
            .iter()
            .enumerate()
            .filter(|(_, publisher)| publisher.video && Some(publisher.number) != part.publisher)
            .collect();
        if cameras.is_empty() {
            return Vec::new();
        }
        let own = part.publisher.map_or(0, usize::from);
        let (mut order, others): (Vec<&Publisher>, Vec<&Publisher>) = (
            cameras
                .iter()
                .filter(|(place, _)| self.speaks(part.room, *place, at))
                .map(|(_, publisher)| *publisher)
                .collect(),
            cameras
                .iter()
                .cycle()
                .skip(own % cameras.len())
                .take(cameras.len())
                .filter(|(place, _)| !self.speaks(part.room, *place, at))
                .map(|(_, publisher)| *publisher)
                .collect(),
        );
        order.extend(others);
        order
            .iter()
            .enumerate()
            .map(|(place, publisher)| (publisher.number, part.layout.tile(place)))
            .collect()
    }

    /// The first whole second of the steady time.
    pub fn first_steady_second(&self) -> u32 {
        self.steady_from.as_secs_f64().ceil() as u32
    }

    /// The encoding that most cameras are watched in: the smallest that fills the tile.
    pub fn most_watched_encoding(&self) -> usize {
        let encodings = &self.scenario.video.encodings;
        let mut counts = vec![0_usize; encodings.len()];
        for part in &self.participants {
            let tiles = self.window(part, self.steady_from).into_iter();
            for tile in tiles.filter_map(|(_, tile)| tile) {
                let fills = encodings.iter().position(|one| one.height >= tile.height);
                if let Some(count) = counts.get_mut(fills.unwrap_or(encodings.len() - 1)) {
                    *count += 1;
                }
            }
        }
        let most = counts.iter().enumerate().max_by_key(|(_, count)| **count);
        most.map_or(0, |(encoding, _)| encoding)
    }

    /// What it comes to.
    pub fn summary(&self) -> PlanSummary {
        let all = self.rooms.iter().flatten();
        let tracks = all.map(|one| usize::from(one.video) + usize::from(one.audio));
        let subscriptions = self.participants.iter().map(|part| {
            let others = self
                .publishers_of(part.room)
                .iter()
                .filter(|publisher| Some(publisher.number) != part.publisher);
            let cameras = others.clone().filter(|publisher| publisher.video).count();
            let microphones = others.filter(|publisher| publisher.audio).count();
            part.layout.shown(cameras) + microphones
        });
        PlanSummary {
            rooms: self.rooms.len(),
            participants: self.participants.len(),
            publishers: self.publishers.len(),
            tracks: tracks.sum(),
            subscriptions: subscriptions.sum(),
        }
    }

    /// Spreads leaving, coming back and reconnecting over the steady time.
    fn churn(&mut self, rng: &mut ChaCha20Rng) {
        let churn = self.scenario.churn.clone();
        let absence = Duration::from_secs_f64(churn.absence_s.max(0.5));
        let length = (self.end - self.steady_from).as_secs_f64();
        // Nobody is asked for a second change before the first is well over.
        let pause = absence + Duration::from_secs(8);
        let mut free_at = vec![self.steady_from; self.participants.len()];
        for (rate, is_leave) in [
            (churn.leaves_per_second, true),
            (churn.reconnects_per_second, false),
        ] {
            for index in 0..(rate * length) as usize {
                let at = self.steady_from + Duration::from_secs_f64(index as f64 / rate);
                let place = rng.random_range(0..self.participants.len());
                if free_at[place] > at || at + pause > self.end {
                    continue;
                }
                free_at[place] = at + pause;
                let turns = &mut self.participants[place].turns;
                if is_leave {
                    turns.push((at, Turn::Leave));
                    turns.push((at + absence, Turn::Return));
                } else {
                    turns.push((at, Turn::Reconnect));
                }
            }
        }
        for part in &mut self.participants {
            part.turns.sort_by_key(|(at, _)| *at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::shipped;

    fn plan(name: &str, seed: u64) -> Plan {
        let text = shipped(name).expect("shipped");
        Plan::new(Scenario::parse(text).expect("right"), seed, "")
    }

    #[test]
    fn the_same_seed_gives_the_same_plan() {
        let (one, two, three) = (plan("churn", 7), plan("churn", 7), plan("churn", 8));

        let joins = |plan: &Plan| {
            let parts = plan.participants.iter();
            parts
                .map(|part| (part.identity.clone(), part.join_at, part.turns.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(joins(&one), joins(&two));
        assert_ne!(joins(&one), joins(&three));
    }

    #[test]
    fn counts_what_everybody_subscribes_to() {
        assert_eq!(plan("meeting", 1).summary().subscriptions, 20 * (16 + 19));
        assert_eq!(plan("webinar", 1).summary().subscriptions, 1_000 * 2);
        assert_eq!(
            plan("audio-room", 1).summary().subscriptions,
            10 * 9 + 10_000
        );
    }

    #[test]
    fn whoever_speaks_is_the_large_picture_of_everybody_else() {
        let plan = plan("stage", 1);
        let viewer = plan.participants.last().expect("somebody");

        for second in [1, 6, 11] {
            let at = Duration::from_secs(second);
            let window = plan.window(viewer, at);

            assert_eq!(window.len(), 6);
            let place = usize::from(window[0].0);
            assert!(plan.speaks(0, place, at));
            assert_eq!(window[0].1.map(|tile| tile.width), Some(1280));
        }
    }

    #[test]
    fn knows_the_encoding_that_is_watched_most() {
        assert_eq!(plan("webinar", 1).most_watched_encoding(), 2);
        assert_eq!(plan("meeting", 1).most_watched_encoding(), 0);
        assert_eq!(plan("stage", 1).most_watched_encoding(), 0);
    }

    #[test]
    fn whoever_leaves_comes_back() {
        let plan = plan("churn", 3);
        let turns = plan.participants.iter().flat_map(|part| &part.turns);

        let count = |turn| turns.clone().filter(|(_, own)| *own == turn).count();
        assert!(count(Turn::Leave) > 20);
        assert_eq!(count(Turn::Leave), count(Turn::Return));
        assert!(count(Turn::Reconnect) > 20);
    }
}
