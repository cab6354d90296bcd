//! API keys: shown once, good for their scopes until they are taken back or expire.

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use futures::future::join_all;
use reen_chassis::client::PeerChannel;
use reen_error::Code;
use reen_mongo::Collection;
use reen_proto::auth::v1::api_keys_client::ApiKeysClient;
use reen_proto::auth::v1::{
    AnonymiseUserRequest, ApiKey, CreateApiKeyRequest, CreateApiKeyResponse, ListApiKeysRequest,
    ResolveApiKeyRequest, ResolveApiKeyResponse, RevokeApiKeyRequest, RevokeApiKeyResponse, Scope,
    SyncClerkUserRequest,
};
use reen_proto::time::from_millis;
use reen_testkit::{acting_for, body, code, peer, saga_operation};
use tonic::{Response, Status};

use crate::clerk::sync;
use crate::support::{Auth, address_of, fields, nobody};

const MINUTE_MILLIS: i64 = 60_000;

type Answer<T> = Result<Response<T>, Status>;

fn client(auth: &Auth) -> ApiKeysClient<PeerChannel> {
    ApiKeysClient::new(peer("gateway", reen_auth::NAME, auth.address))
}

fn documents(auth: &Auth) -> Collection<Document> {
    auth.database.collection("api_keys")
}

fn till() -> CreateApiKeyRequest {
    CreateApiKeyRequest {
        name: "Till in the shop".to_owned(),
        scopes: vec![Scope::OrdersRead.into(), Scope::CartWrite.into()],
        expires_at: None,
    }
}

async fn create(auth: &Auth, id: &str, asked: CreateApiKeyRequest) -> Answer<CreateApiKeyResponse> {
    acting_for(id, client(auth).create_api_key(asked)).await
}

async fn list(auth: &Auth, id: &str) -> Vec<ApiKey> {
    let asked = ListApiKeysRequest {};
    body(acting_for(id, client(auth).list_api_keys(asked)).await).api_keys
}

async fn revoke(auth: &Auth, id: &str, key_id: &str) -> Answer<RevokeApiKeyResponse> {
    let id_of_key = key_id.to_owned();
    let asked = RevokeApiKeyRequest { id: id_of_key };
    acting_for(id, client(auth).revoke_api_key(asked)).await
}

async fn resolve(auth: &Auth, key: &str) -> Answer<ResolveApiKeyResponse> {
    let key = key.to_owned();
    client(auth)
        .resolve_api_key(ResolveApiKeyRequest { key })
        .await
}

async fn set(auth: &Auth, key: &ApiKey, field: &str, millis_from_now: i64) {
    let time = DateTime::from_millis(DateTime::now().timestamp_millis() + millis_from_now);
    let this = doc! {"_id": ObjectId::parse_str(&key.id).unwrap()};
    let change = doc! {"$set": {field: time}};
    documents(auth).update_one(this, change).await.unwrap();
}

#[tokio::test]
async fn a_key_is_shown_once_and_says_whose_it_is_and_what_for() {
    let auth = Auth::start().await;
    let ada = auth.buyer("ada").await;
    let created = body(create(&auth, &ada, till()).await);
    let shown = created.api_key.unwrap();
    assert_eq!(shown.name, "Till in the shop");
    assert_eq!(shown.prefix, format!("reen_{}", shown.id));
    assert!(created.key.starts_with(&format!("{}_", shown.prefix)));
    assert!(shown.last_used_at.is_none() && shown.expires_at.is_none());
    assert_eq!(list(&auth, &ada).await, [shown]);

    let resolved = body(resolve(&auth, &created.key).await);
    assert_eq!(resolved.user_id, ada);
    let scopes: Vec<Scope> = resolved.scopes().collect();
    assert_eq!(scopes, [Scope::OrdersRead, Scope::CartWrite]);

    let stored = documents(&auth).find_one(doc! {}).await.unwrap().unwrap();
    let bytes = bson::serialize_to_vec(&stored).unwrap();
    let secret = created.key.rsplit_once('_').unwrap().1.as_bytes();
    assert!(!bytes.windows(secret.len()).any(|part| part == secret));
}

#[tokio::test]
async fn what_is_no_key_any_more_opens_nothing() {
    let auth = Auth::start().await;
    let ada = auth.buyer("ada").await;
    let refused = async |key: &str| code(resolve(&auth, key).await);
    let created = body(create(&auth, &ada, till()).await);
    let (key, shown) = (created.key, created.api_key.unwrap());
    let (head, _) = key.rsplit_once('_').unwrap();
    let other = body(create(&auth, &ada, till()).await).key;
    let other_secret = other.rsplit_once('_').unwrap().1;
    let none = format!("reen_{}_{other_secret}", nobody());
    let swapped = format!("{head}_{other_secret}");
    for wrong in [
        "",
        "reen_",
        head,
        &swapped,
        &none,
        &format!("{key}x"),
        &key[..key.len() - 1],
    ] {
        assert_eq!(refused(wrong).await, Code::Unauthenticated, "{wrong}");
    }
    body(resolve(&auth, &key).await);

    set(&auth, &shown, "expiresAt", MINUTE_MILLIS).await;
    let resolved = body(resolve(&auth, &key).await);
    assert!(resolved.expires_at.is_some());
    set(&auth, &shown, "expiresAt", -1).await;
    assert_eq!(refused(&key).await, Code::Unauthenticated);
    assert_eq!(list(&auth, &ada).await.len(), 1, "the other one");

    let other_id = list(&auth, &ada).await.remove(0).id;
    body(revoke(&auth, &ada, &other_id).await);
    assert_eq!(refused(&other).await, Code::Unauthenticated);
}

#[tokio::test]
async fn a_use_is_noted_at_most_once_a_minute() {
    let auth = Auth::start().await;
    let ada = auth.buyer("ada").await;
    let created = body(create(&auth, &ada, till()).await);
    let shown = created.api_key.unwrap();
    let last_use = async || list(&auth, &ada).await.remove(0).last_used_at;
    body(resolve(&auth, &created.key).await);
    assert!(last_use().await.is_some());

    set(&auth, &shown, "lastUsedAt", -MINUTE_MILLIS / 2).await;
    let noted = last_use().await;
    body(resolve(&auth, &created.key).await);
    assert_eq!(last_use().await, noted);
    set(&auth, &shown, "lastUsedAt", -MINUTE_MILLIS).await;
    body(resolve(&auth, &created.key).await);
    assert!(last_use().await.unwrap().seconds >= noted.unwrap().seconds);
}

#[tokio::test]
async fn a_user_has_at_most_twenty() {
    let auth = Auth::start().await;
    let ada = auth.buyer("ada").await;
    let tries = (0..25).map(|_| create(&auth, &ada, till()));
    let (made, refused): (Vec<_>, Vec<_>) =
        join_all(tries).await.into_iter().partition(Result::is_ok);
    assert_eq!((made.len(), refused.len()), (20, 5));
    for refused in refused {
        assert_eq!(code(refused), Code::TooManyApiKeys);
    }
    let keys = list(&auth, &ada).await;
    assert_eq!(keys.len(), 20);
    assert!(keys.is_sorted_by(|newer, older| newer.id > older.id));
    body(revoke(&auth, &ada, &keys[7].id).await);
    body(create(&auth, &ada, till()).await);
    let eve = auth.buyer("eve").await;
    body(create(&auth, &eve, till()).await);
}

#[tokio::test]
async fn nobody_sees_or_takes_back_the_keys_of_others() {
    let auth = Auth::start().await;
    let (ada, eve) = (auth.buyer("ada").await, auth.buyer("eve").await);
    let created = body(create(&auth, &ada, till()).await);
    let id = created.api_key.unwrap().id;
    assert!(list(&auth, &eve).await.is_empty());
    assert_eq!(code(revoke(&auth, &eve, &id).await), Code::NotFound);
    assert_eq!(code(revoke(&auth, &ada, "x").await), Code::NotFound);
    body(resolve(&auth, &created.key).await);
    body(revoke(&auth, &ada, &id).await);
    assert_eq!(code(revoke(&auth, &ada, &id).await), Code::NotFound);
    let refused = client(&auth).create_api_key(till()).await;
    assert_eq!(code(refused), Code::Unauthenticated);
}

#[tokio::test]
async fn a_key_that_could_not_be_used_is_not_made() {
    let auth = Auth::start().await;
    let ada = auth.buyer("ada").await;
    let useless = CreateApiKeyRequest {
        name: " ".to_owned(),
        scopes: Vec::new(),
        expires_at: Some(from_millis(DateTime::now().timestamp_millis())),
    };
    let expected = [
        ("name", "too_short"),
        ("scopes", "too_few"),
        ("expiresAt", "not_in_future"),
    ];
    let expected = expected.map(|(field, code)| (field.to_owned(), code.to_owned()));
    assert_eq!(fields(create(&auth, &ada, useless).await), expected);
    for unknown in [Scope::Unspecified.into(), 99] {
        let scopes = vec![unknown];
        let asked = CreateApiKeyRequest { scopes, ..till() };
        let refused = fields(create(&auth, &ada, asked).await);
        assert_eq!(refused, [("scopes".to_owned(), "not_in_list".to_owned())]);
    }
    assert!(list(&auth, &ada).await.is_empty());
}

#[tokio::test]
async fn keys_go_with_their_user() {
    let auth = Auth::start().await;
    let ada = auth.buyer("ada").await;
    let key = body(create(&auth, &ada, till()).await).key;
    let farewell = AnonymiseUserRequest {
        operation: saga_operation("bye", format!("account-deleted:{ada}"), 1),
        user_id: ada.clone(),
    };
    body(auth.sagas().anonymise_user(farewell).await);
    assert_eq!(code(resolve(&auth, &key).await), Code::Unauthenticated);
    assert_eq!(documents(&auth).count_documents(doc! {}).await.unwrap(), 0);
    let made_late = create(&auth, &ada, till()).await;
    assert_eq!(code(made_late), Code::Unauthenticated);
}

/// Whoever made an account with somebody else's address is out when its owner comes.
#[tokio::test]
async fn keys_of_a_squatter_go_when_the_address_is_proved() {
    let auth = Auth::start().await;
    let squatter = auth.buyer("ada").await;
    let key = body(create(&auth, &squatter, till()).await).key;
    let rightful = SyncClerkUserRequest {
        operation: saga_operation("synced/sync-user", "synced", 1),
        clerk_id: "user_1".to_owned(),
        name: "Ada of Clerk".to_owned(),
        email: address_of("ada"),
        updated_at: Some(from_millis(1_000)),
        email_verified: true,
    };
    assert_eq!(sync(&auth, rightful).await, squatter);
    assert_eq!(code(resolve(&auth, &key).await), Code::Unauthenticated);
    assert!(list(&auth, &squatter).await.is_empty());
}
