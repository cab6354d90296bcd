use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

const DIGITS: usize = 64;

/// What seals secrets that have to be read again, and so cannot be hashed, before they are stored: who reads
/// the database alone learns none of them.
#[derive(Clone)]
pub struct SealingKey(LessSafeKey);

/// It is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 32 bytes as 64 hexadecimal digits")]
pub struct NotASealingKey;

/// What was sealed under another key, for somebody else, or changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed secret cannot be opened; is AUTH_SECRETS_KEY another one now?")]
pub(crate) struct Unopened;

impl SealingKey {
    /// Reads a key of AES-256.
    ///
    /// # Errors
    /// When it is not 64 hexadecimal digits.
    pub fn parse(text: &SecretString) -> Result<Self, NotASealingKey> {
        let text = text.expose_secret();
        if text.len() != DIGITS {
            return Err(NotASealingKey);
        }
        let bytes = SecretSlice::from(hex::decode(text).map_err(|_| NotASealingKey)?);
        let key = UnboundKey::new(&AES_256_GCM, bytes.expose_secret());
        Ok(Self(LessSafeKey::new(key.map_err(|_| NotASealingKey)?)))
    }

    /// Seals `secret` so that it opens for `owner` alone: moved to another document it stays shut.
    ///
    /// Nonces are random. That is safe for some four thousand million secrets under one key.
    pub(crate) fn seal(&self, owner: &[u8], secret: &[u8]) -> Result<Vec<u8>, Unopened> {
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = secret.to_vec();
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(owner),
                &mut sealed,
            )
            .map_err(|_| Unopened)?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// What was sealed for `owner`.
    pub(crate) fn open(&self, owner: &[u8], sealed: &[u8]) -> Result<SecretSlice<u8>, Unopened> {
        let (nonce, sealed) = sealed.split_first_chunk().ok_or(Unopened)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let mut opened = sealed.to_vec();
        let secret = self.0.open_in_place(nonce, Aad::from(owner), &mut opened);
        let secret = secret.map_err(|_| Unopened)?;
        Ok(SecretSlice::from(secret.to_vec()))
    }
}

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SealingKey([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use secrecy::{ExposeSecret as _, SecretString};

    use super::{NotASealingKey, SealingKey, Unopened};

    fn key(digit: &str) -> SealingKey {
        SealingKey::parse(&SecretString::from(digit.repeat(64))).unwrap()
    }

    #[test]
    fn a_secret_opens_for_its_owner_under_its_key() {
        let sealed = key("a").seal(b"ada", b"a secret").unwrap();
        let opened = key("a").open(b"ada", &sealed).unwrap();
        assert_eq!(opened.expose_secret(), b"a secret");
        assert_eq!(key("a").open(b"eve", &sealed).err(), Some(Unopened));
        assert_eq!(key("b").open(b"ada", &sealed).err(), Some(Unopened));
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(key("a").open(b"ada", &changed).is_err(), "byte {place}");
        }
        for short in [&[][..], &sealed[..11], &sealed[..20]] {
            assert!(key("a").open(b"ada", short).is_err());
        }
    }

    #[test]
    fn nothing_is_sealed_alike_twice() {
        let sealed = || key("a").seal(b"ada", b"a secret").unwrap();
        assert_ne!(sealed(), sealed());
    }

    #[test]
    fn a_key_is_64_hexadecimal_digits_and_never_shown() {
        for malformed in ["", "a", &"a".repeat(63), &"a".repeat(65), &"g".repeat(64)] {
            let parsed = SealingKey::parse(&SecretString::from(malformed));
            assert_eq!(parsed.err(), Some(NotASealingKey), "{malformed}");
        }
        assert_eq!(format!("{:?}", key("a")), "SealingKey([REDACTED])");
    }
}
