//! What is answered to what, line by line.

use reen_sims::mail::Config;

use crate::support::{BUYER, FROM, Running, SELLER, in_time};

#[tokio::test]
async fn a_letter_is_taken_as_it_was_before_it_was_sent() {
    let sim = Running::start().await;
    let mut talk = sim.greet().await;
    talk.begin_letter(BUYER).await;
    talk.send("Subject: Dots\r\n\r\n..one\r\n...two\r\nmid.dle\r\n.\r\n")
        .await;
    talk.expect(250).await;
    talk.say("QUIT", 221).await;
    talk.assert_ended().await;

    let letters = sim.office.letters_to(BUYER);
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].from, FROM);
    assert_eq!(letters[0].to, [BUYER]);
    let text = "Subject: Dots\r\n\r\n.one\r\n..two\r\nmid.dle\r\n";
    assert_eq!(String::from_utf8_lossy(&letters[0].bytes), text);
}

#[tokio::test]
async fn a_letter_may_be_empty_and_may_begin_with_a_dot() {
    let sim = Running::start().await;
    let mut talk = sim.greet().await;
    talk.begin_letter(BUYER).await;
    talk.say(".", 250).await;
    talk.begin_letter(BUYER).await;
    talk.send("..\r\n.\r\n").await;
    talk.expect(250).await;
    let letters = sim.office.letters_to(BUYER);
    let bytes: Vec<_> = letters
        .iter()
        .map(|letter| letter.bytes.as_slice())
        .collect();
    assert_eq!(bytes, [&b""[..], b".\r\n"]);
}

#[tokio::test]
async fn ehlo_names_the_extensions_and_helo_does_not() {
    let sim = Running::start().await;
    let mut talk = sim.connect().await;
    let offered = talk.say("EHLO test.example", 250).await;
    let keywords: Vec<&str> = offered[1..].iter().map(|line| &line[4..]).collect();
    assert_eq!(
        keywords,
        ["PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 10485760"]
    );
    assert_eq!(talk.say("HELO test.example", 250).await.len(), 1);
}

#[tokio::test]
async fn commands_that_are_sent_at_once_are_answered_in_turn() {
    let sim = Running::start().await;
    let mut talk = sim.connect().await;
    let rest = format!("MAIL FROM:<{FROM}>\r\nRCPT TO:<{BUYER}>\r\nRCPT TO:<{SELLER}>\r\nDATA\r\n");
    talk.send(format!("EHLO test.example\r\n{rest}")).await;
    for code in [250, 250, 250, 250, 354] {
        talk.expect(code).await;
    }
    talk.send("Subject: x\r\n\r\ny\r\n.\r\nNOOP\r\nQUIT\r\n")
        .await;
    for code in [250, 250, 221] {
        talk.expect(code).await;
    }
    assert_eq!(sim.office.letters_to(SELLER)[0].to, [BUYER, SELLER]);
}

#[tokio::test]
async fn what_is_out_of_order_is_refused() {
    let sim = Running::start().await;
    let mut talk = sim.connect().await;
    let mail = format!("MAIL FROM:<{FROM}>");
    let rcpt = format!("RCPT TO:<{BUYER}>");
    talk.say(&mail, 503).await;
    talk.say("EHLO test.example", 250).await;
    talk.say(&rcpt, 503).await;
    talk.say("DATA", 503).await;
    talk.say(&mail, 250).await;
    talk.say(&mail, 503).await;
    talk.say("DATA", 503).await;
    talk.say(&rcpt, 250).await;
    talk.say("RSET", 250).await;
    talk.say("DATA", 503).await;
    talk.say(&mail, 250).await;
    talk.say("EHLO test.example", 250).await;
    talk.say(&rcpt, 503).await;
    talk.begin_letter(BUYER).await;
    talk.say(".", 250).await;
    talk.say("DATA", 503).await;
}

#[tokio::test]
async fn what_is_unknown_or_malformed_is_refused_and_the_talk_goes_on() {
    let sim = Running::start().await;
    let mut talk = sim.greet().await;
    for (line, code) in [
        ("", 500),
        ("FROBNICATE", 500),
        ("GET / HTTP/1.1", 500),
        ("EHLO", 501),
        ("MAIL FROM no-reply@reen.example", 501),
        ("MAIL FROM:<no-reply>", 501),
        ("MAIL FROM:<a@reen.example> SIZE=many", 501),
        ("MAIL FROM:<a@reen.example> FROBNICATE=yes", 555),
        ("MAIL FROM:<a@reen.example> BODY=BINARYMIME", 555),
        ("STARTTLS", 502),
        ("AUTH PLAIN AGEAYg==", 502),
        ("BDAT 0 LAST", 502),
        ("EXPN everybody", 502),
        ("noop", 250),
        ("VRFY buyer@reen.example", 252),
        ("VRFY", 501),
        ("mail from:<>", 250),
        ("RCPT TO:<>", 501),
        ("RCPT TO:<buyer@reen.example> NOTIFY=NEVER", 555),
        ("rcpt to:<Postmaster>", 250),
    ] {
        talk.say(line, code).await;
    }
}

#[tokio::test]
async fn a_lone_newline_ends_neither_a_line_nor_a_letter() {
    let sim = Running::start().await;
    let mut talk = sim.greet().await;
    talk.begin_letter(BUYER).await;
    talk.send("Subject: one\r\n\r\nhello\n.\nMAIL FROM:<evil@reen.example>\r\n.\r\n")
        .await;
    talk.expect(250).await;
    talk.say("NOOP", 250).await;
    let letters = sim.office.letters_to(BUYER);
    assert_eq!(letters.len(), 1);
    assert!(letters[0].bytes.ends_with(b"<evil@reen.example>\r\n"));
}

#[tokio::test]
async fn addresses_of_other_scripts_need_the_extension() {
    let sim = Running::start().await;
    let mut talk = sim.greet().await;
    talk.say("MAIL FROM:<bücher@reen.example>", 553).await;
    talk.say("MAIL FROM:<a@reen.example>", 250).await;
    talk.say("RCPT TO:<käufer@reen.example>", 553).await;
    talk.say("RSET", 250).await;
    talk.say("MAIL FROM:<bücher@reen.example> SMTPUTF8", 250)
        .await;
    talk.say("RCPT TO:<käufer@reen.example>", 250).await;
    talk.say("DATA", 354).await;
    talk.say(".", 250).await;
    assert_eq!(sim.office.letters_to("käufer@reen.example").len(), 1);
}

#[tokio::test]
async fn a_server_of_before_knows_no_other_letters() {
    let mut config = Config::in_process();
    config.limits.other_letters = false;
    let sim = Running::start_with(config).await;
    let mut talk = sim.connect().await;
    let offered = talk.say("EHLO test.example", 250).await;
    assert!(!offered.iter().any(|line| line.contains("SMTPUTF8")));
    talk.say("MAIL FROM:<a@reen.example> SMTPUTF8", 555).await;
}

#[tokio::test]
async fn a_sender_that_leaves_within_a_letter_leaves_none() {
    let sim = Running::start().await;
    let mut leaver = sim.greet().await;
    leaver.begin_letter(BUYER).await;
    leaver.send("Subject: half a").await;
    drop(leaver);
    let mut talk = sim.greet().await;
    talk.begin_letter(BUYER).await;
    talk.send("Subject: whole\r\n.\r\n").await;
    talk.expect(250).await;
    // The server is not over before it has let the first one go as well.
    let office = sim.office.clone();
    talk.say("QUIT", 221).await;
    sim.stop().await;
    assert_eq!(office.letters_to(BUYER).len(), 1);
}

#[tokio::test]
async fn senders_are_told_that_it_stops() {
    let sim = Running::start().await;
    let mut talk = sim.greet().await;
    in_time(sim.stop()).await;
    talk.expect(421).await;
    talk.assert_ended().await;
}
