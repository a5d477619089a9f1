//! Opening of what one peer sends.

use std::fmt;
use std::sync::Arc;

use super::SrtpError;
use super::replay::SenderWindows;
use super::rtcp::sender_ssrc;
use super::transform::Transform;
use crate::media::tap::{ClearPacket, Protocol, Tap, Way};

/// Opens RTP and RTCP packets of one peer.
///
/// What a refused datagram has in its buffer afterwards is unspecified.
pub struct SrtpReceiver {
    rtp: Transform,
    rtcp: Transform,
    rtcp_senders: SenderWindows,
    tap: Option<Arc<dyn Tap>>,
}

impl SrtpReceiver {
    pub(super) const fn new(rtp: Transform, rtcp: Transform) -> Self {
        Self {
            rtp,
            rtcp,
            rtcp_senders: SenderWindows::new(),
            tap: None,
        }
    }

    /// Shows a tap what is opened from now on.
    pub fn set_tap(&mut self, tap: Arc<dyn Tap>) {
        self.tap = Some(tap);
    }

    /// Authenticates and decrypts an RTP packet in place; returns the length of header and
    /// payload.
    ///
    /// Keeps no replay state: `index` comes from the stream's [`SequenceWindow`], which tells
    /// replays before, and learns of the packet after.
    ///
    /// # Errors
    /// [`SrtpError::TooShort`], [`SrtpError::NotAuthentic`], or [`SrtpError::Exhausted`] if
    /// `index` has more than 48 bits.
    ///
    /// [`SequenceWindow`]: super::SequenceWindow
    pub fn open_rtp(
        &self,
        datagram: &mut [u8],
        header_bytes: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<usize, SrtpError> {
        let length = self.rtp.open_rtp(datagram, header_bytes, ssrc, index)?;
        self.show(Protocol::Rtp, datagram, length);
        Ok(length)
    }

    /// Authenticates and decrypts a compound RTCP packet in place; returns the length of the
    /// plain one.
    ///
    /// A packet that is authentic but not encrypted is accepted (RFC 3711 §3.4).
    ///
    /// # Errors
    /// [`SrtpError::TooShort`], [`SrtpError::Replayed`] or [`SrtpError::NotAuthentic`].
    pub fn open_rtcp(&mut self, datagram: &mut [u8]) -> Result<usize, SrtpError> {
        let ssrc = sender_ssrc(datagram).ok_or(SrtpError::TooShort)?;
        let word = self.rtcp.rtcp_word(datagram).ok_or(SrtpError::TooShort)?;
        let index = word.index().into();
        if !self.rtcp_senders.is_new(ssrc, index) {
            return Err(SrtpError::Replayed);
        }
        let length = self.rtcp.open_rtcp(datagram, ssrc, word)?;
        self.rtcp_senders.insert(ssrc, index);
        self.show(Protocol::Rtcp, datagram, length);
        Ok(length)
    }

    fn show(&self, protocol: Protocol, datagram: &[u8], length: usize) {
        if let Some(tap) = &self.tap
            && let Some(plain) = datagram.get(..length)
        {
            tap.handle_packet(&ClearPacket {
                way: Way::Received,
                protocol,
                parts: [plain, &[]],
            });
        }
    }
}

/// Without the keys.
impl fmt::Debug for SrtpReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SrtpReceiver")
            .field("rtcp_senders", &self.rtcp_senders)
            .finish_non_exhaustive()
    }
}
