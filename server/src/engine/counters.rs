//! What an engine counts.

use proto::media::Dropped;

/// Why a datagram or a packet went nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// Neither STUN nor DTLS nor RTP.
    NotOurs,
    /// DTLS or RTP from an address that has not passed ICE.
    UnknownAddress,
    /// A STUN request for no session of ours, or with a wrong password.
    StunNotAccepted,
    /// Media of a section that carries no publication.
    NoPublication,
    /// A payload whose header cannot be read.
    MalformedPayload,
    /// RTP or RTCP that cannot be read, or came before there were keys.
    MalformedMedia,
    /// RTP or RTCP that was taken already, or is too old to tell.
    Replayed,
    /// RTP or RTCP whose tag is not right.
    NotAuthentic,
    /// RTP of a payload type or in a stream that nobody has agreed on, or too many streams.
    UnknownStream,
    /// RTP with nothing in it, by intention.
    Padding,
    /// A codec the receiver does not take.
    CodecNotTaken,
    /// A packet that was too old when it was its turn to leave, or was asked for again.
    NotKept,
    /// A packet for a receiver whose path is too slow for what it gets.
    PaceTooSlow,
    /// A lossy message to a receiver that reads too slowly.
    SlowReader,
    /// A data message that cannot be read or is not allowed.
    DataRefused,
    /// A packet or data message for a segment of the room whose worker does not keep up.
    LinkFull,
    /// A packet for a recording or a mix that does not keep up.
    ListenerFull,
}

impl DropReason {
    /// Every reason.
    pub const ALL: [Self; 17] = [
        Self::NotOurs,
        Self::UnknownAddress,
        Self::StunNotAccepted,
        Self::NoPublication,
        Self::MalformedPayload,
        Self::MalformedMedia,
        Self::Replayed,
        Self::NotAuthentic,
        Self::UnknownStream,
        Self::Padding,
        Self::CodecNotTaken,
        Self::NotKept,
        Self::PaceTooSlow,
        Self::SlowReader,
        Self::DataRefused,
        Self::LinkFull,
        Self::ListenerFull,
    ];

    /// The reason as a label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::NotOurs => "not_ours",
            Self::UnknownAddress => "unknown_address",
            Self::StunNotAccepted => "stun_not_accepted",
            Self::NoPublication => "no_publication",
            Self::MalformedPayload => "malformed_payload",
            Self::MalformedMedia => "malformed_media",
            Self::Replayed => "replayed",
            Self::NotAuthentic => "not_authentic",
            Self::UnknownStream => "unknown_stream",
            Self::Padding => "padding",
            Self::CodecNotTaken => "codec_not_taken",
            Self::NotKept => "not_kept",
            Self::PaceTooSlow => "pace_too_slow",
            Self::SlowReader => "slow_reader",
            Self::DataRefused => "data_refused",
            Self::LinkFull => "link_full",
            Self::ListenerFull => "listener_full",
        }
    }
}

impl From<Dropped> for DropReason {
    fn from(dropped: Dropped) -> Self {
        match dropped {
            Dropped::Malformed => Self::MalformedMedia,
            Dropped::Replayed => Self::Replayed,
            Dropped::NotAuthentic => Self::NotAuthentic,
            Dropped::UnknownPayloadType | Dropped::UnknownStream | Dropped::TooManyStreams => {
                Self::UnknownStream
            }
            Dropped::Padding => Self::Padding,
        }
    }
}

/// Totals since the start, and present numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams received.
    pub datagrams_in: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Datagrams to send.
    pub datagrams_out: u64,
    /// Bytes to send.
    pub bytes_out: u64,
    /// Media packets received, authenticated and decrypted.
    pub packets_in: u64,
    /// Media packets forwarded.
    pub packets_out: u64,
    /// Media packets sent again because they were missed.
    pub packets_resent: u64,
    /// Media packets sent to other segments of their rooms.
    pub packets_linked: u64,
    /// What was dropped, by reason.
    pub dropped: [u64; DropReason::ALL.len()],
    /// Participants let in.
    pub joins: u64,
    /// Participants refused.
    pub joins_refused: u64,
    /// Sessions resumed.
    pub resumes: u64,
    /// Sessions ended by a panic.
    pub panics: u64,
    /// Sessions ended by an error of their transport.
    pub session_errors: u64,
    /// Keyframes asked of publishers.
    pub keyframe_requests: u64,
    /// Signalling messages received.
    pub signal_messages: u64,
    /// Rooms open that have their home here.
    pub rooms: u64,
    /// Rooms that have a segment here, their home among them.
    pub segments: u64,
    /// Participants present.
    pub participants: u64,
    /// Tracks published.
    pub publications: u64,
    /// Subscriptions.
    pub subscriptions: u64,
}

impl Counters {
    pub(super) fn drop(&mut self, reason: DropReason) {
        self.dropped[reason as usize] += 1;
    }
}
