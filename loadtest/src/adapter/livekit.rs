//! LiveKit's signalling, version 1.
//!
//! 1. A WebSocket is opened with a token and a join request, which holds the first offer: data
//!    channels and some sections to receive in.
//! 2. The server answers with who is there, then with the answer to the offer.
//! 3. Then tracks are announced, as SDKs do it: LiveKit's server takes the sections of an offer
//!    that comes later for theirs; each gets a `track_published` and is then offered.
//! 4. The server asks for further sections when there is more to receive, and names in each
//!    answer which track each section carries.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use prost::Message as _;
use proto::codec::MediaKind;
use proto::jsep::{Offer, SectionKind};
use proto::session::{DataChannel, OfferChanges, TrackOffer};
use proto::signal::messages::{
    AddTrackRequest, ClientInfo, ConnectionSettings, DataPacket, JoinRequest, LeaveRequest,
    ParticipantInfo, SessionDescription, SimulcastCodec, TrackSource, TrackType,
    UpdateTrackSettings, UserPacket, VideoLayer, data_packet, participant_info::State,
    signal_request::Message as Request, signal_response::Message as Response,
};
use proto::signal::{decode_response, encode_join_request, encode_request};
use proto::token::{ApiKeys, Claims, Secret, VideoGrant};

use super::{Access, Adapter, Frame, Heard, Wire, track_offer, websocket_url};
use crate::participant::{Carried, RIDS, Sending, Site};
use crate::scenario::Tile;
use crate::scenario::plan::Part;

/// Sections to receive in that the first offer has, sound and pictures.
const FIRST_SECTIONS: [usize; 2] = [3, 3];
/// Sections the server may have asked for in all, of each kind.
const MAX_SECTIONS: usize = 200;
/// Attempts to come back after a lost connection.
const MAX_ATTEMPTS: u32 = 3;
/// Wait before an attempt.
const ATTEMPT_DELAY: Duration = Duration::from_millis(300);
/// Life of a token.
const TOKEN_TTL: Duration = Duration::from_secs(6 * 3600);
/// Offers are numbered from here.
const FIRST_OFFER: u32 = 1;
/// Data message of the whole room.
const NO_SEQUENCE: u32 = 0;

/// See the module.
#[derive(Debug)]
pub struct LiveKit {
    url: String,
    token: Result<String, String>,
    sid: String,
    is_in: bool,
    is_leaving: bool,
    attempts: u32,
    /// Whom it knows, by participant sid.
    known: BTreeMap<String, ParticipantInfo>,
    /// Track sid by section, from the newest answer.
    sections: BTreeMap<usize, String>,
    receiving: Vec<String>,
    wanted: Wanted,
    asked_sections: usize,
    in_flight: Option<u32>,
    next_offer: u32,
    /// Window by publisher, and what was last asked for by track sid.
    window: HashMap<u16, Option<Tile>>,
    asked: HashMap<String, Option<Tile>>,
    sequence: u32,
}

#[derive(Debug, Default)]
struct Wanted {
    again: bool,
    channels: bool,
    receive: [usize; 2],
}

impl LiveKit {
    /// For one participant.
    pub fn new(access: &Access, part: &Part) -> Self {
        Self::fresh(websocket_url(&access.server), token(access, part))
    }

    /// One that has not joined.
    fn fresh(url: String, token: Result<String, String>) -> Self {
        Self {
            url,
            token,
            sid: String::new(),
            is_in: false,
            is_leaving: false,
            attempts: 0,
            known: BTreeMap::new(),
            sections: BTreeMap::new(),
            receiving: Vec::new(),
            wanted: Wanted::default(),
            asked_sections: 0,
            in_flight: None,
            next_offer: FIRST_OFFER,
            window: HashMap::new(),
            asked: HashMap::new(),
            sequence: 0,
        }
    }

    fn open(&self, request: &JoinRequest, after: Duration, site: &mut Site) {
        let parameter = encode_join_request(request).map_err(|error| error.to_string());
        let url = self.token.clone().and_then(|token| {
            let parameter = parameter?;
            let url = &self.url;
            Ok(format!(
                "{url}/rtc/v1?access_token={token}&join_request={parameter}"
            ))
        });
        match url {
            Ok(url) => site.wire(Wire::Open {
                after,
                url,
                subprotocol: None,
            }),
            Err(error) => site.fail("join-failed", error),
        }
    }

    fn come_back(&mut self, after: Duration, site: &mut Site) {
        let request = JoinRequest {
            client_info: Some(client_info()),
            reconnect: true,
            participant_sid: self.sid.clone(),
            ..JoinRequest::default()
        };
        self.open(&request, after, site);
    }

    fn ask(site: &mut Site, request: Request) {
        site.wire(Wire::Send(Frame::Binary(encode_request(request))));
    }

    fn make_offer(&mut self, site: &mut Site) -> Option<SessionDescription> {
        let wanted = std::mem::take(&mut self.wanted);
        let announced = |track: &&mut Sending| track.mid.is_none() && track.sid.is_some();
        let publish: Vec<TrackOffer> = site
            .sending
            .iter_mut()
            .filter(announced)
            .map(|track| track_offer(track))
            .collect();
        let changes = OfferChanges {
            channels: wanted.channels,
            receive: wanted.receive,
            publish: &publish,
            unpublish: &[],
            receive_again: &self.receiving,
            ice_restart: false,
        };
        let (sdp, mids) = site.peers.first_mut()?.session.offer(&changes).ok()?;
        for (track, mid) in site.sending.iter_mut().filter(announced).zip(mids) {
            track.mid = Some(mid);
        }
        let own: Vec<&String> = site
            .sending
            .iter()
            .filter_map(|track| track.mid.as_ref())
            .collect();
        let offer = Offer::parse(&sdp).ok()?;
        self.receiving = offer
            .sections
            .iter()
            .filter(|section| {
                matches!(section.kind, SectionKind::Media(_)) && !own.contains(&&section.mid)
            })
            .map(|section| section.mid.clone())
            .collect();
        let id = self.next_offer;
        self.next_offer += 1;
        self.in_flight = Some(id);
        Some(SessionDescription {
            r#type: "offer".into(),
            sdp,
            id,
            ..Default::default()
        })
    }

    fn negotiate(&mut self, site: &mut Site) {
        if self.in_flight.is_some() {
            self.wanted.again = true;
        } else if let Some(offer) = self.make_offer(site) {
            Self::ask(site, Request::Offer(offer));
        }
    }

    fn announce_tracks(site: &mut Site) {
        let requests: Vec<Request> = site
            .sending
            .iter()
            .filter(|track| track.sid.is_none())
            .map(|track| Request::AddTrack(announcement(track, site)))
            .collect();
        for request in requests {
            Self::ask(site, request);
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "much is not a tester's concern"
    )]
    fn take(&mut self, now: Instant, response: Response, site: &mut Site) {
        match response {
            Response::Join(join) => {
                self.is_in = true;
                self.attempts = 0;
                self.sid = join.participant.map(|own| own.sid).unwrap_or_default();
                self.meet(now, join.other_participants, site);
            }
            Response::Reconnect(_) => {
                self.attempts = 0;
                site.has_returned();
            }
            Response::Update(update) => self.meet(now, update.participants, site),
            Response::Answer(answer) => self.take_answer(now, &answer, site),
            Response::TrackPublished(published) => {
                let sid = published.track.map(|track| track.sid);
                let mut tracks = site.sending.iter_mut();
                if let Some(track) = tracks.find(|track| track.cid == published.cid) {
                    track.sid = sid;
                    self.negotiate(site);
                }
            }
            Response::MediaSectionsRequirement(more) => {
                let more = [more.num_audios as usize, more.num_videos as usize];
                self.asked_sections += more[0] + more[1];
                if self.asked_sections > 2 * MAX_SECTIONS {
                    site.fail("nonsense", "the server asks for hundreds of sections");
                    return;
                }
                self.wanted.receive[0] += more[0];
                self.wanted.receive[1] += more[1];
                self.negotiate(site);
            }
            Response::SubscribedQualityUpdate(update) => set_qualities(&update, site),
            Response::Trickle(trickle) => {
                if let Some(candidate) = candidate(&trickle.candidate_init)
                    && let Some(peer) = site.peers.first_mut()
                {
                    // One that cannot be used, such as TCP, is no fault.
                    let _ = peer.session.add_candidate(&candidate);
                }
            }
            Response::Leave(leave) if !self.is_leaving => {
                self.is_leaving = true;
                site.fail("removed", format!("told to leave: {:?}", leave.reason()));
            }
            _ => {}
        }
    }

    /// Learns of participants.
    fn meet(&mut self, now: Instant, participants: Vec<ParticipantInfo>, site: &mut Site) {
        for info in participants {
            if info.state() == State::Disconnected {
                self.known.remove(&info.sid);
            } else {
                self.known.insert(info.sid.clone(), info);
            }
        }
        self.place_tracks(now, site);
        self.ask_for_sizes(site);
    }

    fn take_answer(&mut self, now: Instant, answer: &SessionDescription, site: &mut Site) {
        if self.in_flight != Some(answer.id) {
            return;
        }
        self.in_flight = None;
        let Some(peer) = site.peers.first_mut() else {
            return;
        };
        if let Err(error) = peer.session.accept_answer(&answer.sdp) {
            site.fail("nonsense", format!("the answer cannot be used: {error}"));
            return;
        }
        self.sections = answer
            .mid_to_track_id
            .iter()
            .filter_map(|(mid, track)| Some((peer.session.section_of(mid)?, track.clone())))
            .collect();
        self.place_tracks(now, site);
        if answer.id == FIRST_OFFER {
            Self::announce_tracks(site);
        }
        if std::mem::take(&mut self.wanted.again) {
            self.negotiate(site);
        }
    }

    /// Tells the site which section carries whose track.
    fn place_tracks(&self, now: Instant, site: &mut Site) {
        let carried: Vec<(usize, Carried)> = self
            .sections
            .iter()
            .filter_map(|(section, track)| Some((*section, self.carried(track, site)?)))
            .collect();
        site.carry(now, 0, &carried);
    }

    fn carried(&self, track: &str, site: &Site) -> Option<Carried> {
        let (publisher, info) = self.known.values().find_map(|info| {
            let found = info.tracks.iter().find(|own| own.sid == track)?;
            Some((site.plan.publisher(&info.identity)?, found))
        })?;
        let kind = match info.r#type() {
            TrackType::Audio => MediaKind::Audio,
            TrackType::Video | TrackType::Data => MediaKind::Video,
        };
        Some(Carried { publisher, kind })
    }

    /// Asks for each camera in the size of its tile.
    fn ask_for_sizes(&mut self, site: &mut Site) {
        let mut settings: BTreeMap<Option<(u32, u32)>, Vec<String>> = BTreeMap::new();
        for info in self.known.values() {
            let Some(publisher) = site.plan.publisher(&info.identity) else {
                continue;
            };
            let tile = self.window.get(&publisher).copied().flatten();
            for track in &info.tracks {
                let is_new = self.asked.get(&track.sid) != Some(&tile);
                if track.r#type() == TrackType::Video && is_new {
                    self.asked.insert(track.sid.clone(), tile);
                    settings
                        .entry(tile.map(|tile| (tile.width, tile.height)))
                        .or_default()
                        .push(track.sid.clone());
                }
            }
        }
        for (size, track_sids) in settings {
            let (width, height) = size.unwrap_or_default();
            Self::ask(
                site,
                Request::TrackSetting(UpdateTrackSettings {
                    track_sids,
                    disabled: size.is_none(),
                    width,
                    height,
                    ..UpdateTrackSettings::default()
                }),
            );
        }
    }

    fn lose(&mut self, why: String, site: &mut Site) {
        if self.is_leaving {
            return;
        }
        if !self.is_in {
            site.fail("join-failed", why);
            return;
        }
        self.attempts += 1;
        if self.attempts > MAX_ATTEMPTS {
            site.fail("connection-lost", format!("could not come back: {why}"));
            return;
        }
        site.complain("connection-lost", why);
        self.come_back(ATTEMPT_DELAY * self.attempts, site);
    }
}

impl Adapter for LiveKit {
    fn join(&mut self, _now: Instant, site: &mut Site) {
        *self = Self {
            window: std::mem::take(&mut self.window),
            wanted: Wanted {
                channels: true,
                receive: FIRST_SECTIONS,
                again: false,
            },
            ..Self::fresh(self.url.clone(), self.token.clone())
        };
        let request = JoinRequest {
            client_info: Some(client_info()),
            connection_settings: Some(ConnectionSettings {
                auto_subscribe: true,
                adaptive_stream: true,
                ..ConnectionSettings::default()
            }),
            publisher_offer: self.make_offer(site),
            ..JoinRequest::default()
        };
        self.open(&request, Duration::ZERO, site);
    }

    fn hear(&mut self, now: Instant, heard: Heard, site: &mut Site) {
        match heard {
            Heard::Frame(Frame::Binary(bytes)) => match decode_response(&bytes) {
                Ok(Some(response)) => self.take(now, response, site),
                Ok(None) => {}
                Err(error) => site.fail("nonsense", format!("a frame cannot be read: {error}")),
            },
            Heard::Frame(Frame::Text(_)) => {
                site.fail("nonsense", "a text frame, where LiveKit sends binary ones");
            }
            Heard::Refused(why) | Heard::Closed(why) => self.lose(why, site),
            Heard::Opened | Heard::Answer { .. } => {}
        }
    }

    fn show(&mut self, _now: Instant, window: &[(u16, Option<Tile>)], site: &mut Site) {
        self.window = window.iter().copied().collect();
        if self.is_in {
            self.ask_for_sizes(site);
        }
    }

    fn say(&mut self, message: &[u8], reliable: bool, site: &mut Site) -> bool {
        let channel = if reliable {
            self.sequence += 1;
            DataChannel::Reliable
        } else {
            DataChannel::Lossy
        };
        let packet = DataPacket {
            sequence: if reliable { self.sequence } else { NO_SEQUENCE },
            value: Some(data_packet::Value::User(UserPacket {
                payload: message.to_vec(),
                ..UserPacket::default()
            })),
            ..DataPacket::default()
        };
        let bytes = packet.encode_to_vec();
        site.peers.first_mut().is_some_and(|peer| {
            peer.session.has_channel(channel) && peer.session.write_channel(channel, &bytes)
        })
    }

    fn reconnect(&mut self, _now: Instant, site: &mut Site) {
        if self.is_in {
            self.come_back(Duration::ZERO, site);
        }
    }

    fn leave(&mut self, _now: Instant, site: &mut Site) {
        self.is_leaving = true;
        Self::ask(site, Request::Leave(LeaveRequest::default()));
        site.wire(Wire::Close);
    }
}

fn client_info() -> ClientInfo {
    ClientInfo {
        protocol: 17,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        os: std::env::consts::OS.to_owned(),
        ..ClientInfo::default()
    }
}

fn token(access: &Access, part: &Part) -> Result<String, String> {
    let (key, secret) = access
        .key
        .clone()
        .ok_or("LiveKit's signalling needs --api-key and --api-secret")?;
    let claims = Claims {
        identity: part.identity.clone(),
        video: VideoGrant {
            room_join: true,
            room: access.room(part.room),
            ..VideoGrant::default()
        },
        ..Claims::default()
    };
    let now = std::time::SystemTime::now()
        .duration_since(std::time::SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    ApiKeys::new([(key, Secret::new(secret))].into())
        .sign(&claims, None, now.as_secs(), TOKEN_TTL)
        .map_err(|error| error.to_string())
}

fn announcement(track: &Sending, site: &Site) -> AddTrackRequest {
    let is_video = track.kind == MediaKind::Video;
    let encodings = &site.plan.scenario.video.encodings;
    let quality = |index: usize| index + usize::from(encodings.len() == 1) * 2;
    let layers: Vec<VideoLayer> = encodings
        .iter()
        .enumerate()
        .filter(|_| is_video)
        .map(|(index, encoding)| VideoLayer {
            quality: quality(index) as i32,
            width: encoding.width,
            height: encoding.height,
            bitrate: (encoding.kbps * 1_000) as u32,
            spatial_layer: index as i32,
            rid: if encodings.len() > 1 {
                RIDS.get(index).copied().unwrap_or_default().to_owned()
            } else {
                String::new()
            },
            ..VideoLayer::default()
        })
        .collect();
    let largest = encodings.last();
    let simulcast_codecs = is_video.then(|| SimulcastCodec {
        codec: format!("{:?}", track.codec).to_lowercase(),
        cid: track.cid.clone(),
        layers: layers.clone(),
        ..SimulcastCodec::default()
    });
    AddTrackRequest {
        cid: track.cid.clone(),
        name: if is_video { "camera" } else { "microphone" }.to_owned(),
        r#type: if is_video {
            TrackType::Video
        } else {
            TrackType::Audio
        }
        .into(),
        source: if is_video {
            TrackSource::Camera
        } else {
            TrackSource::Microphone
        }
        .into(),
        width: largest.filter(|_| is_video).map_or(0, |own| own.width),
        height: largest.filter(|_| is_video).map_or(0, |own| own.height),
        layers,
        simulcast_codecs: simulcast_codecs.into_iter().collect(),
        disable_red: true,
        ..AddTrackRequest::default()
    }
}

/// Sends only the encodings somebody watches (dynacast).
fn set_qualities(update: &proto::signal::messages::SubscribedQualityUpdate, site: &mut Site) {
    let mut tracks = site.sending.iter_mut();
    let Some(track) = tracks.find(|track| track.sid.as_deref() == Some(&update.track_sid)) else {
        return;
    };
    let Some(qualities) = update
        .subscribed_codecs
        .first()
        .map(|codec| &codec.qualities)
    else {
        return;
    };
    let is_single = track.streams.len() == 1;
    let any = qualities.iter().any(|quality| quality.enabled);
    for (index, stream) in track.streams.iter_mut().enumerate() {
        let named = qualities
            .iter()
            .find(|quality| quality.quality as usize == index)
            .map(|quality| quality.enabled);
        let enabled = if is_single {
            any
        } else {
            named.unwrap_or(stream.enabled)
        };
        stream.wants_keyframe |= enabled && !stream.enabled;
        stream.enabled = enabled;
    }
}

/// The candidate in a trickle message's JSON.
fn candidate(json: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(json).ok()?;
    let text = value.get("candidate")?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}
