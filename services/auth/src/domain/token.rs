use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};

const BYTES: usize = 32;

/// 256 random bits that nobody knows but whoever was given them: what a client exchanges for its next
/// access token, what it is known again by, what a letter holds.
#[derive(Clone, Debug)]
pub(crate) struct OpaqueToken(SecretString);

/// What is stored of such a token. A fast hash is enough for a secret that nobody can guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TokenHash([u8; BYTES]);

impl OpaqueToken {
    pub(crate) fn generate() -> Self {
        let bits: [u8; BYTES] = rand::random();
        Self(SecretString::from(URL_SAFE_NO_PAD.encode(bits)))
    }

    /// What somebody presented, genuine or not.
    pub(crate) fn presented(text: String) -> Self {
        Self(SecretString::from(text))
    }

    pub(crate) fn hash(&self) -> TokenHash {
        TokenHash::of(self.expose())
    }

    /// For its holder, and nobody else.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl TokenHash {
    /// The hash of a secret that nobody can guess.
    pub(crate) fn of(secret: &str) -> Self {
        let digest = digest(&SHA256, secret.as_bytes());
        let mut hash = [0; BYTES];
        hash.copy_from_slice(digest.as_ref());
        Self(hash)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::OpaqueToken;

    #[test]
    fn no_two_tokens_are_alike_and_none_is_shown() {
        let (one, other) = (OpaqueToken::generate(), OpaqueToken::generate());
        assert_eq!(one.expose().len(), 43);
        assert_ne!(one.hash(), other.hash());
        assert!(!format!("{one:?}").contains(one.expose()));
    }

    #[test]
    fn a_token_is_known_by_its_hash() {
        let token = OpaqueToken::generate();
        let presented = OpaqueToken::presented(token.expose().to_owned());
        assert_eq!(presented.hash(), token.hash());
    }
}
