use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lapin::options::ConfirmSelectOptions;
use lapin::{Channel, Connection, ConnectionProperties};
use reen_chassis::admin::Dependency;
use secrecy::{ExposeSecret, SecretString};

use crate::{Error, Publisher, Queue};

const START_UP_PATIENCE: Duration = Duration::from_secs(30);
const START_UP_PAUSE: Duration = Duration::from_millis(500);
const FIRST_RECONNECT_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_RECONNECT_PAUSE: Duration = Duration::from_secs(2);

/// A connection to RabbitMQ that comes back by itself; cheap to clone.
#[derive(Clone)]
pub struct Broker {
    connection: Arc<Connection>,
}

impl Broker {
    /// Connects, waiting up to half a minute for a broker that is still starting.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when no broker answers in that time.
    pub async fn open(url: &SecretString, app: &str) -> Result<Self, Error> {
        let give_up = tokio::time::Instant::now() + START_UP_PATIENCE;
        loop {
            match Connection::connect(url.expose_secret(), properties(app)).await {
                Ok(connection) => {
                    return Ok(Self {
                        connection: Arc::new(connection),
                    });
                }
                Err(error) if tokio::time::Instant::now() >= give_up => return Err(error.into()),
                Err(error) => {
                    tracing::warn!(app, %error, "waiting for RabbitMQ");
                    tokio::time::sleep(START_UP_PAUSE).await;
                }
            }
        }
    }

    /// Makes the queues of `queue` and a publisher of its own channel.
    ///
    /// # Errors
    /// When the broker is away, or has a queue of that name with other arguments.
    pub async fn publisher(&self, queue: Queue) -> Result<Publisher, Error> {
        let channel = self.channel().await?;
        queue.declare(&channel).await?;
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await?;
        Ok(Publisher::new(channel, queue))
    }

    pub(crate) async fn channel(&self) -> Result<Channel, Error> {
        Ok(self.connection.create_channel().await?)
    }

    /// Closes the connection after what was published is confirmed.
    pub async fn close(&self) {
        if let Err(error) = self.connection.close(200, "stopping".into()).await {
            tracing::debug!(%error, "the broker's connection was closed already");
        }
    }
}

/// Without these the client gives up after 16 tries and then is stuck without an error.
fn properties(app: &str) -> ConnectionProperties {
    ConnectionProperties::default()
        .with_connection_name(app.into())
        .enable_auto_recover()
        .configure_backoff(|backoff| {
            backoff
                .without_max_times()
                .with_min_delay(FIRST_RECONNECT_PAUSE)
                .with_max_delay(LONGEST_RECONNECT_PAUSE)
                .with_jitter()
        })
}

#[async_trait]
impl Dependency for Broker {
    fn name(&self) -> &'static str {
        "rabbitmq"
    }

    async fn check(&self) -> Result<(), String> {
        let status = self.connection.status();
        match (status.connected(), status.blocked()) {
            (true, false) => Ok(()),
            (true, true) => Err("the broker blocks publishers (memory or disk alarm)".to_owned()),
            (false, _) => Err("not connected".to_owned()),
        }
    }
}
