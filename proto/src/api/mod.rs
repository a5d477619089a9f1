//! The types of the control API: what comes in and goes out as JSON under `/v1`.
//!
//! Requests refuse what they do not know ([`read`]); answers are plain data. The OpenAPI document
//! is generated from these types, so their doc comments are what API users read.

mod body;
mod mix;
mod participant;
mod problem;
mod recording;
mod room;
mod timestamp;
mod token;

pub use body::{BodyError, nearest, read};
pub use mix::{Mix, MixListener, SetMix};
pub use participant::{
    Encoding, Participant, ParticipantList, ParticipantState, Permission, Quality, Track,
    TrackKind, TrackSource,
};
pub use problem::{Problem, ProblemKind};
pub use recording::{
    ChangeRecording, CompositeCodec, CompositeFile, CompositeFileState, CompositeMode, Recording,
    RecordingFile, RecordingList, RecordingState, StartRecording, StoredRecording,
    StoredRecordingState,
};
pub use room::{ChangeRoom, CreateRoom, Room, RoomList};
pub use timestamp::Timestamp;
pub use token::{CreateToken, Grants, Token};

pub use crate::token::{GrantedSource, ParticipantKind};

/// Lets the checked names of [`crate::ids`] stand in JSON; a bad name is an error that says why.
mod name {
    macro_rules! as_text {
        ($module:ident, $name:ty) => {
            pub(crate) mod $module {
                use serde::{Deserialize, Deserializer, Serializer, de::Error};

                pub(crate) fn serialize<S: Serializer>(
                    name: &$name,
                    serializer: S,
                ) -> Result<S::Ok, S::Error> {
                    serializer.serialize_str(name.as_str())
                }

                pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
                    deserializer: D,
                ) -> Result<$name, D::Error> {
                    <$name>::new(&String::deserialize(deserializer)?).map_err(D::Error::custom)
                }
            }
        };
    }

    as_text!(room, crate::ids::RoomName);
    as_text!(identity, crate::ids::Identity);

    /// An identity that may be left out.
    pub(crate) mod optional_identity {
        use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

        use crate::ids::Identity;

        pub(crate) fn serialize<S: Serializer>(
            name: &Option<Identity>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            name.as_ref().map(Identity::as_str).serialize(serializer)
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Identity>, D::Error> {
            Option::<String>::deserialize(deserializer)?
                .map(|name| Identity::new(&name).map_err(D::Error::custom))
                .transpose()
        }
    }
}
