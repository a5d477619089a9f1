//! Scenarios that come with the tester.

/// Name and text of each.
pub const SHIPPED: [(&str, &str); 10] = [
    ("smoke", include_str!("../../scenarios/smoke.toml")),
    (
        "audio-room",
        include_str!("../../scenarios/audio-room.toml"),
    ),
    ("meeting", include_str!("../../scenarios/meeting.toml")),
    (
        "large-meeting",
        include_str!("../../scenarios/large-meeting.toml"),
    ),
    ("broadcast", include_str!("../../scenarios/broadcast.toml")),
    ("webinar", include_str!("../../scenarios/webinar.toml")),
    ("stage", include_str!("../../scenarios/stage.toml")),
    ("churn", include_str!("../../scenarios/churn.toml")),
    (
        "one-to-one",
        include_str!("../../scenarios/one-to-one.toml"),
    ),
    (
        "small-meetings",
        include_str!("../../scenarios/small-meetings.toml"),
    ),
];

/// The text of a shipped scenario.
pub fn shipped(name: &str) -> Option<&'static str> {
    SHIPPED
        .iter()
        .find(|(own, _)| *own == name)
        .map(|(_, text)| *text)
}
