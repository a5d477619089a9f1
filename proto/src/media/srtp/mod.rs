//! SRTP and SRTCP: what DTLS-SRTP keys protect (RFC 3711, RFC 5764, RFC 7714).
//!
//! 1. The DTLS handshake chooses an [`SrtpProfile`] and exports keying material.
//! 2. [`contexts`] derives the session keys of both directions and prepares them once.
//! 3. [`SrtpSender`] and [`SrtpReceiver`] seal and open packets in the caller's buffers.
//! 4. The caller keeps a [`SequenceWindow`] per incoming RTP stream: it gives the index that
//!    [`SrtpReceiver::open_rtp`] needs, and tells replays. SRTCP carries its index, so the
//!    receiver keeps the windows of SRTCP itself.
//!
//! Not implemented: MKI, a key derivation rate other than 0, encrypted header extensions
//! (RFC 6904), and the profiles with a shortened or without a tag.

mod cm;
mod derive;
mod error;
mod gcm;
mod profile;
mod receiver;
mod replay;
mod rtcp;
mod sender;
mod sequence;
#[cfg(test)]
mod tests;
mod transform;

pub use error::SrtpError;
pub use profile::SrtpProfile;
pub use receiver::SrtpReceiver;
pub use replay::MAX_RTCP_SENDERS;
pub use sender::SrtpSender;
pub use sequence::SequenceWindow;

use derive::MasterKey;
use transform::{Kind, Transform};

/// Prepares both directions from the keying material of a DTLS-SRTP handshake.
///
/// # Errors
/// [`SrtpError::KeyingMaterial`] if the length is not that of the profile.
pub fn contexts(
    profile: SrtpProfile,
    material: &[u8],
    is_dtls_client: bool,
) -> Result<(SrtpSender, SrtpReceiver), SrtpError> {
    let (client, server) = master_keys(profile, material)?;
    let (ours, theirs) = if is_dtls_client {
        (client, server)
    } else {
        (server, client)
    };
    Ok((
        SrtpSender::new(
            Transform::derive(profile, &ours, Kind::Rtp)?,
            Transform::derive(profile, &ours, Kind::Rtcp)?,
        ),
        SrtpReceiver::new(
            Transform::derive(profile, &theirs, Kind::Rtp)?,
            Transform::derive(profile, &theirs, Kind::Rtcp)?,
        ),
    ))
}

/// Master keys of what the DTLS client and the DTLS server send. RFC 5764 §4.2: client key,
/// server key, client salt, server salt.
fn master_keys(profile: SrtpProfile, material: &[u8]) -> Result<(MasterKey, MasterKey), SrtpError> {
    let expected = profile.keying_material_bytes();
    if material.len() != expected {
        return Err(SrtpError::KeyingMaterial {
            expected,
            actual: material.len(),
        });
    }
    let (keys, salts) = material.split_at(2 * profile.key_bytes());
    let (client_key, server_key) = keys.split_at(profile.key_bytes());
    let (client_salt, server_salt) = salts.split_at(profile.salt_bytes());
    Ok((
        MasterKey::new(client_key, client_salt)?,
        MasterKey::new(server_key, server_salt)?,
    ))
}
