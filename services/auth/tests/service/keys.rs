use std::sync::Arc;

use futures::future::join_all;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reen_proto::auth::v1::{GetJwksRequest, RefreshSessionRequest};
use reen_testkit::{TestDatabase, body};
use serde_json::Value;

use crate::support::{Auth, STARTING_CENTS};

async fn key_set(auth: &Auth) -> JwkSet {
    let answer = body(auth.gateway().get_jwks(GetJwksRequest {}).await);
    serde_json::from_str(&answer.jwks_json).unwrap()
}

/// The claims of a token that one of `keys` signed.
fn claims(token: &str, keys: &JwkSet) -> Value {
    let header = jsonwebtoken::decode_header(token).unwrap();
    assert_eq!(header.alg, Algorithm::EdDSA);
    let key = keys.find(&header.kid.unwrap()).expect("a published key");
    let key = DecodingKey::from_jwk(key).unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&["reen-auth"]);
    validation.set_audience(&["reen"]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    jsonwebtoken::decode(token, &key, &validation)
        .unwrap()
        .claims
}

#[tokio::test]
async fn access_tokens_are_verified_with_the_published_keys() {
    let auth = Auth::start().await;
    let session = auth.sign_up("ada").await;
    let keys = key_set(&auth).await;
    let first = claims(&session.access_token, &keys);
    assert_eq!(first["sub"], session.user.unwrap().id);
    let lifetime = first["exp"].as_i64().unwrap() - first["iat"].as_i64().unwrap();
    assert_eq!(lifetime, 15 * 60);

    let refresh = RefreshSessionRequest {
        refresh_token: session.refresh_token,
    };
    let next = body(auth.gateway().refresh_session(refresh).await);
    let next = claims(&next.access_token, &keys);
    assert_eq!(next["sid"], first["sid"]);
}

#[tokio::test]
async fn nothing_private_is_published() {
    let auth = Auth::start().await;
    let answer = body(auth.gateway().get_jwks(GetJwksRequest {}).await);
    let set: Value = serde_json::from_str(&answer.jwks_json).unwrap();
    let key = set["keys"][0].as_object().unwrap();
    let members: Vec<_> = key.keys().map(String::as_str).collect();
    for member in &members {
        assert!(["alg", "crv", "kid", "kty", "use", "x"].contains(member));
    }
    assert_eq!(members.len(), 6);
}

#[tokio::test]
async fn replicas_that_start_at_once_share_one_key() {
    let fresh = Arc::new(TestDatabase::fresh());
    let starting = (0..4).map(|_| Auth::start_on(fresh.clone(), STARTING_CENTS));
    let replicas = join_all(starting).await;
    let keys = key_set(&replicas[0]).await;
    assert_eq!(keys.keys.len(), 1);
    for (number, replica) in replicas.iter().enumerate() {
        let session = replica.sign_up(&format!("user{number}")).await;
        claims(&session.access_token, &keys);
    }
}

#[tokio::test]
async fn the_key_survives_a_restart_and_an_earlier_one_stays_published() {
    let auth = Auth::start().await;
    let earlier = auth.sign_up("ada").await.access_token;
    claims(&earlier, &key_set(&auth.replica().await).await);

    // A rotation: the key that signed so far signs no more, and the next start makes another.
    let keys = auth.database.collection::<bson::Document>("signing_keys");
    let retired = bson::doc! {"$unset": {"current": ""}};
    keys.update_many(bson::doc! {}, retired).await.unwrap();
    let next = auth.replica().await;
    let published = key_set(&next).await;
    assert_eq!(published.keys.len(), 2);
    claims(&earlier, &published);
    claims(&next.sign_up("eve").await.access_token, &published);
}
