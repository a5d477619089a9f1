//! Session keys from a master key (RFC 3711 §4.3), by the AES-CM generator of the master key's
//! size (RFC 6188 for 256 bits). The key derivation rate is 0: keys are derived once.

use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;

use super::SrtpError;

/// What a derived key is for (RFC 3711 §4.3.2).
#[derive(Debug, Clone, Copy)]
pub(super) enum Label {
    RtpCipher = 0,
    RtpAuthentication = 1,
    RtpSalt = 2,
    RtcpCipher = 3,
    RtcpAuthentication = 4,
    RtcpSalt = 5,
}

/// A master key and salt of one direction.
pub(super) struct MasterKey {
    generator: EncryptingKey,
    /// The salt from the highest bit on, zeros behind it.
    salt: u128,
}

impl MasterKey {
    pub(super) fn new(key: &[u8], salt: &[u8]) -> Result<Self, SrtpError> {
        let algorithm = if key.len() == 32 { &AES_256 } else { &AES_128 };
        let generator = UnboundCipherKey::new(algorithm, key)
            .and_then(EncryptingKey::ctr)
            .map_err(|_| SrtpError::Crypto)?;
        // RFC 7714 §11: a salt of 12 bytes is used as one of 14 that ends with zeros.
        let mut padded = [0; 16];
        padded
            .get_mut(..salt.len())
            .ok_or(SrtpError::Crypto)?
            .copy_from_slice(salt);
        Ok(Self {
            generator,
            salt: u128::from_be_bytes(padded),
        })
    }

    /// The first bytes of the key stream for a label.
    pub(super) fn derive<const N: usize>(&self, label: Label) -> Result<[u8; N], SrtpError> {
        // RFC 3711 §4.3.1: the label is above the 48 bits of the index, which are zero, and AES-CM
        // counts in 16 bits more (§4.3.3).
        let start = self.salt ^ ((label as u128) << 64);
        let mut key = [0; N];
        self.generator
            .less_safe_encrypt(
                &mut key,
                EncryptionContext::Iv128(FixedLength::from(start.to_be_bytes())),
            )
            .map_err(|_| SrtpError::Crypto)?;
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::hex;
    use super::*;

    /// RFC 3711 appendix B.3.
    #[test]
    fn derives_the_keys_of_rfc_3711() {
        let master = MasterKey::new(
            &hex("e1f97a0d3e018be0d64fa32c06de4139"),
            &hex("0ec675ad498afeebb6960b3aabe6"),
        )
        .unwrap();

        let key = master.derive::<16>(Label::RtpCipher).unwrap();
        let salt = master.derive::<14>(Label::RtpSalt).unwrap();
        let authentication = master.derive::<94>(Label::RtpAuthentication).unwrap();

        assert_eq!(key[..], hex("c61e7a93744f39ee10734afe3ff7a087"));
        assert_eq!(salt[..], hex("30cbbc08863d8c85d49db34a9ae1"));
        assert_eq!(
            authentication[..],
            hex(
                "cebe321f6ff7716b6fd4ab49af256a156d38baa48f0a0acf3c34e2359e6cdbce
                 e049646c43d9327ad175578ef72270986371c10c9a369ac2f94a8c5fbcdddc25
                 6d6e919a48b610ef17c2041e474035766b68642c59bbfc2f34db60dbdfb2"
            )
        );
    }

    /// RFC 6188 §7.2.
    #[test]
    fn derives_the_keys_of_rfc_6188() {
        let master = MasterKey::new(
            &hex("f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6"),
            &hex("3b04803de51ee7c96423ab5b78d2"),
        )
        .unwrap();

        let key = master.derive::<32>(Label::RtpCipher).unwrap();
        let salt = master.derive::<14>(Label::RtpSalt).unwrap();
        let authentication = master.derive::<20>(Label::RtpAuthentication).unwrap();

        assert_eq!(
            key[..],
            hex("5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4")
        );
        assert_eq!(salt[..], hex("fa31791685ca444a9e07c6c64e93"));
        assert_eq!(
            authentication[..],
            hex("fd9c32d39ed5fbb5a9dc96b30818454d1313dc05")
        );
    }

    #[test]
    fn derives_another_key_for_every_label() {
        let master = MasterKey::new(&[1; 16], &[2; 14]).unwrap();

        let keys: std::collections::BTreeSet<[u8; 16]> = [
            Label::RtpCipher,
            Label::RtpAuthentication,
            Label::RtpSalt,
            Label::RtcpCipher,
            Label::RtcpAuthentication,
            Label::RtcpSalt,
        ]
        .into_iter()
        .map(|label| master.derive(label).unwrap())
        .collect();

        assert_eq!(keys.len(), 6);
    }

    #[test]
    fn refuses_a_key_of_another_length() {
        assert!(MasterKey::new(&[0; 24], &[0; 14]).is_err());
        assert!(MasterKey::new(&[0; 16], &[0; 17]).is_err());
    }
}
