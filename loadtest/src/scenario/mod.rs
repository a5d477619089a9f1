//! A scenario: what a load consists of, as data.
//!
//! Scenarios are TOML files; those shipped are in `loadtest/scenarios`. Flags change single values
//! of them. [`plan`] turns one into participants, each with its times and its part.

pub mod bars;
mod layout;
pub mod plan;
mod shipped;

use anyhow::{Context, Result, ensure};
use proto::codec::Codec;
use serde::{Deserialize, Serialize};

pub use bars::Bars;
pub use layout::{Layout, Tile};
pub use shipped::{SHIPPED, shipped};

/// Publishers of a run; their number is in every stamp.
const MAX_PUBLISHERS: usize = 65_535;

/// What a load consists of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// What it is like, in a line.
    pub summary: String,
    /// Number of rooms; each holds every group.
    pub rooms: usize,
    /// Seconds from when everybody is there to the end.
    pub duration_s: f64,
    /// Participants that join in a second, over all rooms.
    pub join_rate: f64,
    /// Kinds of participants of a room.
    #[serde(rename = "group")]
    pub groups: Vec<Group>,
    /// What cameras send.
    #[serde(default)]
    pub video: Video,
    /// What microphones send.
    #[serde(default)]
    pub audio: Audio,
    /// Who comes and goes.
    #[serde(default)]
    pub churn: Churn,
    /// Messages.
    #[serde(default)]
    pub data: Data,
    /// What must hold.
    #[serde(default)]
    pub bars: Bars,
}

/// Participants of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// How many in each room.
    pub count: usize,
    /// Whether they publish a camera.
    #[serde(default)]
    pub video: bool,
    /// Whether they publish a microphone.
    #[serde(default)]
    pub audio: bool,
    /// Whom they watch, and how large.
    #[serde(default)]
    pub layout: Layout,
}

impl Group {
    /// Whether they publish anything.
    pub fn publishes(&self) -> bool {
        self.video || self.audio
    }
}

/// What cameras send.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Video {
    /// `vp8`, `vp9` or `h264`.
    pub codec: VideoCodec,
    /// Frames a second.
    pub fps: u32,
    /// Temporal layers, 1 to 3; H.264 has one.
    pub temporal_layers: u8,
    /// Encodings, lowest first; more than one is simulcast.
    pub encodings: Vec<Encoding>,
    /// Seconds of the loop that is sent; it begins with a keyframe.
    pub loop_s: f64,
    /// Different pictures made; publishers beyond it share them. Each costs a second or two at
    /// the start. Whose a stream is tells the stamp in any case.
    pub cards: u16,
}

impl Default for Video {
    fn default() -> Self {
        let encoding = |width, height, kbps| Encoding {
            width,
            height,
            kbps,
        };
        Self {
            codec: VideoCodec::Vp8,
            fps: 30,
            temporal_layers: 3,
            encodings: vec![
                encoding(320, 180, 150),
                encoding(640, 360, 500),
                encoding(1280, 720, 1_700),
            ],
            loop_s: 4.0,
            cards: 8,
        }
    }
}

/// A video codec the tester can send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum VideoCodec {
    /// RFC 7741.
    Vp8,
    /// RFC 9628.
    Vp9,
    /// RFC 6184.
    H264,
}

impl VideoCodec {
    /// The codec of the session.
    pub fn codec(self) -> Codec {
        match self {
            Self::Vp8 => Codec::Vp8,
            Self::Vp9 => Codec::Vp9,
            Self::H264 => Codec::H264,
        }
    }
}

/// One encoding of a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encoding {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Bit rate, in kbit/s.
    pub kbps: u64,
}

/// What microphones send: 20 ms frames of Opus, a tone for each publisher.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Audio {
    /// How many of a room speak at once; the others send quiet sound.
    pub speakers: usize,
    /// Seconds until others speak.
    pub rotate_s: f64,
}

impl Default for Audio {
    fn default() -> Self {
        Self {
            speakers: 1,
            rotate_s: 5.0,
        }
    }
}

/// Who comes and goes while the others stay.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Churn {
    /// Participants a second, over all rooms, that leave; each comes back after `absence_s`.
    pub leaves_per_second: f64,
    /// Seconds they stay away.
    pub absence_s: f64,
    /// Participants a second, over all rooms, that lose their signalling connection and resume.
    pub reconnects_per_second: f64,
}

/// Messages participants send to their room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Data {
    /// Messages a second, over all participants of a room.
    pub per_second: f64,
    /// Bytes of one.
    pub bytes: usize,
    /// Whether they go by the reliable channel.
    pub reliable: bool,
}

impl Default for Data {
    fn default() -> Self {
        Self {
            per_second: 0.0,
            bytes: 200,
            reliable: true,
        }
    }
}

impl Scenario {
    /// Reads a scenario file's text.
    ///
    /// # Errors
    /// What is wrong with it, by field.
    pub fn parse(text: &str) -> Result<Self> {
        let scenario: Self = toml::from_str(text)?;
        scenario.check()?;
        Ok(scenario)
    }

    /// Finds a scenario: a shipped one by name, else a file.
    ///
    /// # Errors
    /// Neither is there, or it is wrong.
    pub fn find(name: &str) -> Result<Self> {
        if let Some(text) = shipped(name) {
            return Self::parse(text).with_context(|| format!("the shipped scenario {name}"));
        }
        let text = std::fs::read_to_string(name).with_context(|| {
            format!(
                "there is no shipped scenario and no file {name:?}; shipped are: {}",
                SHIPPED.map(|(name, _)| name).join(", ")
            )
        })?;
        Self::parse(&text).with_context(|| format!("the scenario file {name}"))
    }

    /// Changes a value: `video.codec=h264`, `group.1.count=50`. A value that is no TOML is text.
    ///
    /// # Errors
    /// There is no such value, or it may not be that.
    pub fn set(&self, change: &str) -> Result<Self> {
        let (path, value) = change
            .split_once('=')
            .with_context(|| format!("{change:?} is no change; one is video.codec=h264"))?;
        let value = format!("value = {value}")
            .parse::<toml::Table>()
            .ok()
            .and_then(|mut table| table.remove("value"))
            .unwrap_or_else(|| toml::Value::String(value.to_owned()));
        let mut root = toml::Value::try_from(self)?;
        let place = path
            .split('.')
            .try_fold(&mut root, |place, key| match key.parse::<usize>() {
                Ok(index) => place.get_mut(index),
                Err(_) => place.get_mut(key),
            });
        let place = place.with_context(|| format!("there is no {path:?} in a scenario"))?;
        *place = value;
        let changed: Self = root.try_into().with_context(|| change.to_owned())?;
        changed.check().with_context(|| change.to_owned())?;
        Ok(changed)
    }

    /// How large it is: the number of rooms if there are several, else of participants in the
    /// last group.
    pub fn size(&self) -> usize {
        if self.rooms > 1 {
            self.rooms
        } else {
            self.groups.last().map_or(0, |group| group.count)
        }
    }

    /// The same scenario in another size.
    ///
    /// # Errors
    /// It would be too large.
    pub fn with_size(&self, size: usize) -> Result<Self> {
        let mut sized = self.clone();
        if self.rooms > 1 {
            sized.rooms = size;
        } else if let Some(group) = sized.groups.last_mut() {
            group.count = size;
        }
        sized.check()?;
        Ok(sized)
    }

    /// Checks values against one another.
    ///
    /// # Errors
    /// Names the field and what it may be.
    pub fn check(&self) -> Result<()> {
        ensure!(self.rooms >= 1, "rooms must be at least 1");
        ensure!(
            self.duration_s.is_finite() && (1.0..=86_400.0).contains(&self.duration_s),
            "duration_s must be from 1 to 86400"
        );
        ensure!(
            self.join_rate.is_finite() && self.join_rate > 0.0,
            "join_rate must be above 0"
        );
        let participants: usize = self.groups.iter().map(|group| group.count).sum();
        ensure!(participants >= 1, "there must be a [[group]] with a count");
        ensure!(
            self.rooms.saturating_mul(participants) <= MAX_PUBLISHERS,
            "at most {MAX_PUBLISHERS} participants in all rooms"
        );
        self.check_video()?;
        ensure!(
            self.audio.rotate_s.is_finite() && self.audio.rotate_s >= 0.5,
            "audio.rotate_s must be at least 0.5"
        );
        let churn = &self.churn;
        for (name, value) in [
            ("leaves_per_second", churn.leaves_per_second),
            ("absence_s", churn.absence_s),
            ("reconnects_per_second", churn.reconnects_per_second),
        ] {
            ensure!(
                (0.0..=10_000.0).contains(&value),
                "churn.{name} must be from 0 to 10000"
            );
        }
        ensure!(
            (0.0..=10_000.0).contains(&self.data.per_second),
            "data.per_second must be from 0 to 10000"
        );
        ensure!(
            (16..=15_000).contains(&self.data.bytes),
            "data.bytes must be from 16 to 15000"
        );
        Ok(())
    }

    fn check_video(&self) -> Result<()> {
        let video = &self.video;
        ensure!(
            (1..=60).contains(&video.fps),
            "video.fps must be from 1 to 60"
        );
        ensure!(
            (1..=3).contains(&video.temporal_layers),
            "video.temporal_layers must be 1, 2 or 3"
        );
        ensure!(
            (1..=3).contains(&video.encodings.len()),
            "video.encodings must have 1 to 3 entries"
        );
        for encoding in &video.encodings {
            ensure!(
                (64..=1920).contains(&encoding.width)
                    && (64..=1080).contains(&encoding.height)
                    && encoding.width % 2 == 0
                    && encoding.height % 2 == 0,
                "video.encodings: width and height must be even, from 64 to 1920 and 1080"
            );
            ensure!(
                (30..=20_000).contains(&encoding.kbps),
                "video.encodings: kbps must be from 30 to 20000"
            );
        }
        ensure!(
            video
                .encodings
                .is_sorted_by_key(|encoding| encoding.width * encoding.height),
            "video.encodings must be in order, smallest first"
        );
        ensure!(
            (1.0..=20.0).contains(&video.loop_s),
            "video.loop_s must be from 1 to 20"
        );
        ensure!(
            (1..=64).contains(&video.cards),
            "video.cards must be from 1 to 64"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_scenario_is_right() {
        for (name, text) in SHIPPED {
            let scenario =
                Scenario::parse(text).unwrap_or_else(|error| panic!("{name}: {error:#}"));
            assert_eq!(scenario.name, name);
        }
    }

    #[test]
    fn says_which_field_is_wrong() {
        let wrong = |from: &str, to: &str| {
            let text = shipped("smoke").expect("shipped");
            assert!(text.contains(from), "{from}");
            let error = Scenario::parse(&text.replace(from, to)).expect_err("refused");
            format!("{error:#}")
        };

        assert!(wrong("rooms = 1", "rooms = 0").contains("rooms"));
        assert!(wrong("join_rate = 10.0", "join_rate = -1.0").contains("join_rate"));
        assert!(wrong("rooms = 1", "roms = 1").contains("roms"));
    }

    #[test]
    fn single_values_can_be_changed() {
        let webinar = Scenario::find("webinar").expect("shipped");

        let changed = webinar.set("video.codec=h264").expect("a codec");
        let changed = changed.set("group.1.count=50").expect("a count");

        assert_eq!(
            (changed.video.codec, changed.size()),
            (VideoCodec::H264, 50)
        );
        let refused = |change: &str| format!("{:#}", webinar.set(change).expect_err("refused"));
        assert!(refused("video.codek=h264").contains("video.codek"));
        assert!(refused("video.codec=theora").contains("theora"));
        assert!(refused("join_rate=-3").contains("join_rate"));
        assert!(refused("join_rate").contains("video.codec=h264"));
    }

    #[test]
    fn an_unknown_scenario_names_those_there_are() {
        let error = Scenario::find("metting").expect_err("not there");

        assert!(format!("{error:#}").contains("meeting"));
    }
}
