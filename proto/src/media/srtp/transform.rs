//! The protection of one kind of packet in one direction, whatever the profile.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM};

use super::cm::{self, CmHmac};
use super::derive::{Label, MasterKey};
use super::gcm::{self, Gcm};
use super::rtcp::{RTCP_WORD_BYTES, RtcpWord};
use super::{SrtpError, SrtpProfile};

/// Highest index of an SRTP packet: 32 bits of roll-over counter and the sequence number. Beyond
/// it, nonces would repeat.
const RTP_INDEX_MAX: u64 = (1 << 48) - 1;

/// The kind of packets a transform is for; each has session keys of its own.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Rtp,
    Rtcp,
}

/// Prepared session keys of one kind of packet in one direction.
pub(super) enum Transform {
    Gcm(Gcm),
    /// Apart, for its size: every session has four of these, and hardly any peer is without GCM.
    CmHmac(Box<CmHmac>),
}

impl Transform {
    pub(super) fn derive(
        profile: SrtpProfile,
        master: &MasterKey,
        kind: Kind,
    ) -> Result<Self, SrtpError> {
        let (key, authentication, salt) = match kind {
            Kind::Rtp => (Label::RtpCipher, Label::RtpAuthentication, Label::RtpSalt),
            Kind::Rtcp => (
                Label::RtcpCipher,
                Label::RtcpAuthentication,
                Label::RtcpSalt,
            ),
        };
        Ok(match profile {
            SrtpProfile::AeadAes256Gcm => Self::Gcm(Gcm::new(
                &AES_256_GCM,
                &master.derive::<32>(key)?,
                master.derive(salt)?,
            )?),
            SrtpProfile::AeadAes128Gcm => Self::Gcm(Gcm::new(
                &AES_128_GCM,
                &master.derive::<16>(key)?,
                master.derive(salt)?,
            )?),
            SrtpProfile::AesCm128HmacSha1_80 => Self::CmHmac(Box::new(CmHmac::new(
                master.derive(key)?,
                master.derive(authentication)?,
                master.derive(salt)?,
            )?)),
        })
    }

    /// Appends header, sealed payload and tag to `out`.
    pub(super) fn append_rtp(
        &self,
        header: &[u8],
        payload: &[u8],
        ssrc: u32,
        index: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), SrtpError> {
        check_rtp_index(index)?;
        let start = out.len();
        out.reserve(header.len() + payload.len() + self.tag_bytes());
        out.extend_from_slice(header);
        match self {
            Self::Gcm(gcm) => {
                let body = out.len();
                out.resize(body + payload.len() + gcm::TAG_BYTES, 0);
                gcm.seal_rtp_from(header, payload, ssrc, index, &mut out[body..])
            }
            Self::CmHmac(cm) => {
                out.extend_from_slice(payload);
                out.resize(out.len() + cm::TAG_BYTES, 0);
                cm.seal_rtp(&mut out[start..], header.len(), ssrc, index)
            }
        }
    }

    /// Seals the packet at the end of `out`, from `start` on.
    pub(super) fn seal_rtp(
        &self,
        out: &mut Vec<u8>,
        start: usize,
        header_bytes: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<(), SrtpError> {
        check_rtp_index(index)?;
        if out.len() < start.saturating_add(header_bytes) {
            return Err(SrtpError::TooShort);
        }
        out.resize(out.len() + self.tag_bytes(), 0);
        match self {
            Self::Gcm(gcm) => gcm.seal_rtp(&mut out[start..], header_bytes, ssrc, index),
            Self::CmHmac(cm) => cm.seal_rtp(&mut out[start..], header_bytes, ssrc, index),
        }
    }

    /// Opens a packet in place; returns the length of the plain one.
    pub(super) fn open_rtp(
        &self,
        datagram: &mut [u8],
        header_bytes: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<usize, SrtpError> {
        check_rtp_index(index)?;
        match self {
            Self::Gcm(gcm) => gcm.open_rtp(datagram, header_bytes, ssrc, index),
            Self::CmHmac(cm) => cm.open_rtp(datagram, header_bytes, ssrc, index),
        }
    }

    /// Appends the sealed compound packet to `out`.
    pub(super) fn append_rtcp(
        &self,
        packet: &[u8],
        ssrc: u32,
        word: RtcpWord,
        out: &mut Vec<u8>,
    ) -> Result<(), SrtpError> {
        let start = out.len();
        let added = self.tag_bytes() + RTCP_WORD_BYTES;
        out.reserve(packet.len() + added);
        out.extend_from_slice(packet);
        out.resize(out.len() + added, 0);
        match self {
            Self::Gcm(gcm) => gcm.seal_rtcp(&mut out[start..], ssrc, word),
            Self::CmHmac(cm) => cm.seal_rtcp(&mut out[start..], ssrc, word),
        }
    }

    /// The word in a sealed compound packet: GCM has it last, AES-CM before the tag.
    pub(super) fn rtcp_word(&self, datagram: &[u8]) -> Option<RtcpWord> {
        match self {
            Self::Gcm(_) => RtcpWord::read(datagram, 0),
            Self::CmHmac(_) => RtcpWord::read(datagram, cm::TAG_BYTES),
        }
    }

    /// Opens a compound packet in place; returns the length of the plain one.
    pub(super) fn open_rtcp(
        &self,
        datagram: &mut [u8],
        ssrc: u32,
        word: RtcpWord,
    ) -> Result<usize, SrtpError> {
        match self {
            Self::Gcm(gcm) => gcm.open_rtcp(datagram, ssrc, word),
            Self::CmHmac(cm) => cm.open_rtcp(datagram, ssrc, word),
        }
    }

    const fn tag_bytes(&self) -> usize {
        match self {
            Self::Gcm(_) => gcm::TAG_BYTES,
            Self::CmHmac(_) => cm::TAG_BYTES,
        }
    }
}

const fn check_rtp_index(index: u64) -> Result<(), SrtpError> {
    if index > RTP_INDEX_MAX {
        return Err(SrtpError::Exhausted);
    }
    Ok(())
}
