//! Rooms and forwarding decisions on clear packets: selective forwarding (RFC 7667 §3.7).
//!
//! A [`Router`] knows rooms, participants, publications and subscriptions. It decides who gets
//! which packet of which encoding, with which numbers, and knows no sockets, crypto, SDP or clock.
//!
//! - A participant *publishes* a track in one or more *encodings*; others *subscribe* to it.
//! - [`Router::handle_packet`] is the way of a packet: [`select`] decides whether this receiver
//!   gets this encoding, [`rewrite`] makes its numbers continuous.
//! - [`allocate`] divides a receiver's bandwidth into targets, [`keyframe`] asks publishers for
//!   the keyframes a switch needs, [`speaker`] finds who speaks.
//! - A room may have *segments* in several routers: [`Router::links_of`] tells who else gets a
//!   packet, once for each segment that wants its encoding.
//! - What is to be done outside comes from [`Router::poll_event`].
//!
//! Not implemented: dropping temporal and spatial layers inside an encoding (SVC streams are
//! forwarded whole).
#![forbid(unsafe_code)]

pub mod allocate;
mod forward;
pub mod keyframe;
mod keys;
pub mod limits;
mod participant;
mod publication;
pub mod rewrite;
mod room;
mod router;
mod segment;
pub mod select;
pub mod speaker;
mod subscription;
mod tick;

pub use forward::{Forward, Packet};
pub use keys::{ParticipantKey, PublicationKey, RoomKey, SubscriptionKey};
pub use participant::{
    NewParticipant, Participant, PermissionChange, SubscriptionPermission, SubscriptionPermissions,
};
pub use publication::{EncodingInfo, NewPublication, Publication};
pub use room::Room;
pub use router::{
    Ended, EndedSubscription, Event, LimitReached, Router, SpeakerChange, SubscriptionChange,
};
pub use subscription::{SectionOutput, Subscription, Wanted};
