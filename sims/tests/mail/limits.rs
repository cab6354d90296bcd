//! What a sender may not ask for.

use std::time::Duration;

use reen_sims::mail::{Config, Limits};

use crate::support::{BUYER, FROM, Running, Talk};

async fn limited(change: impl FnOnce(&mut Limits)) -> Running {
    let mut config = Config::in_process();
    change(&mut config.limits);
    Running::start_with(config).await
}

#[tokio::test]
async fn a_line_has_an_end() {
    let sim = limited(|limits| limits.line = 64).await;
    let mut talk = sim.greet().await;
    talk.say(&"x".repeat(63), 500).await;
    talk.say(&format!("NOOP {}", "x".repeat(57)), 250).await;
    talk.begin_letter(BUYER).await;
    talk.send(format!("{}\r\nshort\r\n.\r\n", "x".repeat(63)))
        .await;
    talk.expect(500).await;
    talk.begin_letter(BUYER).await;
    talk.send(format!("{}\r\n.\r\n", "x".repeat(62))).await;
    talk.expect(250).await;
    assert_eq!(sim.office.letters_to(BUYER).len(), 1);
}

#[tokio::test]
async fn a_letter_has_a_size() {
    let sim = limited(|limits| limits.letter = 100).await;
    let mut talk = sim.greet().await;
    talk.say(&format!("MAIL FROM:<{FROM}> SIZE=101"), 552).await;
    talk.say(&format!("MAIL FROM:<{FROM}> SIZE=100"), 250).await;
    talk.say("RSET", 250).await;
    for (length, code) in [(98, 250), (99, 552)] {
        talk.begin_letter(BUYER).await;
        // What follows the limit is not taken for a command.
        talk.send(format!("{}\r\n", "x".repeat(length))).await;
        if code == 552 {
            talk.send("QUIT\r\n").await;
        }
        talk.say(".", code).await;
    }
    assert_eq!(sim.office.letters_to(BUYER)[0].bytes.len(), 100);
    assert_eq!(sim.office.letters_to(BUYER).len(), 1);
}

#[tokio::test]
async fn a_letter_goes_to_so_many_and_those_get_it() {
    let sim = limited(|limits| limits.recipients = 2).await;
    let mut talk = sim.greet().await;
    talk.say(&format!("MAIL FROM:<{FROM}>"), 250).await;
    for (number, code) in [(1, 250), (2, 250), (3, 452)] {
        talk.say(&format!("RCPT TO:<{number}@reen.example>"), code)
            .await;
    }
    talk.say("DATA", 354).await;
    talk.say(".", 250).await;
    assert_eq!(sim.office.letters_to("2@reen.example").len(), 1);
    assert!(sim.office.letters_to("3@reen.example").is_empty());
}

#[tokio::test]
async fn there_are_so_many_places_and_who_leaves_makes_room() {
    let sim = limited(|limits| limits.connections = 1).await;
    let mut first = sim.connect().await;
    let mut second = Talk::to(sim.address).await;
    second.expect(421).await;
    second.assert_ended().await;
    first.say("QUIT", 221).await;
    first.assert_ended().await;
    // The place is free a moment after its connection ended.
    loop {
        let mut third = Talk::to(sim.address).await;
        if third.code().await == "220" {
            break;
        }
    }
}

#[tokio::test]
async fn who_is_silent_is_sent_away() {
    let sim = limited(|limits| limits.idle = Duration::from_millis(50)).await;
    let mut talk = sim.connect().await;
    talk.expect(421).await;
    talk.assert_ended().await;
}

#[tokio::test]
async fn who_falls_silent_within_a_letter_is_sent_away() {
    let sim = limited(|limits| limits.idle = Duration::from_millis(200)).await;
    let mut talk = sim.connect().await;
    // All at once, so that a machine that is busy does not make the test itself too silent between.
    let begun = format!("MAIL FROM:<{FROM}>\r\nRCPT TO:<{BUYER}>\r\nDATA\r\nSubject: half");
    talk.send(format!("EHLO test.example\r\n{begun}")).await;
    for code in [250, 250, 250, 354, 421] {
        talk.expect(code).await;
    }
    talk.assert_ended().await;
    assert!(sim.office.letters_to(BUYER).is_empty());
}
