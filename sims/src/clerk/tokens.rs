//! Session tokens, and the keys that verify them (<https://clerk.com/docs/guides/sessions/session-tokens>).

use std::sync::Mutex;

use anyhow::{Result, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use ring::rand::SystemRandom;
use ring::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents};
use serde_json::{Value, json};

use super::id;

/// As long as Clerk's.
const LIFETIME_SECONDS: i64 = 60;

/// `ring` cannot make RSA keys, so these two come with the stand-in. They are no secrets: nothing but
/// this stand-in signs with them.
const KEYS: [(&str, &[u8]); 2] = [
    ("ins_reenStandInFirst", include_bytes!("keys/first.pk8")),
    ("ins_reenStandInSecond", include_bytes!("keys/second.pk8")),
];

/// What signs the tokens of one instance.
pub(super) struct Signer {
    keys: Vec<Key>,
    /// The key that signs; those before it are published still.
    current: Mutex<usize>,
}

struct Key {
    id: &'static str,
    pair: RsaKeyPair,
}

impl Signer {
    pub(super) fn new() -> Result<Self> {
        let key = |(id, pkcs8): (&'static str, &[u8])| {
            let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(|error| anyhow!("{id}: {error}"))?;
            Ok(Key { id, pair })
        };
        Ok(Self {
            keys: KEYS.into_iter().map(key).collect::<Result<_>>()?,
            current: Mutex::new(0),
        })
    }

    /// Signs with the other key from now on, as after a rotation of keys at Clerk.
    pub(super) fn rotate(&self) {
        let mut current = self.lock();
        *current = (*current + 1).min(self.keys.len() - 1);
    }

    /// The claims of a token for `user`, as Clerk issues them.
    pub(super) fn claims(issuer: &str, user: &str, party: Option<&str>) -> Value {
        let now = Utc::now().timestamp();
        let mut claims = json!({
            "sub": user,
            "iss": issuer,
            "sid": id("sess"),
            "sts": "active",
            "v": 2,
            "iat": now,
            "nbf": now - 10,
            "exp": now + LIFETIME_SECONDS,
        });
        if let Some(party) = party {
            claims["azp"] = party.into();
        }
        claims
    }

    /// A token that says `claims`.
    pub(super) fn sign(&self, claims: &Value) -> Result<String> {
        let key = &self.keys[*self.lock()];
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": key.id});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let mut signature = vec![0; key.pair.public().modulus_len()];
        key.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .map_err(|error| anyhow!("a token cannot be signed: {error}"))?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The public keys that verify what was signed (RFC 7517).
    pub(super) fn published(&self) -> Value {
        let keys = self.keys.iter().take(*self.lock() + 1).map(Key::published);
        json!({"keys": keys.collect::<Vec<_>>()})
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, usize> {
        self.current
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Key {
    fn published(&self) -> Value {
        let public: RsaPublicKeyComponents<Vec<u8>> = self.pair.public_key().into();
        json!({
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.id,
            "n": URL_SAFE_NO_PAD.encode(public.n),
            "e": URL_SAFE_NO_PAD.encode(public.e),
        })
    }
}
