//! A run: rounds of purchases while things go wrong, each followed by quiet and the checker.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;

use crate::injector::inject;
use crate::market::Market;
use crate::mesh::Mesh;
use crate::plan::Plan;
use crate::purchase::Purchase;
use crate::report::Report;
use crate::story::Story;
use crate::visitor::Visitor;
use crate::{checker, quiet};

/// After so many purchases everything must come to rest and be right.
const ROUND: u64 = 500;
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// What is bought by whom, and what goes wrong meanwhile.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many purchases are begun.
    pub purchases: u64,
    /// How many buy at the same time.
    pub buyers: usize,
    /// How many of a hundred webhooks come several times.
    pub duplicates: u32,
    /// Makes what the buyers do.
    pub seed: u64,
    /// What goes wrong.
    pub plan: Plan,
    /// All roles are one process: whoever is killed, all are.
    pub together: bool,
    /// Members of MongoDB's replica set. One is reached through proxies; of several the clients find
    /// each by themselves.
    pub mongo_members: usize,
}

/// Starts a mesh, lets buyers buy while things go wrong, and checks what came of it. Stops after the
/// first round that is not clean. Logs and data are in `folder`.
///
/// # Errors
/// The mesh does not start, does not come to rest, or a fault cannot be made to happen or to heal.
pub async fn run(options: &Options, folder: &Path) -> Result<Report> {
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
    reen_chassis::jwt::install();
    let mesh = Arc::new(Mesh::start(folder, options.mongo_members, options.together).await?);
    let market = Arc::new(Market::open(&mesh, options.purchases).await?);
    let mut buyers = Vec::new();
    for _ in 0..options.buyers {
        buyers.push(Arc::new(Mutex::new(market.buyer().await?)));
    }
    let mut report = Report::default();
    while report.purchases < options.purchases && report.is_clean() {
        let round = Round {
            from: report.purchases,
            to: options.purchases.min(report.purchases + ROUND),
            options,
            mesh: &mesh,
            market: &market,
            buyers: &buyers,
        };
        round.run(&mut report).await?;
    }
    report.ended_by_themselves = mesh.ended_by_themselves();
    mesh.stop().await;
    Ok(report)
}

struct Round<'a> {
    from: u64,
    to: u64,
    options: &'a Options,
    mesh: &'a Arc<Mesh>,
    market: &'a Arc<Market>,
    buyers: &'a [Arc<Mutex<Visitor>>],
}

impl Round<'_> {
    async fn run(self, report: &mut Report) -> Result<()> {
        let (begun, watched) = watch::channel(self.from);
        let begun = Arc::new(begun);
        let faults = self.options.plan.between(self.from, self.to);
        let faults = tokio::spawn(inject(Arc::clone(self.mesh), faults, watched.clone()));
        let progress = tokio::spawn(show_progress(watched, self.options.purchases));
        let started = Instant::now();
        report.given_up.extend(self.buy(begun).await?);
        report.buying += started.elapsed();
        report.purchases = self.to;
        report
            .struck
            .add(faults.await.context("the injector panicked")??);
        progress.abort();
        let took = quiet::wait(self.mesh, &self.market.pages).await?;
        report.longest_to_quiet = report.longest_to_quiet.max(took);
        report.findings = checker::check(self.mesh, &self.market.pages).await?;
        eprintln!("{} purchases, quiet after {took:?}", self.to);
        Ok(())
    }

    /// Lets every buyer take the next purchase until all are done, and answers those that were given
    /// up.
    async fn buy(&self, begun: Arc<watch::Sender<u64>>) -> Result<Vec<String>> {
        let mut buying = JoinSet::new();
        for buyer in self.buyers {
            let (buyer, market, begun) = (
                Arc::clone(buyer),
                Arc::clone(self.market),
                Arc::clone(&begun),
            );
            let (to, seed, duplicates) = (self.to, self.options.seed, self.options.duplicates);
            buying.spawn(async move {
                let mut buyer = buyer.lock().await;
                let mut given_up = Vec::new();
                while let Some(number) = next(&begun, to) {
                    let story = Story::of(seed, number, duplicates);
                    let purchase = Purchase {
                        market: &market,
                        buyer: &mut buyer,
                        story,
                    };
                    if let Err(error) = purchase.run().await {
                        given_up.push(format!("purchase {number} ({:?}): {error:#}", story.kind));
                    }
                }
                given_up
            });
        }
        let given_up = buying.join_all().await;
        Ok(given_up.into_iter().flatten().collect())
    }
}

/// Takes the next purchase of the round.
fn next(begun: &watch::Sender<u64>, to: u64) -> Option<u64> {
    let mut taken = None;
    begun.send_if_modified(|next| {
        taken = (*next < to).then_some(*next);
        *next += u64::from(taken.is_some());
        taken.is_some()
    });
    taken
}

async fn show_progress(begun: watch::Receiver<u64>, purchases: u64) {
    loop {
        tokio::time::sleep(PROGRESS_EVERY).await;
        eprintln!("{} of {purchases} purchases begun", *begun.borrow());
    }
}
