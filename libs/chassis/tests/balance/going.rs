//! Replicas that are killed, and replicas that stop in good order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reen_proto::cart_items::v1::ListItemsRequest;
use tonic::Code;
use tonic::transport::Server;
use tonic_health::ServingStatus;

use crate::support::{
    Call, Replica, client, client_of, eventually, load, read, request, warm, write,
};

#[tokio::test]
async fn a_killed_replica_fails_no_read() {
    let mut replicas = Replica::several::<3>().await;
    let client = client_of(&replicas);
    warm(&client, &replicas).await;
    let reading = tokio::spawn({
        let client = client.clone();
        async move { load(&client, 3_000, Call::Read).await }
    });
    let enough = replicas[1].calls() + 100;
    eventually(async || (replicas[1].calls() > enough).then_some(())).await;
    replicas[1].kill();
    let failed = reading.await.unwrap();
    assert!(failed.is_empty(), "{failed:?}");
    assert!(replicas[0].calls() + replicas[2].calls() > 1_500);
    replicas[1].restart().await;
    let before = replicas[1].calls();
    eventually(async || {
        read(&client).await.unwrap();
        (replicas[1].calls() > before).then_some(())
    })
    .await;
}

/// What becomes of a write that a replica works on while it is killed, and how often both have seen it.
async fn write_cut_off(named: bool) -> (Result<(), Code>, usize) {
    let mut replicas = Replica::several::<2>().await;
    let client = client_of(&replicas);
    warm(&client, &replicas).await;
    let before: usize = replicas.iter().map(Replica::calls).sum();
    for replica in &replicas {
        replica.behaviour.close();
    }
    let asked = replicas.each_ref().map(Replica::calls);
    let writing = tokio::spawn(async move { request(named).scope(write(&client)).await });
    let at =
        eventually(async || (0..2).find(|&place| replicas[place].calls() > asked[place])).await;
    replicas[1 - at].behaviour.open();
    replicas[at].kill();
    let outcome = writing.await.unwrap().map_err(|status| status.code());
    let seen = replicas.iter().map(Replica::calls).sum::<usize>() - before;
    (outcome, seen)
}

#[tokio::test]
async fn a_write_that_may_have_been_executed_is_sent_again_only_by_its_name() {
    let (unnamed, seen) = write_cut_off(false).await;
    assert_eq!((unnamed, seen), (Err(Code::Unavailable), 1));
    let (named, seen) = write_cut_off(true).await;
    assert_eq!((named, seen), (Ok(()), 2));
}

#[tokio::test]
async fn replicas_that_are_restarted_in_good_order_fail_nothing() {
    let mut replicas = Replica::several::<2>().await;
    let client = client_of(&replicas);
    warm(&client, &replicas).await;
    let over = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (client, over) = (client.clone(), over.clone());
            tokio::spawn(async move {
                while !over.load(Ordering::SeqCst) {
                    write(&client).await?;
                }
                Ok::<_, tonic::Status>(())
            })
        })
        .collect();
    for _ in 0..3 {
        for place in 0..2 {
            replicas[place].stop();
            let other = &replicas[1 - place];
            let enough = other.calls() + 200;
            eventually(async || (other.calls() > enough).then_some(())).await;
            replicas[place].restart().await;
            let again = replicas[place].calls();
            eventually(async || (replicas[place].calls() > again).then_some(())).await;
        }
    }
    over.store(true, Ordering::SeqCst);
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn who_says_that_it_does_not_serve_gets_no_calls_while_others_do() {
    let (health, service) = tonic_health::server::health_reporter();
    health
        .set_service_status("", ServingStatus::NotServing)
        .await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let leaving = listener.local_addr().unwrap();
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    tokio::spawn(
        Server::builder()
            .add_service(service)
            .serve_with_incoming(incoming),
    );
    let replica = Replica::start().await;
    let both = client(&[leaving, replica.address]);
    eventually(async || read(&both).await.ok()).await;
    for _ in 0..50 {
        read(&both).await.unwrap();
    }
    let mut alone = client(&[leaving]);
    let asked_all_the_same = alone.list_items(ListItemsRequest {}).await.unwrap_err();
    assert_eq!(asked_all_the_same.code(), Code::Unimplemented);
}
