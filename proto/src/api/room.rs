//! Rooms.

use serde::{Deserialize, Deserializer, Serialize};

use super::{StartRecording, Timestamp};
use crate::ids::RoomName;

/// A room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Room {
    /// Id of this life of the room; a room of the same name that is made later has another.
    #[schema(example = "RM_aQ3kXbW7cT9z")]
    pub sid: String,
    /// The room's name.
    #[serde(with = "super::name::room")]
    #[schema(value_type = String, example = "standup")]
    pub name: RoomName,
    /// When the room was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Seconds the room stays if nobody ever joins.
    pub empty_timeout: u32,
    /// Seconds the room stays after the last participant left.
    pub departure_timeout: u32,
    /// Most participants at once.
    pub max_participants: u32,
    /// Text of yours that every participant sees.
    pub metadata: String,
    /// What is recorded by itself when somebody comes; nothing if it is null.
    pub recording: Option<StartRecording>,
    /// Participants now in the room.
    pub num_participants: u32,
    /// Those of them who publish a track.
    pub num_publishers: u32,
}

/// What to make a room with. Settings left out take the server's defaults (`[room]` in its configuration).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRoom {
    /// The room's name: 1 to 256 bytes, no control characters.
    #[serde(with = "super::name::room")]
    #[schema(value_type = String, min_length = 1, max_length = 256, example = "standup")]
    pub name: RoomName,
    /// Seconds the room stays if nobody ever joins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 604800)]
    pub empty_timeout: Option<u32>,
    /// Seconds the room stays after the last participant left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 604800)]
    pub departure_timeout: Option<u32>,
    /// Most participants at once, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub max_participants: Option<u32>,
    /// Text of yours that every participant sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
    /// What is recorded by itself, from the first participant to the last, as if somebody had asked for this
    /// recording when the first joins; null for nothing. It takes the grant `roomRecord` as well.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<StartRecording>)]
    pub recording: Option<Option<StartRecording>>,
}

/// What to change of a room. What is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeRoom {
    /// What is recorded by itself, given as a whole; null for nothing. It counts for the next recording that begins
    /// by itself, which is at once if there are people in the room; one that runs goes on as it is.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<StartRecording>)]
    pub recording: Option<Option<StartRecording>>,
}

/// Tells null from what is left out.
fn given<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<StartRecording>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Longest time-out of a room, in seconds: a week.
const MAX_TIMEOUT: u32 = 604_800;

impl CreateRoom {
    /// A room of this name with the server's defaults.
    pub fn named(name: RoomName) -> Self {
        Self {
            name,
            empty_timeout: None,
            departure_timeout: None,
            max_participants: None,
            metadata: None,
            recording: None,
        }
    }

    /// The first field whose value makes no sense whatever the server's limits, and what to change.
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        if self.max_participants == Some(0) {
            return Some((
                "max_participants",
                "max_participants must be at least 1; leave it out for the default",
            ));
        }
        if self
            .empty_timeout
            .is_some_and(|seconds| seconds > MAX_TIMEOUT)
        {
            return Some((
                "empty_timeout",
                "empty_timeout must be at most 604800 seconds (a week)",
            ));
        }
        if self
            .departure_timeout
            .is_some_and(|seconds| seconds > MAX_TIMEOUT)
        {
            return Some((
                "departure_timeout",
                "departure_timeout must be at most 604800 seconds (a week)",
            ));
        }
        None
    }

    /// The first setting that `room` has otherwise. Settings left out agree with anything.
    pub fn differs_from(&self, room: &Room) -> Option<&'static str> {
        let differs = |asked: Option<u32>, has: u32| asked.is_some_and(|asked| asked != has);
        if differs(self.empty_timeout, room.empty_timeout) {
            Some("empty_timeout")
        } else if differs(self.departure_timeout, room.departure_timeout) {
            Some("departure_timeout")
        } else if differs(self.max_participants, room.max_participants) {
            Some("max_participants")
        } else if self
            .metadata
            .as_ref()
            .is_some_and(|asked| *asked != room.metadata)
        {
            Some("metadata")
        } else if self
            .recording
            .as_ref()
            .is_some_and(|asked| *asked != room.recording)
        {
            Some("recording")
        } else {
            None
        }
    }
}

/// One page of rooms, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RoomList {
    /// The rooms of this page.
    pub rooms: Vec<Room>,
    /// Pass this as `cursor` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::super::{BodyError, read};
    use super::*;

    #[test]
    fn a_bad_name_is_an_error_that_says_why() {
        let error = read::<CreateRoom>(br#"{"name": ""}"#).unwrap_err();

        let expected = BodyError::Field {
            field: "name".to_owned(),
            detail: "name: must not be empty".to_owned(),
        };
        assert_eq!(error, expected);
    }

    #[test]
    fn null_is_told_from_what_is_left_out() {
        let recording = |json: &str| read::<ChangeRoom>(json.as_bytes()).unwrap().recording;

        assert_eq!(recording("{}"), None);
        assert_eq!(recording(r#"{"recording": null}"#), Some(None));
        let all = Some(Some(StartRecording::default()));
        assert_eq!(recording(r#"{"recording": {}}"#), all);
    }

    #[test]
    fn settings_left_out_agree_with_anything() {
        let room = Room {
            sid: "RM_x".to_owned(),
            name: RoomName::new("blue").unwrap(),
            created_at: Timestamp::from_unix_ms(0),
            empty_timeout: 300,
            departure_timeout: 20,
            max_participants: 200,
            metadata: "m".to_owned(),
            recording: None,
            num_participants: 0,
            num_publishers: 0,
        };
        let ask = CreateRoom::named(room.name.clone());

        assert_eq!(ask.differs_from(&room), None);
        assert_eq!(
            CreateRoom {
                empty_timeout: Some(300),
                ..ask.clone()
            }
            .differs_from(&room),
            None
        );
        assert_eq!(
            CreateRoom {
                metadata: Some(String::new()),
                ..ask.clone()
            }
            .differs_from(&room),
            Some("metadata")
        );
        let recorded = |recording| {
            let ask = ask.clone();
            CreateRoom { recording, ..ask }.differs_from(&room)
        };
        assert_eq!(recorded(Some(None)), None);
        let all = Some(Some(StartRecording::default()));
        assert_eq!(recorded(all), Some("recording"));
    }
}
