//! Tokens to join with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{GrantedSource, Timestamp};
use crate::ids::Identity;

/// What to make a join token with. Everything may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    /// Who will join; left out, the server makes one up. Without a token of your own it must begin with `guest-`.
    #[serde(
        default,
        with = "super::name::optional_identity",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 256, example = "ann")]
    pub identity: Option<Identity>,
    /// The name others see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the participant may do; left out, everything an ordinary participant may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<Grants>,
    /// Seconds until the token can no longer be used to join: 6 h if left out, at most 24 h, for guests 6 h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 86400)]
    pub ttl: Option<u32>,
    /// The participant's first metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
    /// The participant's first attributes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

/// What a participant may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Grants {
    /// May publish tracks.
    pub can_publish: bool,
    /// May subscribe to tracks.
    pub can_subscribe: bool,
    /// May send data; left out, follows `can_publish`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_publish_data: Option<bool>,
    /// What may be published; empty means every source.
    pub can_publish_sources: Vec<GrantedSource>,
    /// May change their own name, metadata and attributes.
    pub can_update_own_metadata: bool,
    /// May manage this room by this API. The token ends no later than the one it is made with.
    pub room_admin: bool,
    /// May record this room. Only a token that itself has `roomRecord` for it can give this; a server in `dev` gives
    /// it to guests unasked.
    pub room_record: bool,
    /// Is not shown to others. Only a token that itself is `hidden` can give this.
    pub hidden: bool,
    /// Is recording the room. Only a token that itself is `recorder` can give this.
    pub recorder: bool,
    /// Is an agent. Only a token that itself is `agent` can give this.
    pub agent: bool,
}

impl Default for Grants {
    fn default() -> Self {
        Self {
            can_publish: true,
            can_subscribe: true,
            can_publish_data: None,
            can_publish_sources: Vec::new(),
            can_update_own_metadata: true,
            room_admin: false,
            room_record: false,
            hidden: false,
            recorder: false,
            agent: false,
        }
    }
}

/// A token and where to use it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Token {
    /// The token: pass it to a LiveKit client SDK.
    pub token: String,
    /// The server's address for a LiveKit client SDK.
    #[schema(example = "wss://conference.example.com")]
    pub url: String,
    /// Who will join.
    #[serde(with = "super::name::identity")]
    #[schema(value_type = String, example = "guest-aQ3kXbW7cT9z")]
    pub identity: Identity,
    /// The room's page with the token in it, to open in a browser.
    #[schema(example = "https://conference.example.com/room/standup#token=eyJ...")]
    pub join_link: String,
    /// When the token ends.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}
