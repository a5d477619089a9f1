//! A participant without a browser: signalling, one session, and media that can be checked.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::Instant;

use plenary::engine::ConnectionId;
use prost::Message as _;
use proto::codec::MediaKind;
use proto::jsep::{Offer, SectionKind};
use proto::media::{MediaPacket, SendBatch};
use proto::session::{
    DataChannel, Event, IceCredentials, OfferChanges, Output, Received as FromSession, Session,
    SessionConfig, TrackOffer,
};
use proto::signal::messages::{
    self, AddTrackRequest, DataPacket, ParticipantInfo, SessionDescription, TrackSource, TrackType,
    UserPacket, VideoLayer, data_packet, participant_info::State,
    signal_request::Message as Request, signal_response::Message as Response,
};
use proto::signal::{decode_response, messages::DisconnectReason};

use crate::film::Film;
use crate::link::Wire;
use crate::media::{Received, Source, Stream};

/// A published track.
#[derive(Debug)]
pub struct Published {
    pub cid: String,
    pub sid: Option<String>,
    pub mid: Option<String>,
    pub source: Source,
    pub streams: Vec<Stream>,
    next_frame: Option<Instant>,
    pub muted: bool,
    /// What is sent instead of what `source` says.
    pub film: Option<Film>,
}

/// One simulated client.
#[derive(Debug)]
pub struct Person {
    pub name: String,
    /// Marks its media.
    pub tag: u8,
    pub address: SocketAddr,
    pub up: Wire,
    pub down: Wire,
    pub session: Session,
    /// What it has to send.
    pub batch: SendBatch,
    pub connection: Option<ConnectionId>,
    /// The engine it is with.
    pub at: usize,
    pub sid: String,
    /// Whom it knows, by sid.
    pub known: BTreeMap<String, ParticipantInfo>,
    pub published: Vec<Published>,
    /// What it has received, by track.
    pub received: BTreeMap<String, Received>,
    pub messages: Vec<(String, String)>,
    /// Why it was told to leave, and what to do then.
    pub leave: Option<(DisconnectReason, messages::leave_request::Action)>,
    /// Other responses, for tests that look at them.
    pub responses: Vec<Response>,
    /// Firefox offers tracks under other ids than they were announced with.
    pub track_id_suffix: &'static str,
    /// Track of each section it receives in.
    tracks: HashMap<usize, String>,
    receiving: Vec<String>,
    next_offer: u32,
    in_flight: Option<u32>,
    wanted: Wanted,
    outbox: Vec<Request>,
    sequence: u32,
}

#[derive(Debug, Default)]
struct Wanted {
    again: bool,
    channels: bool,
    receive: [usize; 2],
    unpublish: Vec<String>,
    ice_restart: bool,
}

impl Person {
    pub fn new(
        now: Instant,
        name: &str,
        tag: u8,
        address: SocketAddr,
        config: &SessionConfig,
        credentials: IceCredentials,
    ) -> Self {
        let config = SessionConfig {
            identity: config.identity.clone(),
            addresses: vec![address],
            estimates: true,
            wall: config.wall,
        };
        Self {
            name: name.to_owned(),
            tag,
            address,
            up: Wire::default(),
            down: Wire::default(),
            session: Session::new(now, &config, credentials, tag.into()),
            batch: SendBatch::default(),
            connection: None,
            at: 0,
            sid: String::new(),
            known: BTreeMap::new(),
            published: Vec::new(),
            received: BTreeMap::new(),
            messages: Vec::new(),
            leave: None,
            responses: Vec::new(),
            track_id_suffix: "",
            tracks: HashMap::new(),
            receiving: Vec::new(),
            next_offer: 1,
            in_flight: None,
            wanted: Wanted {
                channels: true,
                receive: [3, 3],
                ..Wanted::default()
            },
            outbox: Vec::new(),
            sequence: 0,
        }
    }

    /// The offer that is due, if any: tracks with a sid, further sections, an ICE restart.
    pub fn make_offer(&mut self) -> Option<SessionDescription> {
        let wanted = std::mem::take(&mut self.wanted);
        let mut announced: Vec<&mut Published> = self
            .published
            .iter_mut()
            .filter(|track| track.mid.is_none() && track.sid.is_some())
            .collect();
        let publish: Vec<TrackOffer> = announced
            .iter()
            .map(|track| TrackOffer {
                kind: track.source.codec.kind(),
                track_id: format!("{}{}", track.cid, self.track_id_suffix),
                rids: track
                    .source
                    .rids
                    .iter()
                    .map(|rid| (*rid).to_owned())
                    .collect(),
            })
            .collect();
        let changes = OfferChanges {
            channels: wanted.channels,
            receive: wanted.receive,
            publish: &publish,
            unpublish: &wanted.unpublish,
            receive_again: &self.receiving,
            ice_restart: wanted.ice_restart,
        };
        let (sdp, mids) = self.session.offer(&changes).ok()?;
        for (track, mid) in announced.iter_mut().zip(mids) {
            track.mid = Some(mid);
        }
        let own: Vec<&String> = self
            .published
            .iter()
            .filter_map(|track| track.mid.as_ref())
            .collect();
        let offer = Offer::parse(&sdp).expect("sessions make good offers");
        let receives = offer.sections.iter().filter(|section| {
            matches!(section.kind, SectionKind::Media(_))
                && section.direction.receives()
                && !own.contains(&&section.mid)
        });
        for section in receives {
            if !self.receiving.contains(&section.mid) {
                self.receiving.push(section.mid.clone());
            }
        }
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

    /// Number of media sections.
    pub fn section_count(&self) -> usize {
        self.receiving.len()
            + self
                .published
                .iter()
                .filter(|track| track.mid.is_some())
                .count()
    }

    fn negotiate(&mut self) {
        if self.in_flight.is_some() {
            self.wanted.again = true;
        } else if let Some(offer) = self.make_offer() {
            self.outbox.push(Request::Offer(offer));
        }
    }

    pub fn publish(&mut self, source: Source) {
        let cid = format!("{}-{}", self.name, self.published.len());
        let is_video = source.codec.video().is_some();
        let layers = source
            .rids
            .iter()
            .enumerate()
            .map(|(index, rid)| VideoLayer {
                quality: index as i32,
                width: 320 << index,
                height: 180 << index,
                rid: (*rid).to_owned(),
                ..Default::default()
            });
        self.outbox.push(Request::AddTrack(AddTrackRequest {
            cid: cid.clone(),
            name: "track".into(),
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
            layers: layers.collect(),
            disable_red: true,
            ..Default::default()
        }));
        let streams = match source.rids.is_empty() {
            true => vec![Stream::new(0, None)],
            false => source
                .rids
                .iter()
                .enumerate()
                .map(|(i, rid)| Stream::new(i, Some(rid)))
                .collect(),
        };
        self.published.push(Published {
            cid,
            sid: None,
            mid: None,
            source,
            streams,
            next_frame: None,
            muted: false,
            film: None,
        });
    }

    /// Publishes a film.
    pub fn show(&mut self, film: Film) {
        self.publish(Source {
            codec: film.codec,
            rids: vec![],
            shape: vec![(1, 0)],
            interval: film.frame,
        });
        if let Some(track) = self.published.last_mut() {
            track.film = Some(film);
        }
    }

    pub fn unpublish_all(&mut self) {
        let gone: Vec<String> = self
            .published
            .drain(..)
            .filter_map(|track| track.mid)
            .collect();
        self.wanted.unpublish.extend(gone);
        self.negotiate();
    }

    pub fn mute(&mut self, muted: bool) {
        for track in &mut self.published {
            track.muted = muted;
            let sid = track.sid.clone().unwrap_or_default();
            self.outbox
                .push(Request::Mute(messages::MuteTrackRequest { sid, muted }));
        }
    }

    /// Moves to another address and restarts ICE.
    pub fn change_address(&mut self, address: SocketAddr) {
        self.session.change_address(self.address, address);
        self.address = address;
        self.wanted.ice_restart = true;
        self.in_flight = None;
        self.negotiate();
    }

    pub fn ask(&mut self, request: Request) {
        self.outbox.push(request);
    }

    pub fn say(&mut self, channel: DataChannel, to: &[&str], text: &str) {
        self.sequence += 1;
        let packet = DataPacket {
            sequence: if channel == DataChannel::Reliable {
                self.sequence
            } else {
                0
            },
            destination_identities: to.iter().map(|name| (*name).to_owned()).collect(),
            value: Some(data_packet::Value::User(UserPacket {
                payload: text.into(),
                ..Default::default()
            })),
            ..Default::default()
        };
        assert!(
            self.session.write_channel(channel, &packet.encode_to_vec()),
            "{} can send data",
            self.name
        );
    }

    pub fn take_requests(&mut self) -> Vec<Request> {
        std::mem::take(&mut self.outbox)
    }

    /// Takes a frame of its signalling.
    pub fn hear(&mut self, frame: &[u8]) {
        let Some(response) = decode_response(frame).expect("the server speaks protobuf") else {
            return;
        };
        match response {
            Response::Join(join) => {
                self.sid = join.participant.map(|own| own.sid).unwrap_or_default();
                self.known.extend(
                    join.other_participants
                        .into_iter()
                        .map(|other| (other.sid.clone(), other)),
                );
            }
            Response::Update(update) => {
                for info in update.participants {
                    if info.state() == State::Disconnected {
                        self.known.remove(&info.sid);
                    } else {
                        self.known.insert(info.sid.clone(), info);
                    }
                }
            }
            Response::Answer(answer) => self.hear_answer(&answer),
            Response::TrackPublished(published) => {
                let track = self
                    .published
                    .iter_mut()
                    .find(|track| track.cid == published.cid);
                if let Some(track) = track {
                    track.sid = published.track.map(|track| track.sid);
                    self.negotiate();
                }
            }
            Response::MediaSectionsRequirement(more) => {
                self.wanted.receive[0] += more.num_audios as usize;
                self.wanted.receive[1] += more.num_videos as usize;
                self.negotiate();
            }
            Response::SubscribedQualityUpdate(update) => {
                let track = self
                    .published
                    .iter_mut()
                    .find(|track| track.sid.as_deref() == Some(&update.track_sid));
                let Some(track) = track else { return };
                for quality in &update.subscribed_codecs[0].qualities {
                    if let Some(stream) = track.streams.get_mut(quality.quality as usize) {
                        stream.wants_keyframe |= quality.enabled && !stream.enabled;
                        stream.enabled = quality.enabled;
                    }
                }
            }
            Response::Leave(leave) => self.leave = Some((leave.reason(), leave.action())),
            other => self.responses.push(other),
        }
    }

    fn hear_answer(&mut self, answer: &SessionDescription) {
        if self.in_flight != Some(answer.id) {
            return;
        }
        self.in_flight = None;
        self.session
            .accept_answer(&answer.sdp)
            .unwrap_or_else(|error| panic!("{}: {error}\n{}", self.name, answer.sdp));
        self.tracks.clear();
        let in_order: BTreeMap<_, _> = answer.mid_to_track_id.iter().collect();
        for (mid, track) in in_order {
            assert!(
                answer.sdp.contains(&format!("|{track} {track}")),
                "the msid names the same track"
            );
            self.tracks.insert(
                self.session.section_of(mid).expect("a section of ours"),
                track.clone(),
            );
        }
        if std::mem::take(&mut self.wanted.again) {
            self.negotiate();
        }
    }

    /// Sends the media that is due.
    pub fn speak(&mut self, now: Instant) {
        if !self.session.is_connected() {
            return;
        }
        for track in &mut self.published {
            let Some(section) = track
                .mid
                .as_ref()
                .and_then(|mid| self.session.section_of(mid))
            else {
                continue;
            };
            if let (Some(film), Some(stream)) = (&mut track.film, track.streams.first_mut()) {
                while let Some(packet) = film.next(now, section, &mut stream.wants_keyframe) {
                    self.session
                        .publish(now, &packet.outgoing(), &mut self.batch);
                }
                continue;
            }
            let is_due = track.next_frame.is_none_or(|at| at <= now);
            if !is_due || track.muted {
                continue;
            }
            track.next_frame = Some(now + track.source.interval);
            for stream in track.streams.iter_mut().filter(|stream| stream.enabled) {
                for packet in stream.next_frame(now, section, &track.source, self.tag) {
                    self.session
                        .publish(now, &packet.outgoing(), &mut self.batch);
                }
            }
        }
    }

    /// Moves its session on.
    pub fn drive(&mut self, now: Instant, datagram: Option<(SocketAddr, &mut [u8])>) {
        let handled = match datagram {
            Some((source, bytes)) => self
                .session
                .handle_datagram(now, source, self.address, bytes),
            None => self
                .session
                .handle_timeout(now, &mut self.batch)
                .map(|()| FromSession::Nothing),
        };
        match handled.unwrap_or_else(|error| panic!("{}: {error}", self.name)) {
            FromSession::Media(packet) => self.receive(now, &packet),
            FromSession::Dropped(_) | FromSession::Nothing => {}
        }
        loop {
            match self
                .session
                .poll(now, &mut self.batch)
                .unwrap_or_else(|error| panic!("{}: {error}", self.name))
            {
                Output::Event(event) => self.notice(event),
                Output::Timeout(_) => return,
            }
        }
    }

    fn receive(&mut self, now: Instant, packet: &MediaPacket<'_>) {
        let Some(track) = self.tracks.get(&packet.section) else {
            return;
        };
        let owner = self
            .known
            .values()
            .find(|info| info.tracks.iter().any(|own| own.sid == *track));
        let Some(owner) = owner else { return };
        let tag = owner
            .attributes
            .get("tag")
            .and_then(|tag| tag.parse().ok())
            .unwrap_or(0);
        self.received
            .entry(track.clone())
            .or_default()
            .take(now, packet, tag);
    }

    fn notice(&mut self, event: Event) {
        match event {
            Event::KeyframeRequest { section } => {
                let session = &self.session;
                let asked = |track: &&mut Published| {
                    track.mid.as_ref().and_then(|mid| session.section_of(mid)) == Some(section)
                };
                if let Some(track) = self.published.iter_mut().find(asked) {
                    for stream in &mut track.streams {
                        stream.wants_keyframe = true;
                    }
                }
            }
            Event::Data(_, bytes) => {
                let packet = DataPacket::decode(&*bytes).expect("the server forwards packets");
                if let Some(data_packet::Value::User(user)) = packet.value {
                    let text = String::from_utf8_lossy(&user.payload).into_owned();
                    self.messages.push((packet.participant_identity, text));
                }
            }
            Event::Connected
            | Event::PathLost
            | Event::PathRestored
            | Event::Broken { .. }
            | Event::Estimate(_)
            | Event::ChannelOpen(_)
            | Event::ChannelWritable(_)
            | Event::Stats(_)
            | Event::Closed => {}
        }
    }

    /// What it receives of somebody, by kind.
    pub fn received_from(&self, other: &str, kind: MediaKind) -> Option<&Received> {
        let info = self.known.values().find(|info| info.identity == other)?;
        let wanted = if kind == MediaKind::Video {
            TrackType::Video
        } else {
            TrackType::Audio
        };
        let track = info
            .tracks
            .iter()
            .rev()
            .find(|track| track.r#type() == wanted)?;
        self.received.get(&track.sid)
    }
}
