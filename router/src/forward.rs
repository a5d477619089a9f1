//! The way of a packet through the router: one look at each subscription, a few integers each.

use std::time::Instant;

use proto::codec::MediaKind;
use proto::media::{PacketRing, Vp8Numbers};

use crate::keys::{ParticipantKey, PublicationKey, SubscriptionKey};
use crate::rewrite::Numbers;
use crate::router::Router;
use crate::select::Decision;

/// A packet, as the router sees it.
#[derive(Debug, Clone, Copy)]
pub struct Packet {
    /// What it belongs to.
    pub publication: PublicationKey,
    /// Its encoding, counted from the lowest.
    pub encoding: usize,
    /// Its numbers.
    pub numbers: Numbers,
    /// Ticks of its RTP clock in a second.
    pub clock_rate_hz: u32,
    /// Whether a receiver may begin with it.
    pub keyframe: bool,
    /// Size of the payload.
    pub bytes: usize,
    /// Loudness below full scale in dB, and whether it is a voice (RFC 6464).
    pub audio_level: Option<(u8, Option<bool>)>,
}

/// A packet for one receiver: where it is kept, and its numbers there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forward {
    /// Who receives.
    pub subscriber: ParticipantKey,
    /// What it belongs to.
    pub publication: PublicationKey,
    /// Sound or pictures.
    pub kind: MediaKind,
    /// Its encoding.
    pub encoding: u8,
    /// The sequence number it is kept under, its publisher's.
    pub kept: u64,
    /// The section it goes out in.
    pub section: u16,
    /// Its sequence number.
    pub sequence: u64,
    /// Its RTP timestamp.
    pub timestamp: u32,
    /// Its VP8 counters.
    pub vp8: Option<Vp8Numbers>,
}

impl Router {
    /// Gives a packet to everyone who gets it, into `out`.
    pub fn handle_packet(&mut self, now: Instant, packet: &Packet, out: &mut Vec<Forward>) {
        let publication = &mut self.publications[packet.publication.index()];
        let kind = publication.kind;
        let Some(encoding) = publication.encodings.get_mut(packet.encoding) else {
            return;
        };
        let is_remote = publication.is_remote;
        // What comes over a link is measured where it is published.
        let begins = !is_remote && encoding.count(now, packet.bytes);
        if packet.keyframe {
            encoding.keyframes.satisfy();
        }
        let publisher = publication.publisher;
        if let Some((level, voice)) = packet.audio_level
            && !is_remote
        {
            let room = self.participant(publisher).room;
            self.rooms[room.index()]
                .speakers
                .handle_level(now, publisher, level, voice);
        }
        if begins {
            self.tell_rates(packet.publication);
            self.allocate_subscribers(now, packet.publication);
        }

        let can_start = packet.keyframe || kind == MediaKind::Audio;
        let mut has_switched = false;
        for key in &self.publications[packet.publication.index()].subscriptions {
            let subscription = &mut self.subscriptions[key.index()];
            let Some(output) = &mut subscription.output else {
                continue;
            };
            match subscription.selector.decide(packet.encoding, can_start) {
                Decision::Drop => continue,
                Decision::Switch => {
                    output.rewriter.end_source();
                    has_switched = true;
                }
                Decision::Forward => {}
            }
            let numbers =
                output
                    .rewriter
                    .rewrite(now, packet.encoding, packet.numbers, packet.clock_rate_hz);
            let Some(numbers) = numbers else { continue };
            out.push(Forward {
                subscriber: subscription.subscriber,
                publication: packet.publication,
                kind,
                encoding: packet.encoding as u8,
                kept: packet.numbers.sequence,
                section: output.section as u16,
                sequence: numbers.sequence,
                timestamp: numbers.timestamp,
                vp8: numbers.vp8,
            });
        }
        if has_switched {
            self.review_crossing(packet.publication);
        }
    }

    /// Where the packets of an encoding are kept, while it is published.
    pub fn ring(
        &mut self,
        publication: PublicationKey,
        encoding: usize,
    ) -> Option<&mut PacketRing> {
        let publication = self.publications.get_mut(publication.index())?;
        let encoding = publication.encodings.get_mut(encoding)?;
        Some(&mut encoding.ring)
    }

    /// A packet that went out to a receiver, to go out again. `None` if it is not kept any more.
    pub fn find_again(&mut self, subscription: SubscriptionKey, sequence: u64) -> Option<Forward> {
        let entry = self.subscriptions.get(subscription.index())?;
        let (subscriber, publication) = (entry.subscriber, entry.publication);
        let output = entry.output.as_ref()?;
        let section = output.section;
        let origin = output.rewriter.origin(sequence)?;
        let stored = self
            .ring(publication, origin.encoding)?
            .get_mut(origin.sequence)?;
        let numbers = origin.rewrite(Numbers {
            sequence: stored.sequence,
            timestamp: stored.timestamp,
            vp8: stored.vp8,
        });
        Some(Forward {
            subscriber,
            publication,
            kind: self.publication(publication).kind,
            encoding: origin.encoding as u8,
            kept: origin.sequence,
            section: section as u16,
            sequence: numbers.sequence,
            timestamp: numbers.timestamp,
            vp8: numbers.vp8,
        })
    }

    /// A receiver needs a keyframe of what it gets.
    pub fn request_keyframe(&mut self, now: Instant, subscription: SubscriptionKey) {
        let subscription = &self.subscriptions[subscription.index()];
        let wanted = subscription
            .selector
            .current()
            .or(subscription.selector.target());
        if let Some(encoding) = wanted {
            self.want_keyframe(now, subscription.publication, encoding);
        }
    }

    /// A receiver, here or in another segment, needs a keyframe of an encoding.
    pub fn want_keyframe(&mut self, now: Instant, publication: PublicationKey, encoding: usize) {
        let entry = &mut self.publications[publication.index()];
        if entry.kind == MediaKind::Audio {
            return;
        }
        let Some(encoding) = entry.encodings.get_mut(encoding) else {
            return;
        };
        encoding.keyframes.want();
        if !self.keyframes_wanted.contains(&publication) {
            self.keyframes_wanted.push(publication);
        }
        self.send_keyframe_requests(now);
    }
}
