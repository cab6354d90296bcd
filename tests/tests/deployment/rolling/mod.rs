//! Every process stopped and started again, one after the other, while people look, write and buy: nobody is
//! turned away, and whatever was paid becomes an order.

mod fleet;
mod load;

use std::time::{Duration, Instant};

use reen_invariants::Terms;
use reen_testkit::eventually;
use tokio_util::sync::CancellationToken;

use crate::support::Nginx;
use fleet::Fleet;
use load::Load;

/// What a process may take to stop: a purchase that is in work is finished.
const LIMIT: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn every_process_is_exchanged_and_nobody_notices() {
    let mut fleet = Fleet::start().await;
    let nginx = Nginx::before(&fleet.gateways());
    let door = nginx.door();
    let load = Load::prepare(&door, &fleet.stripe).await;

    let stop = CancellationToken::new();
    let exchanging = async {
        for replica in &mut fleet.replicas {
            let stopped_in = replica.exchange().await;
            eprintln!("{} stopped in {stopped_in:?}", replica.name);
            assert!(stopped_in < LIMIT, "{}: {stopped_in:?}", replica.name);
        }
        stop.cancel();
    };
    let started = Instant::now();
    let (served, ()) = tokio::join!(load.run(&stop), exchanging);
    eprintln!("in {:?}: {served:?}", started.elapsed());
    let [reads, writes, orders] = [served.reads, served.writes, served.orders];
    let least = reads.min(writes).min(orders);
    assert!(least >= fleet.replicas.len(), "{served:?}");

    let databases = fleet.databases().await;
    eventually("books that fit", async || {
        let report = reen_tests::report(&databases, Terms::quiet()).await;
        report.is_clean().then_some(())
    })
    .await;
}
