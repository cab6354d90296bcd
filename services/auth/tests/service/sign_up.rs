use futures::future::join_all;
use reen_error::Code;
use reen_proto::auth::v1::{Role, SignUpRequest};
use reen_testkit::{body, code, refusal};

use crate::support::{Auth, PASSWORD, STARTING_CENTS, check_books, fields};

fn asked(name: &str, email: &str, password: &str) -> SignUpRequest {
    SignUpRequest {
        name: name.to_owned(),
        email: email.to_owned(),
        password: password.to_owned(),
        ..SignUpRequest::default()
    }
}

#[tokio::test]
async fn a_new_user_is_a_buyer_with_the_starting_balance() {
    let auth = Auth::start().await;
    let asked = asked("  Ada Lovelace ", " Ada@Example.COM ", PASSWORD);
    let user = body(auth.gateway().sign_up(asked).await).user.unwrap();
    assert_eq!(user.name, "Ada Lovelace");
    assert_eq!(user.email, "Ada@Example.COM");
    assert_eq!(user.role(), Role::Buyer);
    assert_eq!(user.balance_cents, STARTING_CENTS);
    assert_eq!((user.amount_gained_cents, user.amount_spent_cents), (0, 0));
    assert_eq!((user.sales_count, user.purchases_count), (0, 0));
    assert_eq!(user.clerk_id, None);
    assert_eq!(auth.user(&user.id).await, user);
    check_books(&auth.database).await;
}

#[tokio::test]
async fn without_a_starting_balance_nothing_is_posted() {
    let auth = Auth::start_with(0).await;
    let id = auth.buyer("ada").await;
    assert_eq!(auth.sums(&id).await, (0, 0, 0));
    assert_eq!(auth.postings().estimated_document_count().await.unwrap(), 0);
}

#[tokio::test]
async fn an_address_is_taken_however_it_is_written() {
    let auth = Auth::start().await;
    auth.sign_up("ada").await;
    for email in ["ada@example.com", " ADA@example.com", "Ada@Example.Com"] {
        let again = auth.gateway().sign_up(asked("Eve", email, PASSWORD)).await;
        let refused = refusal(again);
        assert_eq!(refused.code, Code::EmailTaken);
        assert!(!refused.message.contains("ada"));
    }
    check_books(&auth.database).await;
}

#[tokio::test]
async fn of_many_who_take_an_address_at_once_one_gets_it() {
    let auth = Auth::start().await;
    let attempts = (0..8).map(|_| {
        let mut gateway = auth.gateway();
        async move {
            let asked = asked("Ada", "ada@example.com", PASSWORD);
            gateway.sign_up(asked).await
        }
    });
    let (got, refused): (Vec<_>, Vec<_>) = join_all(attempts)
        .await
        .into_iter()
        .partition(Result::is_ok);
    assert_eq!(got.len(), 1);
    for attempt in refused {
        assert_eq!(code(attempt), Code::EmailTaken);
    }
    check_books(&auth.database).await;
}

#[tokio::test]
async fn every_failing_field_is_named() {
    let auth = Auth::start().await;
    let long_name = "x".repeat(101);
    for (name, email, password, expected) in [
        (
            "",
            "nobody",
            "short",
            ["too_short", "not_an_email", "too_short"],
        ),
        (
            &long_name,
            "a@b",
            &"x".repeat(129),
            ["too_long", "not_an_email", "too_long"],
        ),
    ] {
        let refused = auth.gateway().sign_up(asked(name, email, password)).await;
        let names = ["name", "email", "password"];
        let expected: Vec<_> = names.into_iter().zip(expected).collect();
        let fields = fields(refused);
        let fields: Vec<_> = fields
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        assert_eq!(fields, expected);
    }
}

#[tokio::test]
async fn neither_password_nor_refresh_token_is_stored() {
    let auth = Auth::start().await;
    let session = auth.sign_up("ada").await;
    let user = auth.stored_user(&session.user.unwrap().id).await;
    let hash = user.get_str("passwordHash").unwrap();
    assert!(hash.starts_with("$argon2id$"));
    assert!(user.get_datetime("createdAt").is_ok());
    assert!(!user.to_string().contains(PASSWORD));
    let tokens = auth.database.collection::<bson::Document>("sessions");
    let token = tokens.find_one(bson::doc! {}).await.unwrap().unwrap();
    assert!(!token.to_string().contains(&session.refresh_token));
    assert_eq!(token.get_binary_generic("_id").unwrap().len(), 32);
}
