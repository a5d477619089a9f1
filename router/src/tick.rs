//! What the router does as time passes, and how it divides bandwidth.

use std::time::{Duration, Instant};

use proto::codec::MediaKind;

use crate::allocate::{Demand, allocate};
use crate::keys::{ParticipantKey, PublicationKey, RoomKey, SubscriptionKey};
use crate::limits::TICK_INTERVAL;
use crate::router::{Event, Router, SpeakerChange};

/// Rate assumed before the first estimate, in bits per second: the one sessions start with.
const INITIAL_ESTIMATE_BPS: u64 = 8_000_000;

impl Router {
    /// When [`Router::handle_timeout`] has something to do.
    pub fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        let rooms = self
            .room_keys()
            .filter_map(|key| self.room(key).speakers.poll_timeout());
        let keyframes = self.keyframes_wanted.iter().flat_map(|key| {
            let encodings = &self.publication(*key).encodings;
            encodings
                .iter()
                .filter_map(|encoding| encoding.keyframes.poll_timeout(now))
        });
        let tick = (!self.publications.is_empty()).then_some(self.next_tick);
        rooms.chain(keyframes).chain(tick).min()
    }

    /// Moves time on.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.send_keyframe_requests(now);
        self.report_speakers(now);
        if now >= self.next_tick {
            self.next_tick = now + TICK_INTERVAL;
            self.tick(now);
        }
    }

    fn tick(&mut self, now: Instant) {
        let published_here = self.publications.iter_mut();
        for (_, publication) in published_here.filter(|(_, own)| !own.is_remote) {
            for encoding in &mut publication.encodings {
                encoding.measure(now);
            }
        }
        let rooms: Vec<RoomKey> = self.room_keys().collect();
        for room in rooms {
            if self.room(room).publications.is_empty() {
                continue;
            }
            for participant in self.room(room).participants.clone() {
                self.allocate(now, participant);
            }
            for publication in self.room(room).publications.clone() {
                self.tell_wanted_encodings(now, publication);
                self.tell_rates(publication);
            }
        }
    }

    fn report_speakers(&mut self, now: Instant) {
        for (index, room) in &mut self.rooms {
            let changes = room.speakers.poll(now).to_vec();
            if changes.is_empty() {
                continue;
            }
            let speakers = changes
                .into_iter()
                .map(|change| SpeakerChange {
                    participant: change.key,
                    level: change.level,
                    active: change.active,
                })
                .collect();
            self.events.push_back(Event::SpeakersChanged {
                room: RoomKey::new(index),
                speakers,
            });
        }
    }

    pub(crate) fn send_keyframe_requests(&mut self, now: Instant) {
        let mut waiting = std::mem::take(&mut self.keyframes_wanted);
        waiting.retain(|&publication| {
            let encodings = &mut self.publications[publication.index()].encodings;
            for (encoding, own) in encodings.iter_mut().enumerate() {
                if own.rate_bps.is_none() {
                    // Nothing is being sent: there is nothing to ask for.
                    own.keyframes.satisfy();
                }
                if own.keyframes.poll_send(now) {
                    self.events.push_back(Event::KeyframeWanted {
                        publication,
                        encoding,
                    });
                }
            }
            encodings
                .iter()
                .any(|own| own.keyframes.poll_timeout(now).is_some())
        });
        self.keyframes_wanted = waiting;
    }

    pub(crate) fn tell_wanted_encodings(&mut self, now: Instant, publication: PublicationKey) {
        let entry = &self.publications[publication.index()];
        if entry.kind == MediaKind::Audio {
            return;
        }
        let wanted = entry
            .subscriptions
            .iter()
            .filter_map(|key| self.subscriptions[key.index()].wanted_encoding(entry))
            .chain(entry.links.iter().filter_map(|link| link.highest))
            .max();
        if let Some(highest) = self.publications[publication.index()]
            .wanted
            .update(now, wanted)
        {
            self.events.push_back(Event::EncodingsWanted {
                publication,
                highest,
            });
        }
    }

    pub(crate) fn allocate_subscribers(&mut self, now: Instant, publication: PublicationKey) {
        for key in self.publications[publication.index()].subscriptions.clone() {
            let subscriber = self.subscriptions[key.index()].subscriber;
            self.allocate(now, subscriber);
        }
    }

    /// Divides what the path to a participant carries among its subscriptions.
    pub(crate) fn allocate(&mut self, now: Instant, participant: ParticipantKey) {
        let attached: Vec<SubscriptionKey> = self.participant(participant).subscriptions.clone();
        let (video, audio): (Vec<_>, Vec<_>) = attached
            .into_iter()
            .filter(|key| self.subscriptions[key.index()].output.is_some())
            .partition(|key| self.kind_of(*key) == MediaKind::Video);
        let mut audio_bps = 0;
        for key in audio {
            audio_bps += self.allocate_audio(now, key);
        }
        let demands: Vec<Demand> = video.iter().map(|key| self.demand(*key)).collect();
        let estimate = self
            .participant(participant)
            .estimate_bps
            .unwrap_or(INITIAL_ESTIMATE_BPS);
        let video_bps = estimate.saturating_sub(audio_bps);
        let mut targets = Vec::with_capacity(demands.len());
        let mut outcome = allocate(&demands, video_bps, true, &mut targets);
        let is_short =
            std::iter::zip(&demands, &targets).any(|(demand, target)| starves(demand, *target));
        if self.is_short_for_a_moment(now, participant, is_short) {
            outcome = allocate(&demands, video_bps, false, &mut targets);
        }
        for ((key, demand), target) in video.iter().zip(&demands).zip(targets) {
            self.set_target(now, *key, target);
            self.tell_starved(*key, starves(demand, target));
        }
        self.tell_bitrate(participant, audio_bps + outcome.desired);
    }

    /// Whether the estimate has become too low only a moment ago.
    fn is_short_for_a_moment(
        &mut self,
        now: Instant,
        participant: ParticipantKey,
        is_short: bool,
    ) -> bool {
        let since = &mut self.participant_mut(participant).short_since;
        if !is_short {
            *since = None;
        }
        is_short && now.saturating_duration_since(*since.get_or_insert(now)) < PAUSE_AFTER
    }

    fn kind_of(&self, subscription: SubscriptionKey) -> MediaKind {
        self.publication(self.subscription(subscription).publication)
            .kind
    }

    /// Audio is never held back. Returns its rate.
    fn allocate_audio(&mut self, now: Instant, key: SubscriptionKey) -> u64 {
        let publication = self.subscriptions[key.index()].publication;
        let disabled = self.subscriptions[key.index()].wanted.disabled;
        self.set_target(now, key, (!disabled).then_some(0));
        self.publication(publication).total_rate_bps()
    }

    fn demand(&self, key: SubscriptionKey) -> Demand {
        let subscription = self.subscription(key);
        let publication = self.publication(subscription.publication);
        Demand {
            wanted: subscription.wanted_encoding(publication),
            bitrates: publication.rates(),
            current: subscription.selector.target(),
            priority: subscription.wanted.priority,
            screen_share: publication.screen_share,
        }
    }

    fn set_target(&mut self, now: Instant, key: SubscriptionKey, target: Option<usize>) {
        let subscription = &mut self.subscriptions[key.index()];
        let has_changed = subscription.selector.target() != target;
        let needs_keyframe = subscription.selector.set_target(target);
        let publication = subscription.publication;
        // One that has just got its section may need what nobody needed.
        if has_changed || needs_keyframe {
            self.review_crossing(publication);
        }
        if let Some(encoding) = target.filter(|_| needs_keyframe) {
            self.want_keyframe(now, publication, encoding);
        }
    }

    fn tell_starved(&mut self, key: SubscriptionKey, starved: bool) {
        let subscription = &mut self.subscriptions[key.index()];
        if subscription.starved != starved {
            subscription.starved = starved;
            self.events.push_back(Event::StreamState {
                subscription: key,
                paused: starved,
            });
        }
    }

    fn tell_bitrate(&mut self, participant: ParticipantKey, desired_bps: u64) {
        // In coarse steps: rates are never still, and every change disturbs the estimator.
        let desired_bps = desired_bps.next_multiple_of(DESIRED_STEP_BPS);
        let entry = self.participant_mut(participant);
        if entry.told_bps != desired_bps {
            entry.told_bps = desired_bps;
            self.events.push_back(Event::BitrateWanted {
                participant,
                desired_bps,
            });
        }
    }
}

/// Whether a demand that could be met is not.
fn starves(demand: &Demand, target: Option<usize>) -> bool {
    let is_sent = demand.bitrates.iter().any(Option::is_some);
    demand.wanted.is_some() && is_sent && target.is_none()
}

/// Streams are paused when the estimate has been too low for so long. A delay-based estimate
/// falls for a few seconds whenever either side is busy, as when somebody joins; a frozen picture
/// would be worse than what such a moment costs. Longer freezes less, shorter spares sound on
/// weak links.
const PAUSE_AFTER: Duration = Duration::from_secs(4);

/// Step in which estimators are told what is desired.
const DESIRED_STEP_BPS: u64 = 100_000;
