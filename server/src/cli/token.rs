//! `plenary token`

use std::collections::BTreeMap;
use std::time::Duration;

use clap::{Args, ValueEnum};
use proto::ids::{Identity, RoomName};
use proto::token::{ApiKeys, Claims, VideoGrant};

use super::{CliError, load, say};
use crate::clock;
use crate::config::ConfigFlags;

/// Make a token to join a room or to call the API.
///
/// Signed with an API key of the configuration, and shown alone on a line.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  plenary token --room blue --identity ann                     join as ann
  plenary token --room blue --identity ann --no-publish        join and only listen
  plenary token --room blue --grant room_admin                 manage one room by the API
  plenary token --grant room_create --grant room_list --ttl 10m   make and list rooms
  curl -H \"Authorization: Bearer $(plenary token --grant room_list)\" localhost:7880/v1/rooms")]
pub(super) struct MakeToken {
    /// The room the token is for.
    #[arg(long)]
    room: Option<String>,
    /// Who will join; with a room, this gives the grant to join.
    #[arg(long, requires = "room")]
    identity: Option<String>,
    /// The name others see.
    #[arg(long, requires = "identity")]
    name: Option<String>,
    /// How long the token lives: seconds, or with a unit like `90s`, `10m`, `6h`, `2d`.
    #[arg(long, default_value = "6h", value_parser = parse_ttl)]
    ttl: Duration,
    /// A further grant; may be given several times.
    #[arg(long, value_enum)]
    grant: Vec<Grant>,
    /// The participant may not publish tracks.
    #[arg(long)]
    no_publish: bool,
    /// The participant may not subscribe to tracks.
    #[arg(long)]
    no_subscribe: bool,
    /// The participant's first metadata.
    #[arg(long)]
    metadata: Option<String>,
    /// One of the participant's first attributes; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_attribute)]
    attribute: Vec<(String, String)>,
    /// The API key to sign with; the first one if left out.
    #[arg(long)]
    key: Option<String>,
    #[command(flatten)]
    flags: ConfigFlags,
}

/// A grant that can be given by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Grant {
    /// Make and end rooms.
    RoomCreate,
    /// List rooms.
    RoomList,
    /// Manage the room.
    RoomAdmin,
    /// Record the room.
    RoomRecord,
    /// Change one's own name, metadata and attributes.
    CanUpdateOwnMetadata,
    /// Not be shown to others.
    Hidden,
    /// Be a recorder.
    Recorder,
    /// Be an agent.
    Agent,
}

impl MakeToken {
    pub(super) fn run(self) -> Result<(), CliError> {
        let config = load(&self.flags)?.config;
        config.check_keys()?;
        let keys = ApiKeys::new(config.keys);
        let token = keys
            .sign(
                &self.claims()?,
                self.key.as_deref(),
                clock::unix_now(),
                self.ttl,
            )
            .map_err(|error| CliError::Usage(error.to_string()))?;
        say(token);
        Ok(())
    }

    fn claims(&self) -> Result<Claims, CliError> {
        let usage = |text: String| CliError::Usage(text);
        if let Some(room) = &self.room {
            RoomName::new(room).map_err(|error| usage(format!("--room {error}")))?;
        }
        if let Some(identity) = &self.identity {
            Identity::new(identity).map_err(|error| usage(format!("--identity {error}")))?;
        }
        let has = |grant| self.grant.contains(&grant);
        if self.identity.is_none() && self.grant.is_empty() {
            return Err(usage(
                "the token would allow nothing: give --room and --identity, or a --grant"
                    .to_owned(),
            ));
        }
        if has(Grant::RoomAdmin) && self.room.is_none() {
            return Err(usage("--grant room_admin needs --room".to_owned()));
        }
        let video = VideoGrant {
            room_join: self.identity.is_some(),
            room: self.room.clone().unwrap_or_default(),
            room_create: has(Grant::RoomCreate),
            room_list: has(Grant::RoomList),
            room_admin: has(Grant::RoomAdmin),
            room_record: has(Grant::RoomRecord),
            can_publish: self.no_publish.then_some(false),
            can_subscribe: self.no_subscribe.then_some(false),
            can_update_own_metadata: has(Grant::CanUpdateOwnMetadata).then_some(true),
            hidden: has(Grant::Hidden),
            recorder: has(Grant::Recorder),
            agent: has(Grant::Agent),
            ..VideoGrant::default()
        };
        Ok(Claims {
            identity: self.identity.clone().unwrap_or_default(),
            name: self.name.clone().unwrap_or_default(),
            metadata: self.metadata.clone().unwrap_or_default(),
            attributes: self.attribute.iter().cloned().collect::<BTreeMap<_, _>>(),
            video,
            ..Claims::default()
        })
    }
}

fn parse_ttl(text: &str) -> Result<Duration, String> {
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err("the unit must be s, m, h or d".to_owned()),
    };
    let seconds = number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit))
        .filter(|s| *s > 0);
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| "must be a time like 90s, 10m, 6h or 2d".to_owned())
}

fn parse_attribute(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("must be KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(parse_ttl("90"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_ttl("2d"), Ok(Duration::from_secs(172_800)));
        for text in [
            "",
            "0",
            "h",
            "-1h",
            "1w",
            "99999999999999999999",
            "9999999999999999999d",
        ] {
            assert!(parse_ttl(text).is_err(), "{text}");
        }
    }
}
