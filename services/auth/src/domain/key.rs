use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::error::Unspecified;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use secrecy::SecretSlice;

/// The half of a signing key that everybody may know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublishedKey {
    /// The thumbprint of the key (RFC 7638).
    pub(crate) id: String,
    /// The public key in base64url, `x` of RFC 8037.
    pub(crate) x: String,
}

/// An Ed25519 key pair that signs access tokens.
#[derive(Debug)]
pub(crate) struct SigningKey {
    pub(crate) published: PublishedKey,
    pub(crate) pkcs8: SecretSlice<u8>,
}

impl SigningKey {
    /// # Errors
    /// When the system has no randomness to give.
    pub(crate) fn generate() -> Result<Self, Unspecified> {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())?;
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).map_err(|_| Unspecified)?;
        let x = URL_SAFE_NO_PAD.encode(pair.public_key());
        Ok(Self {
            published: PublishedKey {
                id: thumbprint(&x),
                x,
            },
            pkcs8: SecretSlice::from(pkcs8.as_ref().to_vec()),
        })
    }
}

fn thumbprint(x: &str) -> String {
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::{SigningKey, thumbprint};

    #[test]
    fn a_thumbprint_is_that_of_rfc_8037() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        assert_eq!(thumbprint(x), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn the_private_half_is_never_shown() {
        let key = SigningKey::generate().unwrap();
        assert!(format!("{key:?}").contains("REDACTED"));
    }
}
