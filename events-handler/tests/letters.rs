//! Letters about accounts: what auth makes of them is sent, once more with another token after a crash.

mod support;

use reen_messaging::Message;
use reen_proto::events::v1::LetterRequested;
use reen_testkit::eventually;
use support::{World, checkout_id};

const KIND: &str = "account-letter";
const BUYER: &str = "buyer@reen.example";

/// Asks for a letter, `times` over, and answers its key.
async fn ask(world: &World, times: usize) -> String {
    let key = checkout_id();
    let asked = LetterRequested {
        letter_id: key.clone(),
        requested_at: None,
    };
    for _ in 0..times {
        world.publish_message(&Message::new(&asked)).await;
    }
    key
}

fn holds_token(letter: &str, number: usize) -> bool {
    // The equals sign is written as such in quoted-printable, and lines are folded.
    let plain = letter.replace("=\r\n", "").replace("=3D", "=");
    plain.contains(&format!(
        "http://localhost:3000/reset-password?token=token-{number}"
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_is_sent_once_however_often_it_is_asked_for() {
    let world = World::start().await;
    let key = ask(&world, 3).await;
    let saga = world.saga_in(KIND, &key, "done").await;
    let letters = world.letters_to(BUYER);
    assert_eq!(letters.len(), 1);
    assert!(holds_token(&letters[0], 1), "{}", letters[0]);
    assert!(!saga.to_string().contains("token-1"), "{saga}");
    assert!(!saga.to_string().contains(BUYER), "{saga}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_written_to_when_auth_knows_nobody() {
    let world = World::start().await;
    world.book.know_nobody();
    let key = ask(&world, 1).await;
    world.saga_in(KIND, &key, "done").await;
    assert!(world.letters_to(BUYER).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_could_not_be_sent_is_written_again_with_another_token() {
    let world = World::start().await;
    std::fs::remove_dir(&world.mail).unwrap();
    let key = ask(&world, 1).await;
    let waits = bson::doc! {"_id": format!("{KIND}:{key}"), "attempts": {"$gt": 0}};
    eventually("the post to fail", async || {
        world.sagas.find_one(waits.clone()).await.unwrap()
    })
    .await;
    std::fs::create_dir(&world.mail).unwrap();
    world.saga_in(KIND, &key, "done").await;
    let letters = world.letters_to(BUYER);
    assert_eq!(letters.len(), 1);
    let last = world.book.calls_of("issue_token");
    assert!(last > 1 && holds_token(&letters[0], last), "{}", letters[0]);
}
