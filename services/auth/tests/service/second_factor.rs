//! The second factor: who has one signs in with the password and a code, each good for once.

use std::time::Duration;

use bson::{Document, doc};
use futures::future::join_all;
use reen_chassis::client::PeerChannel;
use reen_error::Code;
use reen_proto::auth::v1::second_factors_client::SecondFactorsClient;
use reen_proto::auth::v1::{
    BeginSecondFactorRequest, BeginSecondFactorResponse, ConfirmSecondFactorRequest,
    ConfirmSecondFactorResponse, EndSecondFactorRequest, EndSecondFactorResponse,
    RefreshSessionRequest, RenewRecoveryCodesRequest, RenewRecoveryCodesResponse,
    ResetPasswordRequest, Session, SignInRequest,
};
use reen_testkit::{acting_for, body, code, peer, refusal};
use tonic::{Response, Status};

use crate::support::{Auth, Letters, PASSWORD, address_of, app_code, fields, wrong_code};

type Answer<T> = Result<Response<T>, Status>;

fn client(auth: &Auth) -> SecondFactorsClient<PeerChannel> {
    SecondFactorsClient::new(peer("gateway", reen_auth::NAME, auth.address))
}

async fn begin(auth: &Auth, id: &str, password: &str) -> Answer<BeginSecondFactorResponse> {
    let current_password = password.to_owned();
    let asked = BeginSecondFactorRequest { current_password };
    acting_for(id, client(auth).begin_second_factor(asked)).await
}

async fn confirm(auth: &Auth, id: &str, code: &str) -> Answer<ConfirmSecondFactorResponse> {
    let code = code.to_owned();
    let asked = ConfirmSecondFactorRequest { code };
    acting_for(id, client(auth).confirm_second_factor(asked)).await
}

async fn end(auth: &Auth, id: &str, password: &str, code: &str) -> Answer<EndSecondFactorResponse> {
    let asked = EndSecondFactorRequest {
        current_password: password.to_owned(),
        code: code.to_owned(),
    };
    acting_for(id, client(auth).end_second_factor(asked)).await
}

async fn renew(auth: &Auth, id: &str, code: &str) -> Answer<RenewRecoveryCodesResponse> {
    let code = code.to_owned();
    let asked = RenewRecoveryCodesRequest { code };
    acting_for(id, client(auth).renew_recovery_codes(asked)).await
}

async fn sign_in(auth: &Auth, password: &str, code: &str) -> Answer<Session> {
    let asked = SignInRequest {
        email: address_of("ada"),
        password: password.to_owned(),
        code: code.to_owned(),
        client: None,
    };
    auth.gateway().sign_in(asked).await
}

async fn refresh(auth: &Auth, session: Session) -> Answer<Session> {
    let refresh_token = session.refresh_token;
    let asked = RefreshSessionRequest { refresh_token };
    auth.gateway().refresh_session(asked).await
}

fn wrong(field: &str) -> Vec<(String, String)> {
    vec![(field.to_owned(), "wrong".to_owned())]
}

/// Ada, who has turned it on.
struct Ada {
    id: String,
    secret: String,
    recovery_codes: Vec<String>,
    session: Session,
}

impl Ada {
    async fn with_second_factor(auth: &Auth) -> Self {
        let id = auth.buyer("ada").await;
        let secret = body(begin(auth, &id, PASSWORD).await).secret;
        let confirmed = body(confirm(auth, &id, &app_code(&secret, 0)).await);
        Self {
            id,
            secret,
            recovery_codes: confirmed.recovery_codes,
            session: confirmed.session.unwrap(),
        }
    }
}

#[tokio::test]
async fn turning_it_on_ends_every_other_session() {
    let auth = Auth::start().await;
    let before = auth.sign_up("ada").await;
    let id = before.user.clone().unwrap().id;
    let begun = body(begin(&auth, &id, PASSWORD).await);
    assert_eq!(begun.secret.len(), 32);
    assert!(begun.uri.starts_with("otpauth://totp/REEN:ada%40example"));
    assert!(begun.uri.contains(&begun.secret));
    let other_device = body(sign_in(&auth, PASSWORD, "").await);
    assert!(!auth.user(&id).await.second_factor, "not confirmed");

    let confirmed = body(confirm(&auth, &id, &app_code(&begun.secret, 0)).await);
    assert_eq!(confirmed.recovery_codes.len(), 10);
    for old in [before, other_device] {
        let refused = refresh(&auth, old).await;
        assert_eq!(code(refused), Code::InvalidRefreshToken);
    }
    let session = confirmed.session.unwrap();
    assert!(session.user.as_ref().unwrap().second_factor);
    body(refresh(&auth, session).await);
    assert!(auth.user(&id).await.second_factor);
}

#[tokio::test]
async fn signing_in_takes_the_password_and_a_code() {
    let auth = Auth::start().await;
    let ada = Ada::with_second_factor(&auth).await;
    let next = app_code(&ada.secret, 1);
    let refused = async |password, with: &str| code(sign_in(&auth, password, with).await);
    assert_eq!(refused(PASSWORD, "").await, Code::SecondFactorRequired);
    assert_eq!(refused(PASSWORD, " ").await, Code::SecondFactorRequired);
    let wrong = wrong_code(&ada.secret);
    assert_eq!(refused(PASSWORD, &wrong).await, Code::InvalidCode);
    assert_eq!(refused(PASSWORD, "not-a-code").await, Code::InvalidCode);
    for with in ["", &wrong, &next] {
        let unknown = refused("battery staple", with).await;
        assert_eq!(unknown, Code::InvalidCredentials, "tells nothing of it");
    }
    let session = body(sign_in(&auth, PASSWORD, &format!("{} {}", &next[..3], &next[3..])).await);
    assert_eq!(session.user.unwrap().id, ada.id);
    body(refresh(&auth, ada.session).await);
}

#[tokio::test]
async fn each_code_is_good_for_once() {
    let auth = Auth::start().await;
    let ada = Ada::with_second_factor(&auth).await;
    let confirmed_with = app_code(&ada.secret, 0);
    let next = app_code(&ada.secret, 1);
    let tries = (0..6).map(|_| sign_in(&auth, PASSWORD, &next));
    let let_in = join_all(tries).await.into_iter().filter(Result::is_ok);
    assert_eq!(let_in.count(), 1);
    for used in [&next, &confirmed_with] {
        assert_eq!(
            code(sign_in(&auth, PASSWORD, used).await),
            Code::InvalidCode
        );
    }
}

#[tokio::test]
async fn each_recovery_code_is_good_for_once() {
    let auth = Auth::start().await;
    let ada = Ada::with_second_factor(&auth).await;
    let [first, second, third, ..] = &ada.recovery_codes[..] else {
        panic!("{}", ada.recovery_codes.len());
    };
    let tries = (0..6).map(|_| sign_in(&auth, PASSWORD, first));
    let let_in = join_all(tries).await.into_iter().filter(Result::is_ok);
    assert_eq!(let_in.count(), 1);
    body(sign_in(&auth, PASSWORD, &second.to_uppercase()).await);

    let renewed = body(renew(&auth, &ada.id, &app_code(&ada.secret, 1)).await);
    assert_eq!(renewed.recovery_codes.len(), 10);
    for old in [second, third] {
        assert_eq!(code(sign_in(&auth, PASSWORD, old).await), Code::InvalidCode);
    }
    body(sign_in(&auth, PASSWORD, &renewed.recovery_codes[0]).await);
}

#[tokio::test]
async fn turning_it_off_takes_the_password_and_a_code() {
    let auth = Auth::start().await;
    let ada = Ada::with_second_factor(&auth).await;
    let recovery = &ada.recovery_codes[0];
    let refused = end(&auth, &ada.id, "guessed", recovery).await;
    assert_eq!(fields(refused), wrong("currentPassword"));
    let refused = end(&auth, &ada.id, PASSWORD, &wrong_code(&ada.secret)).await;
    assert_eq!(fields(refused), wrong("code"));
    assert_eq!(
        code(sign_in(&auth, PASSWORD, "").await),
        Code::SecondFactorRequired
    );

    body(end(&auth, &ada.id, PASSWORD, recovery).await);
    assert!(!auth.user(&ada.id).await.second_factor);
    body(sign_in(&auth, PASSWORD, "").await);
    let again = end(&auth, &ada.id, PASSWORD, &ada.recovery_codes[1]).await;
    assert_eq!(code(again), Code::SecondFactorOff);
    let renewed = renew(&auth, &ada.id, &ada.recovery_codes[1]).await;
    assert_eq!(code(renewed), Code::SecondFactorOff);
    let secrets = auth.database.collection::<Document>("second_factors");
    assert_eq!(secrets.count_documents(doc! {}).await.unwrap(), 0);
}

#[tokio::test]
async fn only_the_newest_secret_is_confirmed_and_a_confirmed_one_stays() {
    let auth = Auth::start().await;
    let id = auth.buyer("ada").await;
    let nothing_begun = confirm(&auth, &id, "050471").await;
    assert_eq!(code(nothing_begun), Code::SecondFactorOff);
    let guessed = begin(&auth, &id, "guessed").await;
    assert_eq!(fields(guessed), wrong("currentPassword"));
    let [first, second] = [
        body(begin(&auth, &id, PASSWORD).await).secret,
        body(begin(&auth, &id, PASSWORD).await).secret,
    ];
    for not_it in [&app_code(&first, 0), "", "k3m9-7qwz-0x5t-h2ab"] {
        assert_eq!(fields(confirm(&auth, &id, not_it).await), wrong("code"));
    }
    body(confirm(&auth, &id, &app_code(&second, 0)).await);
    let again = confirm(&auth, &id, &app_code(&second, 1)).await;
    assert_eq!(code(again), Code::SecondFactorOn);
    assert_eq!(
        code(begin(&auth, &id, PASSWORD).await),
        Code::SecondFactorOn
    );
    body(sign_in(&auth, PASSWORD, &app_code(&second, 1)).await);
}

#[tokio::test]
async fn who_guesses_codes_is_stopped_and_recovery_codes_still_open() {
    let auth = Auth::start().await;
    let ada = Ada::with_second_factor(&auth).await;
    let guess = wrong_code(&ada.secret);
    let guesses = (0..10).map(|_| renew(&auth, &ada.id, &guess));
    for refused in join_all(guesses).await {
        assert_eq!(fields(refused), wrong("code"));
    }
    let right = app_code(&ada.secret, 1);
    let refused = refusal(renew(&auth, &ada.id, &right).await);
    assert_eq!(refused.code, Code::TooManyAttempts);
    let wait = refused.retry_after.unwrap();
    assert!(Duration::from_secs(3_500) < wait && wait <= Duration::from_secs(3_600));
    let refused = sign_in(&auth, PASSWORD, &right).await;
    assert_eq!(code(refused), Code::TooManyAttempts);

    body(sign_in(&auth, PASSWORD, &ada.recovery_codes[0]).await);
    let factors = auth.database.collection::<Document>("second_factors");
    let an_hour_later = doc! {"$set": {"guessesEndAt": bson::DateTime::now()}};
    factors.update_one(doc! {}, an_hour_later).await.unwrap();
    body(sign_in(&auth, PASSWORD, &app_code(&ada.secret, 1)).await);
}

#[tokio::test]
async fn a_reset_by_letter_signs_nobody_in_and_leaves_it_on() {
    let auth = Auth::start().await;
    let ada = Ada::with_second_factor(&auth).await;
    let new_password = "correct donkey";
    let asked = ResetPasswordRequest {
        token: Letters(&auth).reset("ada").await.token,
        new_password: new_password.to_owned(),
        client: None,
    };
    let reset = body(auth.recovery().reset_password(asked).await);
    assert_eq!(reset.session, None);
    let refused = sign_in(&auth, new_password, "").await;
    assert_eq!(code(refused), Code::SecondFactorRequired);
    body(sign_in(&auth, new_password, &ada.recovery_codes[0]).await);
}

#[tokio::test]
async fn what_is_stored_opens_nothing() {
    let auth = Auth::start().await;
    let ada = Ada::with_second_factor(&auth).await;
    let factors = auth.database.collection::<Document>("second_factors");
    let stored = factors.find_one(doc! {}).await.unwrap().unwrap();
    let bytes = bson::serialize_to_vec(&stored).unwrap();
    let holds = |secret: &[u8]| bytes.windows(secret.len()).any(|part| part == secret);
    let secret = totp_rs::Secret::try_from_base32(&ada.secret).unwrap();
    assert!(!holds(secret.as_bytes()) && !holds(ada.secret.as_bytes()));
    for code in &ada.recovery_codes {
        assert!(!holds(code.as_bytes()) && !holds(code.replace('-', "").as_bytes()));
    }
    // Moved to somebody else's account it does not open theirs.
    let eve = auth.buyer("eve").await;
    let eve = bson::oid::ObjectId::parse_str(eve).unwrap();
    let moved = Document::from_iter(stored.into_iter().chain([("_id".to_owned(), eve.into())]));
    factors.insert_one(moved).await.unwrap();
    let on = doc! {"$set": {"secondFactor": true}};
    auth.users()
        .update_one(doc! {"_id": eve}, on)
        .await
        .unwrap();
    let refused = renew(&auth, &eve.to_hex(), &app_code(&ada.secret, 1)).await;
    assert_eq!(code(refused), Code::Internal);
}

#[tokio::test]
async fn all_is_on_behalf_of_somebody() {
    let auth = Auth::start().await;
    let mut nobody = client(&auth);
    let refused = nobody.begin_second_factor(BeginSecondFactorRequest::default());
    assert_eq!(code(refused.await), Code::Unauthenticated);
    let refused = nobody.renew_recovery_codes(RenewRecoveryCodesRequest::default());
    assert_eq!(code(refused.await), Code::Unauthenticated);
}
