use std::path::Path;

use serde::Deserialize;

/// Where the real backends are.
#[derive(Clone, Debug, Deserialize)]
pub struct Backends {
    /// MongoDB without a database name.
    pub mongo: String,
    /// RabbitMQ, default virtual host.
    pub broker: String,
    /// RabbitMQ's management API, with credentials.
    pub broker_api: String,
    /// Redis.
    pub redis: String,
}

impl Backends {
    /// Finds them.
    ///
    /// # Panics
    /// When there are none; the message says how to start them.
    #[must_use]
    pub fn find() -> Self {
        Self::from_environment()
            .or_else(Self::from_state_file)
            .expect(
                "no backends: run the tests with `cargo xtask test`, \
             or start backends once with `cargo xtask backends up`",
            )
    }

    fn from_environment() -> Option<Self> {
        Some(Self {
            mongo: std::env::var("REEN_TEST_MONGO_URL").ok()?,
            broker: std::env::var("REEN_TEST_BROKER_URL").ok()?,
            broker_api: std::env::var("REEN_TEST_BROKER_API").ok()?,
            redis: std::env::var("REEN_TEST_REDIS_URL").ok()?,
        })
    }

    fn from_state_file() -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)?;
        let state = std::fs::read(root.join(".reen/backends.json")).ok()?;
        serde_json::from_slice(&state).ok()
    }
}
