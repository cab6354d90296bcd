use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};

const BYTES: usize = 32;

/// What a client exchanges for its next access token: 256 random bits, known to the client alone.
#[derive(Clone, Debug)]
pub(crate) struct RefreshToken(SecretString);

/// What is stored of a refresh token. A fast hash is enough for a secret that nobody can guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TokenHash([u8; BYTES]);

impl RefreshToken {
    pub(crate) fn generate() -> Self {
        let bits: [u8; BYTES] = rand::random();
        Self(SecretString::from(URL_SAFE_NO_PAD.encode(bits)))
    }

    /// What a client presented, genuine or not.
    pub(crate) fn presented(text: String) -> Self {
        Self(SecretString::from(text))
    }

    pub(crate) fn hash(&self) -> TokenHash {
        let digest = digest(&SHA256, self.expose().as_bytes());
        let mut hash = [0; BYTES];
        hash.copy_from_slice(digest.as_ref());
        TokenHash(hash)
    }

    /// For the client, and nobody else.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl TokenHash {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::RefreshToken;

    #[test]
    fn no_two_tokens_are_alike_and_none_is_shown() {
        let (one, other) = (RefreshToken::generate(), RefreshToken::generate());
        assert_eq!(one.expose().len(), 43);
        assert_ne!(one.hash(), other.hash());
        assert!(!format!("{one:?}").contains(one.expose()));
    }

    #[test]
    fn a_token_is_known_by_its_hash() {
        let token = RefreshToken::generate();
        let presented = RefreshToken::presented(token.expose().to_owned());
        assert_eq!(presented.hash(), token.hash());
    }
}
