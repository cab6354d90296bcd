//! Waiting until nothing is under way any more.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bson::{Document, doc};
use futures::TryStreamExt as _;
use serde_json::Value;
use url::Url;

use crate::mesh::Mesh;
use crate::parts::Process;
use crate::visitor::PaymentPages;

/// A retry may wait for five minutes in its delay queue.
const PATIENCE: Duration = Duration::from_secs(6 * 60);
const SHOW_EVERY: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(250);
/// The broker counts its messages twice a second: one glance may be older than what it shows.
const GLANCES: u32 = 4;

/// Waits for the mesh, and answers how long that took.
///
/// # Errors
/// It is not quiet after six minutes, or a saga is stuck; the message says what is under way.
pub(crate) async fn wait(mesh: &Mesh, pages: &PaymentPages) -> Result<Duration> {
    let started = Instant::now();
    let mut quiet_glances = 0;
    let mut quiet_since = started.elapsed();
    let mut shown = Instant::now();
    while quiet_glances < GLANCES {
        let busy = look(mesh, pages).await?;
        if busy.is_empty() {
            if quiet_glances == 0 {
                quiet_since = started.elapsed();
            }
            quiet_glances += 1;
        } else {
            quiet_glances = 0;
        }
        if shown.elapsed() >= SHOW_EVERY {
            shown = Instant::now();
            eprintln!("not quiet yet: {}", busy.join("; "));
        }
        if started.elapsed() >= PATIENCE {
            bail!("not quiet after {PATIENCE:?}: {}", busy.join("; "));
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(quiet_since)
}

/// What is still under way.
async fn look(mesh: &Mesh, pages: &PaymentPages) -> Result<Vec<String>> {
    let mut busy = undelivered_events(pages).await?;
    busy.extend(waiting_messages(mesh).await?);
    busy.extend(unsettled_sagas(mesh).await?);
    for process in Process::STORES {
        let outbox = mesh.database(process)?.collection::<Document>("outbox");
        let waiting = outbox.count_documents(doc! {}).await?;
        if waiting > 0 {
            busy.push(format!("{waiting} messages in the outbox of {process}"));
        }
    }
    Ok(busy)
}

async fn undelivered_events(pages: &PaymentPages) -> Result<Vec<String>> {
    let events = pages.get("/sim/events").await?;
    let events = events.as_array().context("a list of events")?;
    let is_open = |event: &&Value| event["delivered"] == false && event["abandoned"] == false;
    let open: Vec<_> = events.iter().filter(is_open).collect();
    let first = open.first().map(|event| {
        let last = event["deliveries"].as_array().and_then(|all| all.last());
        format!("{} webhooks on their way, last {last:?}", open.len())
    });
    Ok(first.into_iter().collect())
}

async fn waiting_messages(mesh: &Mesh) -> Result<Vec<String>> {
    let waiting = queues(mesh).await?.into_iter();
    Ok(waiting
        .filter(|(name, messages)| *messages > 0 && !name.ends_with(".dead"))
        .map(|(name, messages)| format!("{messages} messages in {name}"))
        .collect())
}

/// Every queue and how many messages are in it, those in work included.
pub(crate) async fn queues(mesh: &Mesh) -> Result<Vec<(String, u64)>> {
    let mut url = Url::parse(&mesh.backends.broker_api)?.join("/api/queues/%2F")?;
    let (user, password) = (url.username().to_owned(), url.password().map(str::to_owned));
    let _without_credentials = url.set_username("").and_then(|()| url.set_password(None));
    let request = reqwest::Client::new().get(url).basic_auth(user, password);
    let queues: Value = request.send().await?.json().await?;
    let queues = queues.as_array().context("a list of queues")?;
    Ok(queues
        .iter()
        .map(|queue| {
            let name = queue["name"].as_str().unwrap_or_default().to_owned();
            (name, queue["messages"].as_u64().unwrap_or_default())
        })
        .collect())
}

async fn unsettled_sagas(mesh: &Mesh) -> Result<Vec<String>> {
    let database = mesh.database(Process::EventsHandler)?;
    let unsettled = doc! {"status": {"$nin": ["done", "compensated"]}};
    let found = database
        .collection::<Document>("sagas")
        .find(unsettled)
        .limit(20)
        .await?;
    let found: Vec<Document> = found.try_collect().await?;
    for saga in &found {
        if saga.get_str("status").is_ok_and(|status| status == "stuck") {
            bail!("a saga is stuck: {saga}");
        }
    }
    let name = |saga: &Document| {
        let word = |field| saga.get_str(field).unwrap_or_default();
        format!("saga {} is {}", word("_id"), word("status"))
    };
    Ok(found.iter().map(name).collect())
}
