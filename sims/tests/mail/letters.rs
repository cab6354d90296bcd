//! Whole letters, through the client that the events-handler uses.

use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::response::Response;
use lettre::transport::smtp::{Error, SmtpTransport};
use lettre::{Message, Transport as _};
use reen_sims::mail::Fault;
use tokio::task::spawn_blocking;

use crate::support::{BUYER, FROM, Running, in_time};

fn client(sim: &Running) -> SmtpTransport {
    let builder = SmtpTransport::from_url(&sim.smtp_url).unwrap();
    builder.build()
}

/// The client waits for the server in a thread.
async fn send(client: &SmtpTransport, letter: Message) -> Result<Response, Error> {
    let client = client.clone();
    let sending = spawn_blocking(move || client.send(&letter));
    sending.await.unwrap()
}

fn mailbox(name: &str, address: &str) -> Mailbox {
    Mailbox::new(Some(name.to_owned()), address.parse().unwrap())
}

fn letter(to: &str) -> Message {
    let text = ".begins with a dot\r\nÄpfel für 12,50 €\r\n";
    let parts = MultiPart::alternative_plain_html(text.to_owned(), "<p>Äpfel</p>".to_owned());
    Message::builder()
        .message_id(Some("<order.7@reen.example>".to_owned()))
        .from(mailbox("REEN", FROM))
        .to(mailbox("Béa Buyer", to))
        .subject("Your Äpfel are on their way, all of the two hundred and fifty that you ordered")
        .multipart(parts)
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_letter_comes_as_it_was_written() {
    let sim = Running::start().await;
    send(&client(&sim), letter(BUYER)).await.unwrap();
    let letters = in_time(sim.office.taken(BUYER, 1)).await;
    let [taken] = letters.as_slice() else {
        unreachable!("{letters:?}");
    };
    assert_eq!(
        (taken.from.as_str(), taken.to.as_slice()),
        (FROM, &[BUYER.to_owned()][..])
    );
    assert_eq!(taken.header("From").unwrap(), format!("REEN <{FROM}>"));
    assert_eq!(taken.header("To").unwrap(), format!("Béa Buyer <{BUYER}>"));
    assert_eq!(taken.message_id().unwrap(), "order.7@reen.example");
    assert!(taken.subject().starts_with("Your Äpfel are on their way"));
    let text = taken.text().unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines, [".begins with a dot", "Äpfel für 12,50 €"]);
    assert_eq!(taken.html().unwrap().trim_end(), "<p>Äpfel</p>");
    assert_eq!(taken.header("X-Nothing"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_go_one_after_the_other_over_one_connection() {
    let sim = Running::start().await;
    let client = client(&sim);
    for _ in 0..3 {
        send(&client, letter(BUYER)).await.unwrap();
    }
    assert_eq!(sim.office.letters_to(BUYER).len(), 3);
    let tested = spawn_blocking(move || client.test_connection());
    assert!(tested.await.unwrap().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_another_script_is_written_to() {
    let sim = Running::start().await;
    let to = "käufer@reen.example";
    send(&client(&sim), letter(to)).await.unwrap();
    assert_eq!(sim.office.letters_to(to).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_tells_now_from_never() {
    let sim = Running::start().await;
    let client = client(&sim);
    sim.office.fail(BUYER, Fault::NotNow, 1);
    let error = send(&client, letter(BUYER)).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    sim.office.fail(BUYER, Fault::NoSuchMailbox, 1);
    let error = send(&client, letter(BUYER)).await.unwrap_err();
    assert!(error.is_permanent(), "{error}");
    sim.office.fail(BUYER, Fault::AnswerLost, 1);
    let error = send(&client, letter(BUYER)).await.unwrap_err();
    assert!(!error.is_permanent() && !error.is_transient(), "{error}");
    assert_eq!(sim.office.letters_to(BUYER).len(), 1);
    send(&client, letter(BUYER)).await.unwrap();
    assert_eq!(sim.office.letters_to(BUYER).len(), 2);
}
