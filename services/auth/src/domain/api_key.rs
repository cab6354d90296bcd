//! Keys with which programs act for a user.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bson::DateTime;
use bson::oid::ObjectId;
use reen_error::FieldFailure;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::{Name, TokenHash};

const PREFIX: &str = "reen_";
const SEPARATOR: char = '_';
const SECRET_BYTES: usize = 32;

/// How many keys a user may have at a time.
pub(crate) const MOST_API_KEYS: i32 = 20;
/// A use is noted no more often than this: what is used a hundred times a second is not written as often.
const USE_NOTED_EVERY_MILLIS: i64 = 60_000;

/// What a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Scope {
    #[serde(rename = "products:write")]
    ProductsWrite,
    #[serde(rename = "orders:read")]
    OrdersRead,
    #[serde(rename = "orders:write")]
    OrdersWrite,
    #[serde(rename = "cart:read")]
    CartRead,
    #[serde(rename = "cart:write")]
    CartWrite,
    #[serde(rename = "checkout:write")]
    CheckoutWrite,
    #[serde(rename = "account:read")]
    AccountRead,
}

/// A key: `reen_`, its id, `_` and 256 random bits that the client alone knows.
///
/// The beginning is ours alone, so that scanners find keys which were published by mistake; the id finds the
/// key's document without the secret.
#[derive(Clone, Debug)]
pub(crate) struct ApiKeySecret {
    pub(crate) id: ObjectId,
    text: SecretString,
}

impl ApiKeySecret {
    pub(crate) fn generate(id: ObjectId) -> Self {
        let bits: [u8; SECRET_BYTES] = rand::random();
        let text = format!("{}{SEPARATOR}{}", prefix(id), URL_SAFE_NO_PAD.encode(bits));
        Self {
            id,
            text: SecretString::from(text),
        }
    }

    /// What a client presented, if it could be a key.
    pub(crate) fn presented(text: String) -> Option<Self> {
        let (id, _) = text.strip_prefix(PREFIX)?.split_once(SEPARATOR)?;
        let id = ObjectId::parse_str(id).ok()?;
        let text = SecretString::from(text);
        Some(Self { id, text })
    }

    pub(crate) fn hash(&self) -> TokenHash {
        TokenHash::of(self.expose())
    }

    /// For the client, and nobody else.
    pub(crate) fn expose(&self) -> &str {
        self.text.expose_secret()
    }
}

/// How the key of this id begins.
pub(crate) fn prefix(id: ObjectId) -> String {
    format!("{PREFIX}{id}")
}

/// A key that a user asks for.
#[derive(Clone, Debug)]
pub(crate) struct NewApiKey {
    pub(crate) name: Name,
    pub(crate) scopes: BTreeSet<Scope>,
    pub(crate) expires_at: Option<DateTime>,
}

impl NewApiKey {
    /// What is asked for, or everything that is wrong with it.
    pub(crate) fn parse(
        name: &str,
        scopes: BTreeSet<Scope>,
        expires_at: Option<DateTime>,
        now: DateTime,
    ) -> Result<Self, Vec<FieldFailure>> {
        let is_over = expires_at.is_some_and(|expires_at| expires_at <= now);
        let parsed = Name::parse(name);
        let failures = [
            parsed.as_ref().err().cloned(),
            scopes
                .is_empty()
                .then(|| FieldFailure::new("scopes", "too_few", "must name at least one scope")),
            is_over
                .then(|| FieldFailure::new("expiresAt", "not_in_future", "must be in the future")),
        ];
        match (parsed, failures) {
            (Ok(name), [None, None, None]) => Ok(Self {
                name,
                scopes,
                expires_at,
            }),
            (_, failures) => Err(failures.into_iter().flatten().collect()),
        }
    }
}

/// What is known of a key but the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiKey {
    pub(crate) id: ObjectId,
    pub(crate) user_id: ObjectId,
    pub(crate) name: String,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) created_at: DateTime,
    pub(crate) last_used_at: Option<DateTime>,
    pub(crate) expires_at: Option<DateTime>,
}

impl ApiKey {
    pub(crate) fn is_over(&self, now: DateTime) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }

    /// Whether the last use that was noted is long enough ago.
    pub(crate) fn is_use_to_be_noted(&self, now: DateTime) -> bool {
        let last = self.last_used_at;
        last.is_none_or(|last| last <= last_use_worth_noting(now))
    }
}

/// A use that was noted after this does for now.
pub(crate) fn last_use_worth_noting(now: DateTime) -> DateTime {
    let millis = now.timestamp_millis();
    DateTime::from_millis(millis.saturating_sub(USE_NOTED_EVERY_MILLIS))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use bson::DateTime;
    use bson::oid::ObjectId;

    use super::{ApiKey, ApiKeySecret, NewApiKey, Scope, prefix};

    #[test]
    fn a_key_is_its_prefix_its_id_and_256_bits() {
        let id = ObjectId::new();
        let key = ApiKeySecret::generate(id);
        assert!(key.expose().starts_with(&format!("reen_{}_", id.to_hex())));
        assert_eq!(key.expose().len(), 5 + 24 + 1 + 43);
        assert!(!format!("{key:?}").contains(key.expose()));
        assert!(key.expose().starts_with(&prefix(id)));
        let again = ApiKeySecret::presented(key.expose().to_owned()).unwrap();
        assert_eq!((again.id, again.hash()), (id, key.hash()));
        assert_ne!(ApiKeySecret::generate(id).hash(), key.hash());
    }

    #[test]
    fn what_cannot_be_a_key_is_none() {
        for text in [
            "",
            "reen_",
            "reen_66f0_x",
            "66f0c0ffee66f0c0ffee66f0_x",
            "reen_66f0c0ffee66f0c0ffee66f0",
        ] {
            assert!(ApiKeySecret::presented(text.to_owned()).is_none(), "{text}");
        }
    }

    #[test]
    fn a_key_that_is_asked_for_has_a_name_a_scope_and_a_future() {
        let now = DateTime::from_millis(1_000);
        let ask = |name: &str, scopes: &[Scope], expires_at: Option<i64>| {
            let expires_at = expires_at.map(DateTime::from_millis);
            let scopes = BTreeSet::from_iter(scopes.iter().copied());
            NewApiKey::parse(name, scopes, expires_at, now)
        };
        assert!(ask("till", &[Scope::CartRead], None).is_ok());
        assert!(ask("till", &[Scope::CartRead], Some(1_001)).is_ok());
        let refused = ask(" ", &[], Some(1_000)).unwrap_err();
        let fields: Vec<_> = refused.iter().map(|each| each.field.as_str()).collect();
        assert_eq!(fields, ["name", "scopes", "expiresAt"]);
    }

    #[test]
    fn a_use_is_noted_once_a_minute() {
        let key = |last_used_at: Option<i64>| ApiKey {
            id: ObjectId::new(),
            user_id: ObjectId::new(),
            name: "till".to_owned(),
            scopes: vec![Scope::CartRead],
            created_at: DateTime::MIN,
            last_used_at: last_used_at.map(DateTime::from_millis),
            expires_at: Some(DateTime::from_millis(200_000)),
        };
        let now = DateTime::from_millis(100_000);
        assert!(key(None).is_use_to_be_noted(now));
        assert!(key(Some(40_000)).is_use_to_be_noted(now));
        assert!(!key(Some(40_001)).is_use_to_be_noted(now));
        assert!(!key(None).is_over(now));
        assert!(key(None).is_over(DateTime::from_millis(200_000)));
    }
}
