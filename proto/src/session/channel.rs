//! Data channels as LiveKit clients use them.

use str0m::channel::{ChannelConfig, ChannelId, Reliability};

use super::Session;

/// The channels of a session, by what they are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataChannel {
    /// `_reliable`: ordered, nothing lost.
    Reliable,
    /// `_lossy`: unordered, sent once.
    Lossy,
    /// `_data_track`: frames of data tracks, unordered, sent once.
    DataTrack,
}

impl DataChannel {
    /// Every channel.
    pub const ALL: [Self; 3] = [Self::Reliable, Self::Lossy, Self::DataTrack];

    /// The label in the channel's opening message.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Reliable => "_reliable",
            Self::Lossy => "_lossy",
            Self::DataTrack => "_data_track",
        }
    }

    fn from_label(label: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|channel| channel.label() == label)
    }
}

#[derive(Debug, Default)]
pub(super) struct Channels {
    open: Vec<(DataChannel, ChannelId)>,
}

impl Channels {
    pub(super) fn opened(&mut self, id: ChannelId, label: &str) -> Option<DataChannel> {
        let channel = DataChannel::from_label(label)?;
        self.open.retain(|(open, _)| *open != channel);
        self.open.push((channel, id));
        Some(channel)
    }

    pub(super) fn closed(&mut self, id: ChannelId) {
        self.open.retain(|(_, open)| *open != id);
    }

    pub(super) fn of(&self, id: ChannelId) -> Option<DataChannel> {
        self.open
            .iter()
            .find(|(_, open)| *open == id)
            .map(|(channel, _)| *channel)
    }

    fn id(&self, channel: DataChannel) -> Option<ChannelId> {
        self.open
            .iter()
            .find(|(open, _)| *open == channel)
            .map(|(_, id)| *id)
    }
}

impl Session {
    /// Whether a channel is open.
    pub fn has_channel(&self, channel: DataChannel) -> bool {
        self.transport.channels.id(channel).is_some()
    }

    /// Sends a message. Returns whether it was taken: not when the channel is closed or the peer
    /// reads so slowly that the buffer is full; try again at
    /// [`Event::ChannelWritable`](super::Event::ChannelWritable).
    pub fn write_channel(&mut self, channel: DataChannel, message: &[u8]) -> bool {
        let Some(id) = self.transport.channels.id(channel) else {
            return false;
        };
        self.is_transport_touched = true;
        let Some(mut open) = self.transport.rtc.channel(id) else {
            return false;
        };
        open.write(true, message).unwrap_or(false)
    }
}

/// How a channel is opened.
pub(super) fn config(channel: DataChannel) -> ChannelConfig {
    let lossy = channel != DataChannel::Reliable;
    ChannelConfig {
        label: channel.label().to_owned(),
        ordered: !lossy,
        reliability: if lossy {
            Reliability::MaxRetransmits { retransmits: 0 }
        } else {
            Reliability::Reliable
        },
        ..ChannelConfig::default()
    }
}
