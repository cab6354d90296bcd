use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use reen_chassis::admin::Dependency;
use secrecy::SecretString;
use tokio::time::{Instant, timeout_at};

use crate::connection::{Line, Target};
use crate::{Error, Publisher, Queue};

const START_UP_PATIENCE: Duration = Duration::from_secs(30);
/// Making the queues for the first time writes each to the disk.
const DECLARE_PATIENCE: Duration = Duration::from_secs(15);
const DECLARE_PAUSE: Duration = Duration::from_millis(200);

/// The way to RabbitMQ: connections that come back by themselves; cheap to clone.
///
/// Publishing and consuming have a connection each, because a broker that runs short of memory or
/// disk stops reading from those that publish, and acknowledgements must get through all the same.
#[derive(Clone)]
pub struct Broker {
    target: Target,
    publishing: Line,
    consuming: Arc<OnceLock<Line>>,
}

impl Broker {
    /// Connects, waiting up to half a minute for a broker that is still starting.
    ///
    /// # Errors
    /// [`Error::Url`] for a malformed URL; [`Error::Unavailable`] when no broker answers in that time.
    pub async fn open(url: &SecretString, app: &str) -> Result<Self, Error> {
        let broker = Self::start(url, app)?;
        broker
            .publishing
            .connection_within(START_UP_PATIENCE)
            .await?;
        Ok(broker)
    }

    /// The same for a process that can do without a broker: connects in the background.
    ///
    /// # Errors
    /// [`Error::Url`] for a malformed URL.
    pub fn start(url: &SecretString, app: &str) -> Result<Self, Error> {
        let target = Target::new(url, app.to_owned())?;
        Ok(Self {
            publishing: Line::start(target.clone()),
            target,
            consuming: Arc::default(),
        })
    }

    /// Makes the queues of `queue` and a publisher of its own channel, waiting for a broker that is
    /// away.
    ///
    /// # Errors
    /// When the broker is away for long; [`Error::QueueDiffers`] when it has a queue of that name that was
    /// made with other settings.
    pub async fn publisher(&self, queue: Queue) -> Result<Publisher, Error> {
        let give_up = Instant::now() + DECLARE_PATIENCE;
        loop {
            let opening = Publisher::open(self.publishing.clone(), queue);
            let opened = timeout_at(give_up, opening)
                .await
                .map_err(|_| Error::Unavailable(None))?;
            match opened {
                Ok(publisher) => return Ok(publisher),
                Err(error @ Error::QueueDiffers(_)) => return Err(error),
                Err(error) if self.publishing.is_closed() => return Err(error),
                Err(error) if Instant::now() + DECLARE_PAUSE >= give_up => return Err(error),
                Err(error) => tracing::warn!(queue = queue.name, %error, "waiting for the queues"),
            }
            tokio::time::sleep(DECLARE_PAUSE).await;
        }
    }

    /// The connection for publishing.
    pub(crate) fn publishing(&self) -> &Line {
        &self.publishing
    }

    /// The connection for consuming, made when it is first asked for.
    pub(crate) fn consuming(&self) -> &Line {
        self.consuming
            .get_or_init(|| Line::start(self.target.named(" (consuming)")))
    }

    /// Closes the connections after what was published is confirmed.
    pub async fn close(&self) {
        if let Some(consuming) = self.consuming.get() {
            consuming.close().await;
        }
        self.publishing.close().await;
    }
}

#[async_trait]
impl Dependency for Broker {
    fn name(&self) -> &'static str {
        "rabbitmq"
    }

    async fn check(&self) -> Result<(), String> {
        let lines = [Some(&self.publishing), self.consuming.get()];
        match lines.into_iter().flatten().find_map(Line::trouble) {
            Some(trouble) => Err(trouble.to_owned()),
            None => Ok(()),
        }
    }
}
