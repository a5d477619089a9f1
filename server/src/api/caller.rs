//! Who calls, and what they may do.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use proto::api::ProblemKind;
use proto::ids::RoomName;
use proto::token::{ApiKeys, Claims};

use super::failure::Failure;
use crate::clock;

/// Somebody with a good token.
#[derive(Debug)]
pub(super) struct Caller(pub(super) Claims);

/// Somebody with a good token, or nobody in particular. A bad token is refused.
#[derive(Debug)]
pub(super) struct MaybeCaller(pub(super) Option<Caller>);

impl<S> FromRequestParts<S> for MaybeCaller
where
    ApiKeys: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Some(header) = parts.headers.get(AUTHORIZATION) else {
            return Ok(Self(None));
        };
        let token = header
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or_else(|| {
                Failure::new(
                    ProblemKind::Unauthorized,
                    "Authorization must be `Bearer` and a token",
                )
            })?;
        let claims = ApiKeys::from_ref(state)
            .verify(token, clock::unix_now())
            .map_err(|error| Failure::new(ProblemKind::Unauthorized, error.to_string()))?;
        Ok(Self(Some(Caller(claims))))
    }
}

impl<S> FromRequestParts<S> for Caller
where
    ApiKeys: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let MaybeCaller(caller) = MaybeCaller::from_request_parts(parts, state).await?;
        caller.ok_or_else(|| {
            Failure::new(
                ProblemKind::Unauthorized,
                "there is no token: send it as `Authorization: Bearer <token>`",
            )
        })
    }
}

impl Caller {
    /// Refuses callers who may not make and end rooms.
    pub(super) fn require_create(&self) -> Result<(), Failure> {
        self.require(self.0.video.room_create, "roomCreate")
    }

    /// Refuses callers who may not list rooms.
    pub(super) fn require_list(&self) -> Result<(), Failure> {
        self.require(self.0.video.room_list, "roomList")
    }

    /// Refuses callers who may not manage this room.
    pub(super) fn require_admin(&self, room: &RoomName) -> Result<(), Failure> {
        self.require(
            self.is_admin_of(room),
            &format!("roomAdmin with room {:?}", room.as_str()),
        )
    }

    /// Refuses callers who may neither manage this room nor make rooms.
    pub(super) fn require_read(&self, room: &RoomName) -> Result<(), Failure> {
        let may = self.is_admin_of(room) || self.0.video.room_create;
        self.require(
            may,
            &format!("roomAdmin with room {:?} (or roomCreate)", room.as_str()),
        )
    }

    /// Refuses callers who may not record this room.
    pub(super) fn require_record(&self, room: &str) -> Result<(), Failure> {
        self.require(
            self.may_record(room),
            &format!("roomRecord (with no room, or with {room:?})"),
        )
    }

    /// Whether the caller records rooms, or this one if the token names one.
    pub(super) fn may_record(&self, room: &str) -> bool {
        let video = &self.0.video;
        video.room_record && (video.room.is_empty() || video.room == room)
    }

    /// Whoever records all rooms.
    pub(super) fn require_record_all(&self) -> Result<(), Failure> {
        let video = &self.0.video;
        let may = video.room_record && video.room.is_empty();
        self.require(may, "roomRecord, with no room")
    }

    fn is_admin_of(&self, room: &RoomName) -> bool {
        self.0.video.room_admin && self.0.video.room == room.as_str()
    }

    fn require(&self, may: bool, grant: &str) -> Result<(), Failure> {
        if may {
            return Ok(());
        }
        Err(Failure::new(
            ProblemKind::Forbidden,
            format!(
                "this needs the grant {grant}; the token has {}",
                self.grants()
            ),
        ))
    }

    /// The grants of the API that the token does have, for people.
    fn grants(&self) -> String {
        let video = &self.0.video;
        let of_room = |grant: &str| format!("{grant} with room {:?}", video.room);
        let grants: Vec<String> = [
            video.room_create.then(|| "roomCreate".to_owned()),
            video.room_list.then(|| "roomList".to_owned()),
            video.room_record.then(|| match video.room.as_str() {
                "" => "roomRecord".to_owned(),
                _ => of_room("roomRecord"),
            }),
            video.room_admin.then(|| of_room("roomAdmin")),
            video.room_join.then(|| of_room("roomJoin")),
        ]
        .into_iter()
        .flatten()
        .collect();
        if grants.is_empty() {
            "none".to_owned()
        } else {
            grants.join(", ")
        }
    }
}
