//! DTLS identity and crypto shared by all sessions of a process, and the keys of a handshake.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use str0m::crypto::dtls::{
    DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, ProtocolVersion,
};
use str0m::crypto::{CryptoError, CryptoProvider};

use super::SessionError;
use crate::media::srtp::{self, SrtpProfile, SrtpReceiver, SrtpSender};

/// Largest DTLS datagram: fits the 1,200 bytes that pass everywhere (RFC 8831 §5).
const DTLS_MTU_BYTES: usize = 1_150;

/// One certificate and one checked crypto configuration, made at start and shared by every session.
///
/// Building the configuration tests every key exchange and signature of the library, about
/// 0.9 ms; a session that shares it costs about 0.15 ms. The key lives in memory only.
#[derive(Clone)]
pub struct DtlsIdentity {
    provider: Arc<CryptoProvider>,
    certificate: DtlsCert,
}

impl DtlsIdentity {
    /// Makes a new ECDSA P-256 key and self-signed certificate.
    ///
    /// The provider lives as long as the process, as str0m asks: call this once.
    ///
    /// # Errors
    /// [`SessionError::Crypto`] if the crypto library fails its own tests.
    pub fn generate() -> Result<Self, SessionError> {
        let crypto = |reason: String| SessionError::Crypto(reason);
        // ICE proves return routability before DTLS starts, so cookies would only add a round trip.
        let config = dimpl::Config::builder()
            .with_crypto_provider(str0m_aws_lc_rs::dimpl_crypto_provider())
            .use_server_cookie(false)
            .mtu(DTLS_MTU_BYTES)
            .build()
            .map_err(|error| crypto(error.to_string()))?;
        let dtls = Box::leak(Box::new(CachedDtls {
            config: Arc::new(config),
        }));
        let certificate = dtls
            .generate_certificate()
            .ok_or_else(|| crypto("no certificate".to_owned()))?;
        let provider = CryptoProvider {
            dtls_provider: dtls,
            ..str0m_aws_lc_rs::default_provider()
        };
        Ok(Self {
            provider: Arc::new(provider),
            certificate,
        })
    }

    pub(super) fn provider(&self) -> Arc<CryptoProvider> {
        Arc::clone(&self.provider)
    }

    pub(super) fn certificate(&self) -> DtlsCert {
        self.certificate.clone()
    }
}

impl fmt::Debug for DtlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DtlsIdentity(..)")
    }
}

#[derive(Debug)]
struct CachedDtls {
    config: Arc<dimpl::Config>,
}

impl DtlsProvider for CachedDtls {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        let made = dimpl::certificate::generate_self_signed_certificate().ok()?;
        Some(DtlsCert {
            certificate: made.certificate,
            private_key: made.private_key,
        })
    }

    fn new_dtls(
        &self,
        certificate: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        _mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        if version != DtlsVersion::Dtls12 {
            return Err(CryptoError::Other(format!("{version} is not offered")));
        }
        let certificate = dimpl::DtlsCertificate {
            certificate: certificate.certificate.clone(),
            private_key: certificate.private_key.clone(),
        };
        Ok(Box::new(Dtls(dimpl::Dtls::new_12(
            Arc::clone(&self.config),
            certificate,
            now,
        ))))
    }
}

/// What a handshake has agreed on for SRTP (RFC 5764 §4.2).
pub(super) struct Keys {
    profile: SrtpProfile,
    material: Vec<u8>,
    is_client: bool,
}

impl Keys {
    pub(super) fn contexts(&self) -> Result<(SrtpSender, SrtpReceiver), SessionError> {
        srtp::contexts(self.profile, &self.material, self.is_client)
            .map_err(|error| SessionError::Crypto(error.to_string()))
    }
}

thread_local! {
    /// The keys that came out of the session this thread is driving. str0m gives them to nobody,
    /// and does not tell its DTLS provider which session it is called for; but the provider is
    /// called while that session is driven.
    static KEYS: RefCell<Option<Keys>> = const { RefCell::new(None) };
}

/// Takes the keys of a handshake that came to its end since the last call, on this thread: call it
/// after everything that drives a session.
pub(super) fn take_keys() -> Option<Keys> {
    KEYS.take()
}

/// dimpl's DTLS as str0m drives it.
struct Dtls(dimpl::Dtls);

impl fmt::Debug for Dtls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dtls(..)")
    }
}

impl DtlsInstance for Dtls {
    fn set_active(&mut self, active: bool) {
        self.0.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.0.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buffer: &'a mut [u8]) -> DtlsOutput<'a> {
        let is_client = self.0.is_active();
        let output = self.0.poll_output(buffer);
        if let DtlsOutput::KeyingMaterial(material, profile) = &output {
            let profile = match profile {
                dimpl::SrtpProfile::AEAD_AES_256_GCM => SrtpProfile::AeadAes256Gcm,
                dimpl::SrtpProfile::AEAD_AES_128_GCM => SrtpProfile::AeadAes128Gcm,
                dimpl::SrtpProfile::AES128_CM_SHA1_80 => SrtpProfile::AesCm128HmacSha1_80,
                // One that is not offered.
                _ => return output,
            };
            KEYS.set(Some(Keys {
                profile,
                material: material.to_vec(),
                is_client,
            }));
            // Not for str0m, which would keep 9 kB of ciphers for media it never sees. It has been
            // told that the handshake is done, and takes no notice when told again.
            return DtlsOutput::Connected;
        }
        output
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.0.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.0.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.0.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.0.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.0.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.0.close()
    }
}
