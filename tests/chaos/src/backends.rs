//! Private backends, which may be killed.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use reen_backends::mongo::{Mongod, ReplicaSet};
use reen_backends::private_folder;
use reen_backends::rabbitmq::Node;
use reen_backends::redis::Cache;
use tokio::task::spawn_blocking;

use crate::parts::Backend;

/// MongoDB, RabbitMQ and Redis of one run; they end with it.
pub(crate) struct Backends {
    mongo: Arc<Mutex<ReplicaSet>>,
    broker: Arc<Mutex<Node>>,
    cache: Arc<Mutex<Cache>>,
    pub(crate) mongo_url: String,
    pub(crate) broker_url: String,
    pub(crate) broker_api: String,
    pub(crate) cache_url: String,
}

impl Backends {
    pub(crate) async fn start(folder: &Path, mongo_members: usize) -> Result<Self> {
        let (for_mongo, for_broker, for_cache) =
            (folder.to_owned(), folder.to_owned(), folder.to_owned());
        let mongo = spawn_blocking(move || {
            let mongod = Mongod::find(&private_folder())?;
            ReplicaSet::start(&mongod, &for_mongo, mongo_members)
        });
        let broker = spawn_blocking(move || Node::start(&for_broker));
        let cache = spawn_blocking(move || Cache::start(&for_cache));
        // All are awaited, so that one that fails leaves none behind that is still starting.
        let (mongo, broker, cache) = tokio::try_join!(mongo, broker, cache)?;
        let (mongo, broker, cache) = (mongo?, broker?, cache?);
        Ok(Self {
            mongo_url: mongo.url(),
            broker_url: broker.url(),
            broker_api: broker.api_url(),
            cache_url: cache.url(),
            mongo: Arc::new(Mutex::new(mongo)),
            broker: Arc::new(Mutex::new(broker)),
            cache: Arc::new(Mutex::new(cache)),
        })
    }

    /// Kills one, and starts it again after `down`.
    pub(crate) async fn kill(&self, backend: Backend, down: Duration) -> Result<()> {
        match backend {
            Backend::Mongo => {
                hold(&self.mongo, move |set| {
                    let primary = set.wait_for_primary()?;
                    set.kill(primary);
                    std::thread::sleep(down);
                    set.restart(primary)
                })
                .await
            }
            Backend::RabbitMq => {
                hold(&self.broker, move |node| {
                    node.kill();
                    std::thread::sleep(down);
                    node.restart()
                })
                .await
            }
            Backend::Redis => {
                hold(&self.cache, move |cache| {
                    cache.kill();
                    std::thread::sleep(down);
                    cache.restart()
                })
                .await
            }
        }
    }

    pub(crate) async fn step_down(&self) -> Result<()> {
        hold(&self.mongo, |set| set.step_down().map(|_| ())).await
    }
}

/// Does slow work with a server on a thread of its own; who wants the same one waits.
async fn hold<T: Send + 'static>(
    server: &Arc<Mutex<T>>,
    work: impl FnOnce(&mut T) -> Result<()> + Send + 'static,
) -> Result<()> {
    let server = Arc::clone(server);
    spawn_blocking(move || {
        let mut server = server.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut server)
    })
    .await
    .context("a backend's fault panicked")?
}
