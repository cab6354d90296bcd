//! How it fails as it is told, and how somebody waits for what it takes.

use reen_sims::mail::Fault;

use crate::support::{BUYER, FROM, Running, SELLER, Talk, in_time};

async fn send(talk: &mut Talk, to: &str, code: u16) {
    talk.begin_letter(to).await;
    talk.say(".", code).await;
}

#[tokio::test]
async fn a_letter_is_turned_away_as_often_as_it_was_told_to() {
    let sim = Running::start().await;
    sim.office.fail(BUYER, Fault::NotNow, 2);
    let mut talk = sim.greet().await;
    for (to, code) in [(BUYER, 451), (SELLER, 250), (BUYER, 451), (BUYER, 250)] {
        send(&mut talk, to, code).await;
    }
    assert_eq!(sim.office.turned_away(BUYER).len(), 2);
    assert_eq!(sim.office.letters_to(BUYER).len(), 1);
    assert!(sim.office.turned_away(SELLER).is_empty());
}

#[tokio::test]
async fn a_mailbox_that_is_not_there_is_refused_and_the_others_are_not() {
    let sim = Running::start().await;
    sim.office.fail(BUYER, Fault::NoSuchMailbox, u32::MAX);
    let mut talk = sim.greet().await;
    talk.say(&format!("MAIL FROM:<{FROM}>"), 250).await;
    let refusal = talk.say(&format!("RCPT TO:<{BUYER}>"), 550).await;
    assert!(refusal[0].contains(BUYER), "{refusal:?}");
    talk.say("DATA", 503).await;
    talk.say(&format!("RCPT TO:<{SELLER}>"), 250).await;
    talk.say("DATA", 354).await;
    talk.say(".", 250).await;
    assert_eq!(sim.office.letters_to(SELLER)[0].to, [SELLER]);
    sim.office.recover();
    send(&mut talk, BUYER, 250).await;
}

#[tokio::test]
async fn a_letter_may_be_taken_and_its_sender_not_hear_of_it() {
    let sim = Running::start().await;
    sim.office.fail(BUYER, Fault::AnswerLost, 1);
    let mut talk = sim.greet().await;
    talk.begin_letter(BUYER).await;
    talk.send("Subject: unheard\r\n.\r\n").await;
    talk.assert_ended().await;
    assert_eq!(sim.office.letters_to(BUYER).len(), 1);
    send(&mut sim.greet().await, BUYER, 250).await;
}

#[tokio::test]
async fn whoever_waits_for_a_letter_is_woken_by_the_right_one() {
    let sim = Running::start().await;
    let office = sim.office.clone();
    let waiting = tokio::spawn(async move { office.taken(BUYER, 2).await });
    let mut talk = sim.greet().await;
    for to in [BUYER, SELLER] {
        send(&mut talk, to, 250).await;
    }
    assert!(!waiting.is_finished());
    send(&mut talk, "Buyer@REEN.example", 250).await;
    assert_eq!(in_time(waiting).await.unwrap().len(), 2);
}
