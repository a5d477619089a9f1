//! A participant's media sections: what each carries, and when to ask for more.
//!
//! The client alone can offer. Sections it offers as `recvonly` are slots the server fills with
//! other participants' tracks, and fills again when a track has gone, so a session does not grow
//! as people come and go. When a track waits for a slot, or a slot has fallen empty, the server
//! asks the client to offer again.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use proto::codec::MediaKind;
use proto::ids::{ParticipantSid, TrackSid};
use proto::jsep::{Direction, OfferedSection, SectionAnswer, SectionKind, Wanted};
use proto::media::Rid;
use router::rewrite::Rewriter;
use router::{PublicationKey, SectionOutput, SubscriptionKey};

/// How long a client may take to offer the sections it was asked for, before it is asked again.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// What a section carries.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Use {
    /// Nothing, or data channels.
    Nothing,
    /// A track of the client's.
    Publishes {
        publication: PublicationKey,
        rids: Vec<Rid>,
    },
    /// A track of somebody else's.
    Sends(SubscriptionKey),
}

#[derive(Debug)]
struct Section {
    offered: OfferedSection,
    used: Use,
}

impl Section {
    fn kind(&self) -> Option<MediaKind> {
        match self.offered.kind {
            SectionKind::Media(kind) => Some(kind),
            SectionKind::Application | SectionKind::Other => None,
        }
    }

    fn is_free(&self, kind: MediaKind) -> bool {
        self.kind() == Some(kind)
            && self.used == Use::Nothing
            && !self.offered.stopped
            && self.offered.direction == Direction::RecvOnly
    }
}

/// A section in which the client sends a track nobody has announced yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnmatchedSection {
    pub(super) index: usize,
    pub(super) mid: String,
    pub(super) kind: MediaKind,
    pub(super) track_id: String,
    pub(super) rids: Vec<String>,
}

/// What ended with an offer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SectionsEnded {
    pub(super) publications: Vec<PublicationKey>,
    pub(super) subscriptions: Vec<SubscriptionKey>,
}

/// All sections of a session, by index in its descriptions.
#[derive(Debug, Default)]
pub(super) struct Sections {
    list: Vec<Section>,
    /// Subscriptions without a section.
    waiting: Vec<(SubscriptionKey, MediaKind)>,
    /// Sections of each kind there will be when the client has done what it was asked.
    expected: [usize; 2],
    /// When the client was asked to offer again, if it has not yet.
    asked: Option<Instant>,
    /// Whether a section carries something else than the last answer said.
    stale: bool,
}

impl Sections {
    /// Takes the sections of an offer.
    pub(super) fn apply(&mut self, offered: Vec<OfferedSection>) -> SectionsEnded {
        let mut ended = SectionsEnded::default();
        for (index, offered) in offered.into_iter().enumerate() {
            let Some(section) = self.list.get_mut(index) else {
                self.list.push(Section {
                    offered,
                    used: Use::Nothing,
                });
                continue;
            };
            let recycled = section.offered.mid != offered.mid;
            let sends = offered.direction.sends() && !offered.stopped && !recycled;
            let receives = offered.direction.receives() && !offered.stopped && !recycled;
            match &section.used {
                Use::Publishes { publication, .. } if !sends => {
                    ended.publications.push(*publication);
                    section.used = Use::Nothing;
                }
                Use::Sends(subscription) if !receives => {
                    ended.subscriptions.push(*subscription);
                    section.used = Use::Nothing;
                }
                Use::Nothing | Use::Publishes { .. } | Use::Sends(_) => {}
            }
            section.offered = offered;
        }
        self.asked = None;
        self.stale = false;
        ended
    }

    /// Sections in which the client sends a track that is not published yet.
    pub(super) fn unmatched(&self) -> Vec<UnmatchedSection> {
        let sending = self.list.iter().enumerate().filter(|(_, section)| {
            section.used == Use::Nothing
                && section.offered.direction.sends()
                && !section.offered.stopped
        });
        sending
            .filter_map(|(index, section)| {
                Some(UnmatchedSection {
                    index,
                    mid: section.offered.mid.clone(),
                    kind: section.kind()?,
                    track_id: section.offered.track_id.clone()?,
                    rids: canonical(&section.offered.rids),
                })
            })
            .collect()
    }

    /// Notes that a section carries a publication. `rids` are in the order of its encodings.
    pub(super) fn publish(&mut self, index: usize, publication: PublicationKey, rids: &[String]) {
        if let Some(section) = self.list.get_mut(index) {
            let rids = rids.iter().map(|rid| Rid::new(rid)).collect();
            section.used = Use::Publishes { publication, rids };
        }
    }

    /// Notes that a publication has ended.
    pub(super) fn unpublish(&mut self, publication: PublicationKey) {
        for section in &mut self.list {
            if matches!(&section.used, Use::Publishes { publication: own, .. } if *own == publication)
            {
                section.used = Use::Nothing;
                // The client has not said so itself: its track must not be matched again.
                section.offered.track_id = None;
            }
        }
    }

    /// The publication and encoding a packet belongs to.
    pub(super) fn publication_of(
        &self,
        index: usize,
        rid: Option<Rid>,
    ) -> Option<(PublicationKey, usize)> {
        let Use::Publishes { publication, rids } = &self.list.get(index)?.used else {
            return None;
        };
        let encoding = match rid {
            Some(rid) if !rids.is_empty() => rids.iter().position(|own| *own == rid)?,
            _ => 0,
        };
        Some((*publication, encoding))
    }

    /// The section and RID an encoding of a publication comes in.
    pub(super) fn section_of(
        &self,
        publication: PublicationKey,
        encoding: usize,
    ) -> Option<(usize, Option<Rid>)> {
        self.list
            .iter()
            .enumerate()
            .find_map(|(index, section)| match &section.used {
                Use::Publishes {
                    publication: own,
                    rids,
                } if *own == publication => Some((index, rids.get(encoding).copied())),
                Use::Nothing | Use::Publishes { .. } | Use::Sends(_) => None,
            })
    }

    /// The subscription that goes out in a section.
    pub(super) fn subscription_in(&self, index: usize) -> Option<SubscriptionKey> {
        match self.list.get(index)?.used {
            Use::Sends(subscription) => Some(subscription),
            Use::Nothing | Use::Publishes { .. } => None,
        }
    }

    /// Lets a subscription wait for a section.
    pub(super) fn wait(&mut self, subscription: SubscriptionKey, kind: MediaKind) {
        self.waiting.push((subscription, kind));
    }

    /// Takes back what a subscription had that has ended. Returns its section, which needs a new
    /// RTP stream before it can carry another.
    pub(super) fn release(&mut self, subscription: SubscriptionKey) -> Option<usize> {
        self.waiting.retain(|(waiting, _)| *waiting != subscription);
        let index = self
            .list
            .iter()
            .position(|section| section.used == Use::Sends(subscription))?;
        self.list[index].used = Use::Nothing;
        self.stale = true;
        Some(index)
    }

    /// Gives waiting subscriptions the free sections. They are announced by the next answer;
    /// attach them then.
    pub(super) fn assign(
        &mut self,
        mut seed: impl FnMut() -> u16,
    ) -> Vec<(SubscriptionKey, SectionOutput)> {
        let mut assigned = Vec::new();
        let list = &mut self.list;
        self.waiting.retain(|(subscription, kind)| {
            let Some(index) = list.iter().position(|section| section.is_free(*kind)) else {
                return true;
            };
            list[index].used = Use::Sends(*subscription);
            let rewriter = Rewriter::new(seed());
            assigned.push((
                *subscription,
                SectionOutput {
                    section: index,
                    rewriter,
                },
            ));
            false
        });
        assigned
    }

    /// What the answer says of each section, and its map of `mid` to track. `wanted_of` tells how
    /// the client is to send a track of its own.
    pub(super) fn answer(
        &self,
        track_of: impl Fn(SubscriptionKey) -> (ParticipantSid, TrackSid),
        wanted_of: impl Fn(PublicationKey) -> Wanted,
    ) -> (Vec<SectionAnswer>, HashMap<String, String>) {
        let mut tracks = HashMap::new();
        let sections = self.list.iter().map(|section| match &section.used {
            Use::Sends(subscription) => {
                let (publisher, track) = track_of(*subscription);
                tracks.insert(section.offered.mid.clone(), track.to_string());
                SectionAnswer::Sends { publisher, track }
            }
            Use::Nothing if section.kind().is_some() && !section.offered.direction.sends() => {
                SectionAnswer::Inactive
            }
            Use::Publishes { publication, .. } => SectionAnswer::Takes(wanted_of(*publication)),
            Use::Nothing => SectionAnswer::Keep,
        });
        (sections.collect(), tracks)
    }

    /// Forgets that the client was asked, because it may not have heard.
    pub(super) fn forget_request(&mut self) {
        self.asked = None;
        self.expected = [0, 0];
    }

    /// How many further sections of audio and video to ask the client for, if it is to offer
    /// again at all.
    pub(super) fn ask(&mut self, now: Instant) -> Option<[usize; 2]> {
        let is_needed = self.stale || !self.waiting.is_empty();
        if self.list.is_empty() || !is_needed {
            return None;
        }
        if self
            .asked
            .is_some_and(|asked| now.saturating_duration_since(asked) >= ASK_AGAIN_AFTER)
        {
            self.forget_request();
        }
        let additional = [MediaKind::Audio, MediaKind::Video].map(|kind| {
            let of_kind = |section: &&Section| section.kind() == Some(kind);
            let present = self.list.iter().filter(of_kind).count();
            let free = self
                .list
                .iter()
                .filter(|section| section.is_free(kind))
                .count();
            let waiting = self
                .waiting
                .iter()
                .filter(|(_, waiting)| *waiting == kind)
                .count();
            let coming = self.expected[kind as usize].saturating_sub(present);
            let additional = waiting.saturating_sub(free + coming);
            self.expected[kind as usize] = present + coming + additional;
            additional
        });
        if self.asked.is_some() && additional == [0, 0] {
            return None;
        }
        self.asked.get_or_insert(now);
        Some(additional)
    }
}

/// RIDs from the lowest encoding to the highest: `q`, `h`, `f` as every SDK names them, whatever
/// their order in the offer; others stay as offered.
fn canonical(rids: &[String]) -> Vec<String> {
    let mut ordered = rids.to_vec();
    let rank = |rid: &String| ["q", "h", "f"].iter().position(|known| known == rid);
    if rids.iter().all(|rid| rank(rid).is_some()) {
        ordered.sort_by_key(rank);
    }
    ordered
}

#[cfg(test)]
mod tests;
