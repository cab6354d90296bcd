//! Whoever is wrong too often waits, and nobody else does.

use bson::{DateTime, Document, doc};
use futures::future::join_all;
use reen_error::{Code, Failure};
use reen_mongo::Collection;
use reen_proto::auth::v1::{
    ChangePasswordRequest, Client, ResetPasswordRequest, Session, SignInRequest,
};
use reen_testkit::{acting_for, body, code, refusal};
use tonic::{Response, Status};

use crate::support::{Auth, Letters, PASSWORD, address_of};

const WRONG: &str = "battery staple";
const HERE: &str = "192.0.2.1";
const THERE: &str = "198.51.100.1";
const MOST: usize = 10;

fn from(network: &str, device_token: &str) -> Client {
    Client {
        network: network.to_owned(),
        device_token: device_token.to_owned(),
    }
}

async fn sign_in(
    auth: &Auth,
    name: &str,
    password: &str,
    client: Client,
) -> Result<Response<Session>, Status> {
    let asked = SignInRequest {
        email: address_of(name),
        password: password.to_owned(),
        client: Some(client),
        ..SignInRequest::default()
    };
    auth.gateway().sign_in(asked).await
}

async fn be_wrong(auth: &Auth, name: &str, client: &Client, times: usize) {
    for _ in 0..times {
        let refused = sign_in(auth, name, WRONG, client.clone()).await;
        assert_eq!(code(refused), Code::InvalidCredentials);
    }
}

fn counts(auth: &Auth) -> Collection<Document> {
    auth.database.collection("attempts")
}

/// Whether this is a refusal for having been wrong too often, and for how many minutes at most.
fn is_lockout(failure: &Failure, minutes: u64) -> bool {
    let wait = failure.retry_after.unwrap_or_default().as_secs();
    failure.code == Code::TooManyAttempts && wait > 0 && wait <= minutes * 60
}

/// As if strangers from everywhere had been wrong as often as they may, for one address.
async fn wear_out(auth: &Auth, name: &str) {
    be_wrong(auth, name, &from("203.0.113.1", ""), 1).await;
    let of_address = doc! {"_id": {"$not": {"$regex": "@"}}};
    let all = doc! {"$set": {"failures": 100_i64}};
    let updated = counts(auth).update_one(of_address, all).await.unwrap();
    assert_eq!(updated.modified_count, 1);
}

#[tokio::test]
async fn a_client_that_is_wrong_ten_times_waits_also_with_the_right_password() {
    let auth = Auth::start().await;
    auth.sign_up("ada").await;
    // The same for an address that nobody has.
    for name in ["ada", "nobody"] {
        be_wrong(&auth, name, &from(HERE, ""), MOST).await;
        for password in [WRONG, PASSWORD] {
            let refused = refusal(sign_in(&auth, name, password, from(HERE, "")).await);
            assert!(is_lockout(&refused, 15), "{refused:?}");
        }
    }
    body(sign_in(&auth, "ada", PASSWORD, from(THERE, "")).await);
}

#[tokio::test]
async fn whoever_is_right_begins_anew() {
    let auth = Auth::start().await;
    auth.sign_up("ada").await;
    for _ in 0..2 {
        be_wrong(&auth, "ada", &from(HERE, ""), MOST - 1).await;
        body(sign_in(&auth, "ada", PASSWORD, from(HERE, "")).await);
    }
}

#[tokio::test]
async fn the_wait_has_an_end_and_then_it_is_counted_anew() {
    let auth = Auth::start().await;
    auth.sign_up("ada").await;
    be_wrong(&auth, "ada", &from(HERE, ""), MOST).await;
    let over = doc! {"$set": {"expiresAt": DateTime::now()}};
    counts(&auth).update_many(doc! {}, over).await.unwrap();
    be_wrong(&auth, "ada", &from(HERE, ""), MOST).await;
    let refused = refusal(sign_in(&auth, "ada", PASSWORD, from(HERE, "")).await);
    assert!(is_lockout(&refused, 15), "{refused:?}");
}

#[tokio::test]
async fn failures_at_the_same_moment_are_all_counted() {
    let auth = Auth::start().await;
    auth.sign_up("ada").await;
    let guesses = (0..8).map(|_| be_wrong_once(&auth));
    join_all(guesses).await;
    let of_client = doc! {"_id": {"$regex": "@"}};
    let count = counts(&auth).find_one(of_client).await.unwrap().unwrap();
    assert_eq!(count.get_i64("failures").unwrap(), 8);
}

async fn be_wrong_once(auth: &Auth) {
    be_wrong(auth, "ada", &from(HERE, ""), 1).await;
}

#[tokio::test]
async fn strangers_cannot_lock_the_owner_out_of_a_known_device() {
    let auth = Auth::start().await;
    let known = auth.sign_up("ada").await.device_token;
    wear_out(&auth, "ada").await;
    let stranger = refusal(sign_in(&auth, "ada", PASSWORD, from(THERE, "")).await);
    assert!(is_lockout(&stranger, 60), "{stranger:?}");
    // Also where the owner's own network is the strangers'.
    let device = from("203.0.113.1", &known);
    be_wrong(&auth, "ada", &device, MOST - 1).await;
    let session = body(sign_in(&auth, "ada", PASSWORD, device.clone()).await);
    assert_eq!(session.device_token, known);
    be_wrong(&auth, "ada", &device, MOST).await;
    let refused = refusal(sign_in(&auth, "ada", PASSWORD, device).await);
    assert!(is_lockout(&refused, 15), "whoever stole it: {refused:?}");
}

#[tokio::test]
async fn the_device_of_another_account_or_an_invented_one_is_a_strangers() {
    let auth = Auth::start().await;
    auth.sign_up("ada").await;
    let of_eve = auth.sign_up("eve").await.device_token;
    wear_out(&auth, "ada").await;
    for device in [of_eve.as_str(), "invented"] {
        let refused = sign_in(&auth, "ada", PASSWORD, from(THERE, device)).await;
        assert_eq!(code(refused), Code::TooManyAttempts);
    }
}

#[tokio::test]
async fn people_who_share_a_browser_are_both_known_there() {
    let auth = Auth::start().await;
    let shared = auth.sign_up("ada").await.device_token;
    auth.sign_up("eve").await;
    let session = body(sign_in(&auth, "eve", PASSWORD, from(HERE, &shared)).await);
    assert_eq!(session.device_token, shared);
    for name in ["ada", "eve"] {
        wear_out(&auth, name).await;
        body(sign_in(&auth, name, PASSWORD, from(HERE, &shared)).await);
        counts(&auth).delete_many(doc! {}).await.unwrap();
    }
}

#[tokio::test]
async fn a_letter_lifts_every_lockout_and_makes_the_device_known() {
    let auth = Auth::start().await;
    let thief = auth.sign_up("ada").await.device_token;
    let letter = Letters(&auth).reset("ada").await;
    wear_out(&auth, "ada").await;
    let asked = ResetPasswordRequest {
        token: letter.token,
        new_password: "correct donkey".to_owned(),
        client: Some(from(HERE, "")),
    };
    let session = body(auth.recovery().reset_password(asked).await).session;
    let device = session.unwrap().device_token;
    assert_eq!(counts(&auth).count_documents(doc! {}).await.unwrap(), 0);
    wear_out(&auth, "ada").await;
    let known = from(HERE, &device);
    body(sign_in(&auth, "ada", "correct donkey", known).await);
    let refused = sign_in(&auth, "ada", "correct donkey", from(HERE, &thief)).await;
    assert_eq!(code(refused), Code::TooManyAttempts);
}

#[tokio::test]
async fn of_many_devices_those_used_last_are_known() {
    let auth = Auth::start().await;
    let first = auth.sign_up("ada").await.device_token;
    for _ in 0..MOST {
        body(sign_in(&auth, "ada", PASSWORD, from(HERE, "")).await);
    }
    let devices = auth.database.collection::<Document>("devices");
    assert_eq!(devices.count_documents(doc! {}).await.unwrap(), 10);
    wear_out(&auth, "ada").await;
    let refused = sign_in(&auth, "ada", PASSWORD, from(THERE, &first)).await;
    assert_eq!(code(refused), Code::TooManyAttempts);
}

#[tokio::test]
async fn who_is_signed_in_may_not_guess_the_password_either() {
    let auth = Auth::start().await;
    let id = auth.buyer("ada").await;
    let asked = ChangePasswordRequest {
        current_password: WRONG.to_owned(),
        new_password: "correct donkey".to_owned(),
    };
    for expected in [Code::ValidationFailed; MOST]
        .into_iter()
        .chain([Code::TooManyAttempts])
    {
        let asked = asked.clone();
        let refused = acting_for(&id, auth.gateway().change_password(asked)).await;
        assert_eq!(code(refused), expected);
    }
    // Signing in is another matter: else a stolen token could lock the owner out.
    body(sign_in(&auth, "ada", PASSWORD, from(HERE, "")).await);
}
