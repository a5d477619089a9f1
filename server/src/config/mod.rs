//! The configuration: one typed value from a TOML file, the environment and flags.
//!
//! Every setting has one name in three spellings: `room.empty_timeout` in the file,
//! `PLENARY_ROOM_EMPTY_TIMEOUT` in the environment, `--room-empty-timeout` as a flag. A flag wins
//! over the environment, the environment over the file, the file over the defaults. A setting
//! nobody knows is an error that names the nearest one. Documentation is made from this file.

mod check;
mod flags;
pub mod keys;
mod load;
mod settings;
mod show;
mod store;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use proto::api::{CompositeMode, StartRecording};
use proto::token::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use check::Warning;
pub use flags::ConfigFlags;
pub use load::{ConfigError, Loaded, Origin};
pub use settings::{Field, Form};
pub use show::{effective, example, reference};

use settings::settings;

settings! {
    /// Everything that can be set.
    Config in "" {
        /// Runs for trying out and developing, on this machine only: binds loopback addresses and refuses
        /// others, makes a random API key for this start if none is given, and gives guests tokens.
        dev: bool = false,
        /// The address people and SDKs reach this server at, such as `https://conference.example.com`.
        /// Join links are made with it; left out, they are made with the `Host` of the request.
        public_url: Option<String> = None,
        /// IP addresses to offer to clients for media, instead of those of this machine's interfaces.
        /// Needed behind NAT and in containers.
        advertise: Vec<IpAddr> = Vec::new(),
        /// Threads that carry media, each with a UDP port of its own; `auto` is one for each core.
        workers: Workers = Workers::Auto,
        /// API keys and their secrets. The environment takes `key: secret`, several with commas or new lines
        /// between, also as `LIVEKIT_KEYS`. There is no flag, because everyone on a machine can read those.
        keys: BTreeMap<String, Secret> = BTreeMap::new(),
        /// A file of API keys, one `key: secret` on a line, that only its owner can read.
        key_file: Option<PathBuf> = None,
    }
    with {
        /// The public HTTP and WebSocket server.
        http: Http,
        /// The HTTP server for operators.
        admin: Admin,
        /// Media.
        udp: Udp,
        /// What rooms are like unless their creator says otherwise.
        room: Room,
        /// Recordings.
        recording: Recording,
        /// The web app.
        web: Web,
        /// Bounds on what others can make this server hold.
        limits: Limits,
        /// Logging.
        log: Log,
        /// Help for those who search for a fault.
        debug: Debugging,
    }
}

settings! {
    /// The public HTTP and WebSocket server.
    Http in "http" {
        /// Addresses to listen on; with `dev` the default is port 7880 of the loopback addresses.
        listen: Vec<SocketAddr> = any_address(HTTP_PORT),
    }
}

settings! {
    /// The HTTP server for operators: `/metrics`, `/healthz` and profiles.
    Admin in "admin" {
        /// Address to listen on. It has no authentication: keep it on loopback or a private network.
        listen: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 7889)),
    }
}

settings! {
    /// Media over UDP.
    Udp in "udp" {
        /// Address to bind; `::` takes IPv4 as well. Also with `dev`: Firefox sends media from no loopback
        /// address, so it could not hold a conference on its own machine otherwise. Nobody gets in by this port
        /// without a token, which `dev` gives on loopback addresses only.
        bind: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        /// Port of the first worker; each further worker takes the next one.
        port: u16 = 7882,
    }
}

settings! {
    /// What rooms are like unless their creator says otherwise.
    Room in "room" {
        /// Makes a room when somebody with a valid token joins it. This is LiveKit's default; switched off, a
        /// room must be made by the API before anyone can join.
        auto_create: bool = true,
        /// Seconds a room stays if nobody ever joins.
        empty_timeout: u32 = 300,
        /// Seconds a room stays after the last participant left.
        departure_timeout: u32 = 20,
        /// Most participants in a room.
        max_participants: u32 = 200,
        /// Participants of a room that one worker takes before the room spreads to another, and so over all
        /// cores. More keeps rooms on one core, where they cost least.
        worker_participants: u32 = 32,
        /// What rooms record by themselves from the first participant to the last: `off` for nothing, `tracks`, or
        /// with a composite that is made `after` or `live`. Who makes a room by the API may say otherwise.
        record: RoomRecord = RoomRecord::Off,
    }
}

settings! {
    /// Recordings.
    Recording in "recording" {
        /// The folder recordings are kept in, made with the first one. It is its owner's alone, and nothing in it
        /// is deleted but by the API, or when `recording.store` has it and `recording.store.keep_local` is off.
        folder: PathBuf = PathBuf::from("recordings"),
        /// Recordings at the same time.
        max_running: u32 = 100,
        /// Bytes that have to be free on the disk of `folder` for a recording to begin.
        min_free_bytes: usize = 2_147_483_648,
        /// When fewer bytes are free, recordings end.
        stop_free_bytes: usize = 268_435_456,
    }
    with {
        /// Where recordings are uploaded.
        store: Store,
    }
}

settings! {
    /// An object store that speaks S3, to which recordings are uploaded when they have ended.
    Store in "recording.store" {
        /// The bucket recordings are uploaded to. Left out, they stay in `recording.folder` only.
        bucket: Option<String> = None,
        /// What the names of all objects begin with, such as `plenary/recordings`.
        prefix: String = String::new(),
        /// Address of the store, such as `https://minio.example.com:9000`; left out, it is AWS.
        endpoint: Option<String> = None,
        /// The store's region. AWS needs it, others mostly take any.
        region: Option<String> = None,
        /// Id of the access key. Left out, the role of the machine is used (EC2, ECS, EKS).
        access_key_id: Option<String> = None,
        /// The access key's secret. There is no flag, because everyone on a machine can read those.
        secret_access_key: Option<Secret> = None,
        /// Puts the bucket into the path of addresses, as all stores understand it, and not into the host's name.
        path_style: bool = true,
        /// Allows an `endpoint` without TLS, on a network that nobody else listens to.
        allow_http: bool = false,
        /// Keeps the files of recordings that the store has. Switched off, pictures and sound are deleted from
        /// `recording.folder` as soon as all of a recording is in the store.
        keep_local: bool = true,
        /// Bytes of a part in which large files are sent, at least 5 MiB; two are in memory at most. Files of more
        /// than 10,000 parts, as many as S3 takes, are sent in larger ones.
        part_bytes: usize = 8_388_608,
    }
}

settings! {
    /// The web app at `/`.
    Web in "web" {
        /// Serves the web app. Switched off, `/` only says `OK`, and SDKs and the API work as before.
        enabled: bool = true,
        /// Lets anyone who can reach this server get a token for any room, as a guest. On with `dev`.
        guest_tokens: bool = false,
    }
}

settings! {
    /// Bounds on what others can make this server hold. None of them can be switched off.
    Limits in "limits" {
        /// Rooms on this node.
        rooms: u32 = 10_000,
        /// Participants on this node, over all rooms.
        participants: u32 = 10_000,
        /// Open connections to the public HTTP server, WebSockets among them.
        connections: u32 = 20_000,
        /// Joins a second from one address, in the long run. Behind one address there may be a whole school,
        /// or a load test.
        joins_per_second: u32 = 20,
        /// Joins from one address at once, before `joins_per_second` holds.
        join_burst: u32 = 100,
        /// Bytes of a request's line and headers; a LiveKit join puts its offer and token there.
        header_bytes: usize = 65_536,
        /// Bytes of an API request's body.
        api_body_bytes: usize = 1_048_576,
        /// Bytes of a room's metadata.
        room_metadata_bytes: usize = 65_536,
        /// Bytes of a participant's metadata.
        participant_metadata_bytes: usize = 16_384,
        /// Attributes of a participant.
        attributes: usize = 64,
        /// Rooms that are mixed at the same time, up to 64; each takes about half a core. With 0 none is.
        mixes: u32 = 4,
        /// Answers kept for `Idempotency-Key`; the oldest goes first.
        idempotency_keys: usize = 10_000,
    }
}

settings! {
    /// Logging, to standard error.
    Log in "log" {
        /// What is logged: `error`, `warn`, `info`, `debug`, `trace`, or a list such as `info,plenary::worker=debug`.
        level: String = "info".to_owned(),
        /// `text` for people, `json` for machines.
        format: LogFormat = LogFormat::Text,
    }
}

settings! {
    /// Help for those who search for a fault.
    Debugging in "debug" {
        /// A folder to write RTP and RTCP to in the clear, with a file for each participant that Wireshark reads:
        /// everything that is said and shown. The files are their owner's alone, and never deleted by the server.
        rtp_dump: Option<PathBuf> = None,
        /// Rooms to write the media of; empty for all.
        rtp_dump_rooms: Vec<String> = Vec::new(),
        /// Identities of the participants to write the media of; empty for all.
        rtp_dump_identities: Vec<String> = Vec::new(),
    }
}

/// LiveKit's port.
const HTTP_PORT: u16 = 7880;

/// Every address of this machine. The two sockets do not overlap, see [`crate::http`].
fn any_address(port: u16) -> Vec<SocketAddr> {
    vec![
        SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
        SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)),
    ]
}

/// The addresses only this machine can reach.
fn loopback_address(port: u16) -> Vec<SocketAddr> {
    vec![
        SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        SocketAddr::from((Ipv6Addr::LOCALHOST, port)),
    ]
}

impl Config {
    /// Every setting there is, in the order of the documentation.
    pub fn fields() -> impl Iterator<Item = &'static Field> {
        [
            Self::FIELDS,
            Http::FIELDS,
            Admin::FIELDS,
            Udp::FIELDS,
            Room::FIELDS,
            Recording::FIELDS,
            Store::FIELDS,
            Web::FIELDS,
            Limits::FIELDS,
            Log::FIELDS,
            Debugging::FIELDS,
        ]
        .into_iter()
        .flatten()
    }

    /// What is set when nobody sets anything.
    fn defaults(dev: bool) -> Self {
        let mut config = Self::default();
        if dev {
            config.http.listen = loopback_address(HTTP_PORT);
            config.web.guest_tokens = true;
        }
        config
    }
}

/// How many threads carry media.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workers {
    /// One for each core.
    Auto,
    /// This many.
    Count(NonZeroUsize),
}

impl Workers {
    /// Most threads that may be asked for; each takes a port.
    const MAX: usize = 256;

    /// How many that is on this machine.
    pub fn count(self) -> usize {
        match self {
            Self::Auto => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
            Self::Count(count) => count.get(),
        }
    }
}

impl Serialize for Workers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Count(count) => count.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Workers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;

        impl de::Visitor<'_> for Form {
            type Value = Workers;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("\"auto\" or a number from 1 to 256")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Workers, E> {
                usize::try_from(number)
                    .ok()
                    .filter(|count| *count <= Workers::MAX)
                    .and_then(NonZeroUsize::new)
                    .map(Workers::Count)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Signed(number), &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Workers, E> {
                if text == "auto" {
                    return Ok(Workers::Auto);
                }
                let number = text
                    .parse()
                    .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))?;
                self.visit_i64(number)
            }
        }

        deserializer.deserialize_any(Form)
    }
}

/// What rooms record by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomRecord {
    /// Nothing.
    Off,
    /// Every track.
    Tracks,
    /// Every track, and a composite of them when the recording has ended.
    After,
    /// Every track, and a composite meanwhile.
    Live,
}

impl RoomRecord {
    /// What is asked for when a recording begins by itself.
    pub fn recording(self) -> Option<StartRecording> {
        let composite = match self {
            Self::Off => return None,
            Self::Tracks => CompositeMode::None,
            Self::After => CompositeMode::After,
            Self::Live => CompositeMode::Live,
        };
        Some(StartRecording {
            composite,
            ..StartRecording::default()
        })
    }
}

/// What a line of the log looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object on a line.
    Json,
}
