//! What is kept, where, and for how long.

use reen_sims::mail::{Config, MailSim};

use crate::support::{BUYER, Running, in_time};

async fn send(sim: &Running, text: &str) {
    let mut talk = sim.greet().await;
    talk.begin_letter(BUYER).await;
    talk.send(format!("{text}\r\n.\r\n")).await;
    talk.expect(250).await;
}

fn texts(sim: &Running) -> Vec<String> {
    let letters = sim.office.letters_to(BUYER);
    let texts = letters
        .iter()
        .map(|letter| String::from_utf8_lossy(&letter.bytes));
    texts.map(|text| text.trim_end().to_owned()).collect()
}

#[tokio::test]
async fn the_oldest_is_dropped_when_there_are_too_many() {
    let mut config = Config::in_process();
    config.limits.kept_letters = 2;
    let sim = Running::start_with(config).await;
    for text in ["one", "two", "three"] {
        send(&sim, text).await;
    }
    assert_eq!(texts(&sim), ["two", "three"]);
}

#[tokio::test]
async fn the_oldest_are_dropped_when_they_are_too_much() {
    let mut config = Config::in_process();
    config.limits.kept_bytes = 12;
    let sim = Running::start_with(config).await;
    for text in ["one", "two"] {
        send(&sim, text).await;
    }
    assert_eq!(texts(&sim), ["one", "two"]);
    send(&sim, "threethreethree").await;
    assert_eq!(texts(&sim), ["threethreethree"]);
}

#[tokio::test]
async fn each_is_written_into_the_folder_and_none_over_another() {
    let folder = tempfile::tempdir().unwrap();
    for run in ["first", "second"] {
        let mut config = Config::in_process();
        config.folder = Some(folder.path().join("letters"));
        let sim = Running::start_with(config).await;
        send(&sim, run).await;
        sim.stop().await;
    }
    for (file, text) in [("1.eml", "first\r\n"), ("2.eml", "second\r\n")] {
        let written = std::fs::read_to_string(folder.path().join("letters").join(file));
        assert_eq!(written.unwrap(), text);
    }
}

#[tokio::test]
async fn what_cannot_be_written_down_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("letters");
    let mut config = Config::in_process();
    config.folder = Some(inner.clone());
    let sim = Running::start_with(config).await;
    std::fs::remove_dir(&inner).unwrap();
    std::fs::write(&inner, "in the way").unwrap();
    let mut talk = sim.greet().await;
    talk.begin_letter(BUYER).await;
    talk.say(".", 451).await;
    assert_eq!(in_time(sim.office.refused(BUYER, 1)).await.len(), 1);
    assert!(sim.office.letters_to(BUYER).is_empty());
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error() {
    let sim = Running::start().await;
    let error = MailSim::build(Config::at(sim.address)).await.unwrap_err();
    assert!(error.to_string().contains(&sim.address.to_string()));
}
