use bson::DateTime;
use bson::oid::ObjectId;
use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm,
    OctetKeyPairParameters, OctetKeyPairType, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::ExposeSecret;
use serde::Serialize;

use crate::domain::{PublishedKey, SigningKey};
use crate::error::Error;

const ISSUER: &str = "reen-auth";
const AUDIENCE: &str = "reen";
/// A session that is over is seen at the latest after this time, when the client has to refresh.
const LIFETIME_SECONDS: i64 = 15 * 60;
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
    header: Header,
    key: EncodingKey,
}

impl AccessTokens {
    pub(crate) fn new(key: &SigningKey) -> Self {
        Self {
            header: Header {
                kid: Some(key.published.id.clone()),
                ..Header::new(Algorithm::EdDSA)
            },
            key: EncodingKey::from_ed_der(key.pkcs8.expose_secret()),
        }
    }

    pub(crate) fn issue(
        &self,
        user_id: ObjectId,
        family_id: ObjectId,
        now: DateTime,
    ) -> Result<String, Error> {
        let issued_at = now.timestamp_millis().div_euclid(MILLIS);
        let claims = Claims {
            iss: ISSUER,
            aud: AUDIENCE,
            sub: user_id.to_hex(),
            sid: family_id.to_hex(),
            iat: issued_at,
            exp: issued_at + LIFETIME_SECONDS,
        };
        Ok(jsonwebtoken::encode(&self.header, &claims, &self.key)?)
    }
}

/// The keys as a JSON Web Key Set (RFC 7517), each an octet key pair (RFC 8037).
pub(super) fn key_set(keys: Vec<PublishedKey>) -> Result<String, Error> {
    let keys = keys.into_iter().map(web_key).collect();
    let json = serde_json::to_string(&JwkSet { keys });
    Ok(json.map_err(jsonwebtoken::errors::Error::from)?)
}

fn web_key(key: PublishedKey) -> Jwk {
    Jwk {
        common: CommonParameters {
            public_key_use: Some(PublicKeyUse::Signature),
            key_algorithm: Some(KeyAlgorithm::EdDSA),
            key_id: Some(key.id),
            ..CommonParameters::default()
        },
        algorithm: AlgorithmParameters::OctetKeyPair(OctetKeyPairParameters {
            key_type: OctetKeyPairType::OctetKeyPair,
            curve: EllipticCurve::Ed25519,
            x: key.x,
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
        let set: Value = serde_json::from_str(&key_set(vec![key]).unwrap()).unwrap();
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
