//! Finding replicas, and sharing among them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reen_chassis::CallContext;
use tokio::net::TcpListener;
use tonic::Code;

use crate::support::{Names, Replica, client, client_of, client_through, eventually, read, warm};

#[tokio::test]
async fn three_replicas_share_evenly() {
    let replicas = Replica::several::<3>().await;
    let client = client_of(&replicas);
    warm(&client, &replicas).await;
    let before = replicas.each_ref().map(Replica::calls);
    // One after the other: of several at once, whoever is faster at the moment gets more.
    for _ in 0..4_500 {
        read(&client).await.unwrap();
    }
    for (replica, before) in replicas.iter().zip(before) {
        let share = replica.calls() - before;
        assert!(share.abs_diff(1_500) <= 150, "{share} of 4500");
    }
}

#[tokio::test]
async fn the_busier_one_is_asked_less() {
    let replicas = Replica::several::<2>().await;
    let client = client_of(&replicas);
    warm(&client, &replicas).await;
    let [slow, _] = &replicas;
    slow.behaviour.close();
    // More than one call less under way elsewhere is what counts.
    let held = slow.calls() + 2;
    let mut waiting = Vec::new();
    while slow.calls() < held {
        let before = slow.calls();
        let client = client.clone();
        let call = tokio::spawn(patient().scope(async move { read(&client).await }));
        eventually(async || (call.is_finished() || slow.calls() > before).then_some(())).await;
        waiting.push(call);
    }
    for _ in 0..100 {
        read(&client).await.unwrap();
    }
    assert_eq!(slow.calls(), held, "it still works on those");
    slow.behaviour.open();
    for answer in waiting {
        answer.await.unwrap().unwrap();
    }
}

/// A caller who waits however long it takes: what is held stays under way.
fn patient() -> CallContext {
    CallContext {
        deadline: Some(Instant::now() + Duration::from_secs(60)),
        ..CallContext::default()
    }
}

#[tokio::test]
async fn a_name_that_moves_is_followed_when_a_replica_goes() {
    let (mut old, new) = (Replica::start().await, Replica::start().await);
    let names = Arc::new(Names::default());
    names.tell(&[old.address]);
    let client = client_through(&names);
    read(&client).await.unwrap();
    names.fail();
    read(&client).await.unwrap();
    names.tell(&[new.address]);
    old.kill();
    eventually(async || read(&client).await.ok()).await;
    assert!(new.calls() > 0);
}

#[tokio::test]
async fn a_new_replica_is_given_calls_within_seconds() {
    let (first, second) = (Replica::start().await, Replica::start().await);
    let names = Arc::new(Names::default());
    names.tell(&[first.address]);
    let client = client_through(&names);
    read(&client).await.unwrap();
    names.tell(&[first.address, second.address]);
    eventually(async || {
        read(&client).await.unwrap();
        (second.calls() > 0).then_some(())
    })
    .await;
    names.tell(&[second.address]);
    eventually(async || {
        let before = first.calls();
        for _ in 0..10 {
            read(&client).await.unwrap();
        }
        (first.calls() == before).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_peer_that_is_away_is_refused_at_once_and_found_when_it_comes() {
    let mut replica = Replica::start().await;
    replica.kill();
    let client = client_of(std::slice::from_ref(&replica));
    let began = Instant::now();
    let refused = eventually(async || read(&client).await.err()).await;
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(began.elapsed() < Duration::from_secs(2));
    let names = Arc::new(Names::default());
    let nowhere = client_through(&names);
    let unknown = read(&nowhere).await.unwrap_err();
    assert_eq!(unknown.code(), Code::Unavailable);
    replica.restart().await;
    read(&client).await.unwrap();
    names.tell(&[replica.address]);
    read(&nowhere).await.unwrap();
}

#[tokio::test]
async fn who_takes_connections_and_says_nothing_is_not_waited_for() {
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mute = mute.local_addr().unwrap();
    let replica = Replica::start().await;
    let both = client(&[mute, replica.address]);
    for _ in 0..20 {
        read(&both).await.unwrap();
    }
    let alone = client(&[mute]);
    let hurried = CallContext {
        deadline: Some(Instant::now() + Duration::from_millis(300)),
        ..CallContext::default()
    };
    let late = hurried.scope(read(&alone)).await.unwrap_err();
    assert_eq!(late.code(), Code::DeadlineExceeded);
}
