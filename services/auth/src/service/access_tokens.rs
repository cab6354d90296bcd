use std::sync::Arc;

use bson::DateTime;
use bson::oid::ObjectId;
use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm,
    OctetKeyPairParameters, OctetKeyPairType, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::ExposeSecret;
use serde::Serialize;

use super::keys::SigningKeys;
use crate::domain::{ACCESS_TOKEN_LIFETIME, PublishedKey};
use crate::error::Error;

const ISSUER: &str = "reen-auth";
const AUDIENCE: &str = "reen";
const MILLIS: i64 = 1_000;

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: String,
    /// The session's family.
    sid: String,
    iat: i64,
    exp: i64,
}

/// Signs access tokens: JWTs with EdDSA, verified by anybody with the published keys.
pub(crate) struct AccessTokens {
    keys: Arc<SigningKeys>,
}

impl AccessTokens {
    pub(crate) fn new(keys: Arc<SigningKeys>) -> Self {
        Self { keys }
    }

    /// A token from now on. Whether the key that signs it is to be replaced is nothing to its holder.
    pub(crate) async fn issue(
        &self,
        user_id: ObjectId,
        family_id: ObjectId,
        now: DateTime,
    ) -> Result<String, Error> {
        let ring = self.keys.ring().await?;
        let key = ring.signing(DateTime::now()).ok_or(Error::NoSigningKey)?;
        let header = Header {
            kid: Some(key.published.id.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        let issued_at = now.timestamp_millis().div_euclid(MILLIS);
        let expires_at = now.saturating_add_duration(ACCESS_TOKEN_LIFETIME);
        let claims = Claims {
            iss: ISSUER,
            aud: AUDIENCE,
            sub: user_id.to_hex(),
            sid: family_id.to_hex(),
            iat: issued_at,
            exp: expires_at.timestamp_millis().div_euclid(MILLIS),
        };
        let key = EncodingKey::from_ed_der(key.pkcs8.expose_secret());
        Ok(jsonwebtoken::encode(&header, &claims, &key)?)
    }
}

/// The keys as a JSON Web Key Set (RFC 7517), each an octet key pair (RFC 8037).
pub(super) fn key_set<'key>(
    keys: impl Iterator<Item = &'key PublishedKey>,
) -> Result<String, Error> {
    let keys = keys.map(web_key).collect();
    let json = serde_json::to_string(&JwkSet { keys });
    Ok(json.map_err(jsonwebtoken::errors::Error::from)?)
}

fn web_key(key: &PublishedKey) -> Jwk {
    Jwk {
        common: CommonParameters {
            public_key_use: Some(PublicKeyUse::Signature),
            key_algorithm: Some(KeyAlgorithm::EdDSA),
            key_id: Some(key.id.clone()),
            ..CommonParameters::default()
        },
        algorithm: AlgorithmParameters::OctetKeyPair(OctetKeyPairParameters {
            key_type: OctetKeyPairType::OctetKeyPair,
            curve: EllipticCurve::Ed25519,
            x: key.x.clone(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::key_set;
    use crate::domain::PublishedKey;

    #[test]
    fn a_key_is_published_as_an_octet_key_pair() {
        let key = PublishedKey {
            id: "first".to_owned(),
            x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".to_owned(),
        };
        let set: Value = serde_json::from_str(&key_set([key].iter()).unwrap()).unwrap();
        let expected = json!({"keys": [{
            "kty": "OKP",
            "crv": "Ed25519",
            "use": "sig",
            "alg": "EdDSA",
            "kid": "first",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        }]});
        assert_eq!(set, expected);
    }
}
