use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bson::doc;
use mongodb::Client;
use mongodb::options::{Acknowledgment, ClientOptions, ReadConcern, WriteConcern};
use reen_chassis::admin::Dependency;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

use crate::{Collection, Error, Schema, Standing, commands, pool};

/// How long an operation waits for a server; the driver's own default is half a minute.
const SERVER_SELECTION_TIMEOUT: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const START_UP_PATIENCE: Duration = Duration::from_secs(30);
const START_UP_PAUSE: Duration = Duration::from_millis(250);

/// The one database of a service; cheap to clone.
#[derive(Clone, Debug)]
pub struct Database {
    client: Client,
    database: mongodb::Database,
    /// What the program takes the database to be like, where it was prepared for it.
    schema: Option<Arc<Schema>>,
}

impl Database {
    /// Opens the database that `url` names and waits until a server answers.
    ///
    /// Every write is acknowledged by a majority, and so journaled: an acknowledged write survives
    /// SIGKILL of any server.
    ///
    /// # Errors
    /// [`Error::Url`] for a malformed URL or one without a database; [`Error::Unavailable`] when no
    /// server answers within half a minute.
    pub async fn open(url: &SecretString, app: &str) -> Result<Self, Error> {
        let mut options = ClientOptions::parse(url.expose_secret())
            .await
            .map_err(|error| Error::Url(format!("the database URL is malformed: {error}")))?;
        options.app_name = Some(app.to_owned());
        options.server_selection_timeout = Some(SERVER_SELECTION_TIMEOUT);
        options.connect_timeout = Some(CONNECT_TIMEOUT);
        options.write_concern = Some(
            WriteConcern::builder()
                .w(Acknowledgment::Majority)
                .journal(true)
                .build(),
        );
        options.read_concern = Some(ReadConcern::majority());
        options.cmap_event_handler = Some(pool::measured());
        options.command_event_handler = commands::watch();
        let client = Client::with_options(options)?;
        let database = client
            .default_database()
            .ok_or_else(|| Error::Url("the database URL names no database".to_owned()))?;
        let opened = Self {
            client,
            database,
            schema: None,
        };
        opened.wait_until_reachable(app).await?;
        Ok(opened)
    }

    async fn wait_until_reachable(&self, app: &str) -> Result<(), Error> {
        let give_up = tokio::time::Instant::now() + START_UP_PATIENCE;
        loop {
            match self.ping().await {
                Ok(()) => return Ok(()),
                Err(error) if tokio::time::Instant::now() >= give_up => return Err(error),
                Err(error) => {
                    tracing::warn!(app, %error, "waiting for MongoDB");
                    tokio::time::sleep(START_UP_PAUSE).await;
                }
            }
        }
    }

    /// Asks the server whether it is there.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it is not.
    pub async fn ping(&self) -> Result<(), Error> {
        self.database.run_command(doc! {"ping": 1}).await?;
        Ok(())
    }

    pub(crate) fn with_schema(self, schema: Arc<Schema>) -> Self {
        let schema = Some(schema);
        Self { schema, ..self }
    }

    /// Whether it is still as the program needs it.
    async fn check_schema(&self) -> Result<(), Error> {
        match &self.schema {
            Some(schema) => Ok(schema.judge(&Standing::read(self).await?)?),
            None => Ok(()),
        }
    }

    /// A collection of this database.
    #[must_use]
    pub fn collection<T: Send + Sync + DeserializeOwned>(&self, name: &str) -> Collection<T> {
        self.database.collection(name).into()
    }

    /// The client, for sessions.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The driver's database, for what has no shorter way here.
    #[must_use]
    pub fn driver(&self) -> &mongodb::Database {
        &self.database
    }
}

#[async_trait]
impl Dependency for Database {
    fn name(&self) -> &'static str {
        "mongodb"
    }

    async fn check(&self) -> Result<(), String> {
        self.probe().await?;
        self.check_schema().await.map_err(|error| error.to_string())
    }
}
