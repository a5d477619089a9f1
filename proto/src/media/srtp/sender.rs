//! Sealing of what is sent to one peer.

use std::fmt;
use std::sync::Arc;

use super::SrtpError;
use super::rtcp::{RTCP_INDEX_MAX, RtcpWord, sender_ssrc};
use super::transform::Transform;
use crate::media::tap::{ClearPacket, Protocol, Tap, Way};

/// Seals RTP and RTCP packets for one peer.
pub struct SrtpSender {
    rtp: Transform,
    rtcp: Transform,
    /// Of the next RTCP packet, whatever its SSRC: one counter is unique for each of them.
    next_rtcp_index: u32,
    tap: Option<Arc<dyn Tap>>,
}

impl SrtpSender {
    pub(super) const fn new(rtp: Transform, rtcp: Transform) -> Self {
        Self {
            rtp,
            rtcp,
            next_rtcp_index: 0,
            tap: None,
        }
    }

    /// Shows a tap what is sealed from now on.
    pub fn set_tap(&mut self, tap: Arc<dyn Tap>) {
        self.tap = Some(tap);
    }

    /// Appends header, sealed payload and tag to `out`.
    ///
    /// `index` is the sequence number extended to 48 bits. A pair of SSRC and index must not come
    /// twice with different content: it would reveal both.
    ///
    /// # Errors
    /// [`SrtpError::Exhausted`] if `index` has more than 48 bits. `out` is as before on any error.
    pub fn seal_rtp(
        &self,
        header: &[u8],
        payload: &[u8],
        ssrc: u32,
        index: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), SrtpError> {
        let start = out.len();
        self.rtp
            .append_rtp(header, payload, ssrc, index, out)
            .inspect_err(|_| out.truncate(start))?;
        self.show(Protocol::Rtp, [header, payload]);
        Ok(())
    }

    /// Seals the packet composed at the end of `out`, from `start` on, whose header has
    /// `header_bytes`. The rest is as for [`Self::seal_rtp`].
    ///
    /// # Errors
    /// [`SrtpError::TooShort`] if `out` has less than the header from `start` on,
    /// [`SrtpError::Exhausted`] if `index` has more than 48 bits. `out` is cut at `start` on any
    /// error, so that no plain packet stays behind.
    pub fn seal_rtp_in_place(
        &self,
        out: &mut Vec<u8>,
        start: usize,
        header_bytes: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<(), SrtpError> {
        // Ahead of sealing, which leaves nothing plain; it fails only for a stream at its end.
        if let Some(plain) = out.get(start..) {
            self.show(Protocol::Rtp, [plain, &[]]);
        }
        self.rtp
            .seal_rtp(out, start, header_bytes, ssrc, index)
            .inspect_err(|_| out.truncate(start))
    }

    /// Appends the sealed compound RTCP packet to `out`.
    ///
    /// # Errors
    /// [`SrtpError::TooShort`] if the packet has no sender SSRC, [`SrtpError::Exhausted`] after
    /// 2^31 packets. `out` is as before on any error.
    pub fn seal_rtcp(&mut self, packet: &[u8], out: &mut Vec<u8>) -> Result<(), SrtpError> {
        let ssrc = sender_ssrc(packet).ok_or(SrtpError::TooShort)?;
        if self.next_rtcp_index > RTCP_INDEX_MAX {
            return Err(SrtpError::Exhausted);
        }
        let word = RtcpWord::encrypted(self.next_rtcp_index);
        self.next_rtcp_index += 1;
        let start = out.len();
        self.rtcp
            .append_rtcp(packet, ssrc, word, out)
            .inspect_err(|_| out.truncate(start))?;
        self.show(Protocol::Rtcp, [packet, &[]]);
        Ok(())
    }

    fn show(&self, protocol: Protocol, parts: [&[u8]; 2]) {
        if let Some(tap) = &self.tap {
            tap.handle_packet(&ClearPacket {
                way: Way::Sent,
                protocol,
                parts,
            });
        }
    }

    /// Goes on from another SRTCP index, as the test vectors ask.
    #[cfg(test)]
    pub(super) const fn with_rtcp_index(mut self, index: u32) -> Self {
        self.next_rtcp_index = index;
        self
    }
}

/// Without the keys.
impl fmt::Debug for SrtpSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SrtpSender")
            .field("next_rtcp_index", &self.next_rtcp_index)
            .finish_non_exhaustive()
    }
}
