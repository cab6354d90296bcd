//! Replicas that answer, and cannot do their work.

use std::sync::atomic::Ordering;

use tonic::Code;

use crate::support::{Call, Replica, client_of, eventually, load, warm, write};

#[tokio::test]
async fn a_failing_replica_is_left_out_and_comes_back() {
    let replicas = Replica::several::<3>().await;
    let client = client_of(&replicas);
    let sick = &replicas[0];
    warm(&client, &replicas).await;
    sick.behaviour.unavailable.store(true, Ordering::SeqCst);
    let failed = load(&client, 600, Call::Write).await;
    assert!(
        failed
            .iter()
            .all(|status| status.code() == Code::Unavailable)
    );
    // Five in a row, and what was under way with them.
    assert!((5..=30).contains(&failed.len()), "{}", failed.len());
    sick.behaviour.unavailable.store(false, Ordering::SeqCst);
    let before = sick.calls();
    eventually(async || {
        write(&client).await.unwrap();
        (sick.calls() > before).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_read_is_asked_of_another_when_one_cannot_answer() {
    let replicas = Replica::several::<2>().await;
    let client = client_of(&replicas);
    warm(&client, &replicas).await;
    let sick = &replicas[0].behaviour.unavailable;
    sick.store(true, Ordering::SeqCst);
    let failed = load(&client, 200, Call::Read).await;
    assert!(failed.is_empty(), "{failed:?}");
}

#[tokio::test]
async fn an_outage_is_not_doubled_by_second_tries() {
    let replicas = Replica::several::<2>().await;
    let client = client_of(&replicas);
    for replica in &replicas {
        replica.behaviour.unavailable.store(true, Ordering::SeqCst);
    }
    let failed = load(&client, 500, Call::Read).await;
    assert_eq!(failed.len(), 500);
    let seen: usize = replicas.iter().map(Replica::calls).sum();
    assert!((500..=610).contains(&seen), "{seen} for 500 calls");
}

#[tokio::test]
async fn the_last_one_is_never_left_out() {
    let replica = Replica::start().await;
    let client = client_of(std::slice::from_ref(&replica));
    replica.behaviour.unavailable.store(true, Ordering::SeqCst);
    let failed = load(&client, 50, Call::Write).await;
    assert_eq!((failed.len(), replica.calls()), (50, 50));
    replica.behaviour.unavailable.store(false, Ordering::SeqCst);
    write(&client).await.unwrap();
}
