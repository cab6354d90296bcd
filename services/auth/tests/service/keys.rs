use std::time::Duration;

use bson::{DateTime, Document, doc};
use futures::future::join_all;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reen_chassis::client::PeerChannel;
use reen_mongo::Collection;
use reen_proto::auth::v1::signing_keys_client::SigningKeysClient;
use reen_proto::auth::v1::{
    GetJwksRequest, KeyState, ListKeysRequest, RefreshSessionRequest, RotateKeysRequest,
    SignInRequest, SigningKey,
};
use reen_testkit::{body, eventually, peer};
use serde_json::Value;

use crate::support::{Auth, Fresh, PASSWORD, STARTING_CENTS, address_of};

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
    let fresh = Fresh::start().await;
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
async fn the_key_survives_a_restart() {
    let auth = Auth::start().await;
    let earlier = auth.sign_up("ada").await.access_token;
    claims(&earlier, &key_set(&auth.replica().await).await);
}

fn command_line(auth: &Auth) -> SigningKeysClient<PeerChannel> {
    SigningKeysClient::new(peer("reen", reen_auth::NAME, auth.address))
}

async fn rotate(auth: &Auth) -> Vec<SigningKey> {
    let rotated = command_line(auth).rotate_keys(RotateKeysRequest {}).await;
    body(rotated).keys
}

fn states(keys: &[SigningKey]) -> Vec<KeyState> {
    keys.iter().map(SigningKey::state).collect()
}

fn stored(auth: &Auth) -> Collection<Document> {
    auth.database.collection("signing_keys")
}

/// As if a key had begun to sign so many minutes ago.
async fn backdate(auth: &Auth, key: &SigningKey, minutes: i64) {
    let past = DateTime::now().timestamp_millis() - minutes * 60_000;
    let begun = doc! {"$set": {"signsFrom": DateTime::from_millis(past)}};
    stored(auth)
        .update_one(doc! {"_id": &key.id}, begun)
        .await
        .unwrap();
}

fn signer(token: &str) -> String {
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

/// A token that the key of this id signed, once the service does so.
async fn token_signed_by(auth: &Auth, key: &SigningKey) -> String {
    let asked = SignInRequest {
        email: address_of("ada"),
        password: PASSWORD.to_owned(),
        ..SignInRequest::default()
    };
    eventually("the key to sign", async || {
        let token = body(auth.gateway().sign_in(asked.clone()).await).access_token;
        (signer(&token) == key.id).then_some(token)
    })
    .await
}

#[tokio::test]
async fn nobody_is_signed_out_by_a_rotation() {
    let auth = Auth::start().await;
    let before = auth.sign_up("ada").await;
    let keys = rotate(&auth).await;
    assert_eq!(states(&keys), [KeyState::Next, KeyState::Current]);
    let [next, current] = [&keys[0], &keys[1]];
    // It is published before it signs.
    let during = token_signed_by(&auth, current).await;
    eventually("the next key to be published", async || {
        key_set(&auth).await.find(&next.id).map(drop)
    })
    .await;
    backdate(&auth, next, 0).await;
    let after = token_signed_by(&auth, next).await;
    let published = key_set(&auth).await;
    for token in [&before.access_token, &during, &after] {
        claims(token, &published);
    }
    let refresh = RefreshSessionRequest {
        refresh_token: before.refresh_token,
    };
    body(auth.gateway().refresh_session(refresh).await);
    let listed = command_line(&auth).list_keys(ListKeysRequest {}).await;
    let listed = body(listed).keys;
    assert_eq!(states(&listed), [KeyState::Current, KeyState::Retired]);
    assert!(listed[1].published_until.is_some());
}

#[tokio::test]
async fn a_key_is_forgotten_when_its_tokens_have_expired() {
    let auth = Auth::start().await;
    let keys = rotate(&auth).await;
    backdate(&auth, &keys[0], 21).await;
    eventually("the first to be forgotten", async || {
        (key_set(&auth).await.keys.len() == 1).then_some(())
    })
    .await;
    let next = auth.replica().await;
    eventually("the private half to be forgotten", async || {
        let left = stored(&next).count_documents(doc! {}).await.unwrap();
        (left == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn replicas_that_rotate_at_once_make_one_key() {
    let auth = Auth::start().await;
    let other = auth.replica().await;
    let both = [&auth, &other, &auth, &other].map(rotate);
    for keys in join_all(both).await {
        assert_eq!(states(&keys), [KeyState::Next, KeyState::Current]);
    }
    assert_eq!(stored(&auth).count_documents(doc! {}).await.unwrap(), 2);
}

#[tokio::test]
async fn a_key_that_is_too_old_is_followed_by_another() {
    let auth = Auth::start_replacing_keys_after(Duration::ZERO).await;
    eventually("the next key", async || {
        let listed = command_line(&auth).list_keys(ListKeysRequest {}).await;
        (states(&body(listed).keys) == [KeyState::Next, KeyState::Current]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_key_of_an_earlier_version_goes_on() {
    let auth = Auth::start().await;
    let earlier = auth.sign_up("ada").await.access_token;
    let undated = doc! {
        "$unset": {"generation": "", "signsFrom": ""},
        "$set": {"current": true},
    };
    stored(&auth).update_many(doc! {}, undated).await.unwrap();
    let first_alone = doc! {"_id": {"$gt": 1}};
    let migrations = auth.database.collection::<Document>("migrations");
    migrations.delete_many(first_alone).await.unwrap();
    let next = auth.replica().await;
    let keys = key_set(&next).await;
    assert_eq!(keys.keys.len(), 1);
    claims(&earlier, &keys);
    claims(&next.sign_up("eve").await.access_token, &keys);
    let marked = doc! {"current": {"$exists": true}};
    assert_eq!(stored(&auth).count_documents(marked).await.unwrap(), 0);
}
