use reen_messaging::Broker;
use reqwest::{Client, Method};
use secrecy::SecretString;
use url::Url;
use uuid::Uuid;

use crate::Backends;

/// A virtual host of its own for one test, deleted with it.
pub struct TestBroker {
    url: String,
    api: Url,
    vhost: String,
}

impl TestBroker {
    /// A fresh virtual host without any queue.
    ///
    /// # Panics
    /// When RabbitMQ's management API is away.
    pub async fn fresh() -> Self {
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        let backends = Backends::find();
        let vhost = format!("test-{}", Uuid::new_v4().simple());
        let api = Url::parse(&backends.broker_api).expect("the management API's URL");
        let mut url = Url::parse(&backends.broker).expect("RabbitMQ's URL");
        url.set_path(&vhost);
        call(&api, Method::PUT, &format!("/api/vhosts/{vhost}"), "{}").await;
        let rights = r#"{"configure":".*","write":".*","read":".*"}"#;
        let user = api.username();
        call(
            &api,
            Method::PUT,
            &format!("/api/permissions/{vhost}/{user}"),
            rights,
        )
        .await;
        Self {
            url: url.to_string(),
            api,
            vhost,
        }
    }

    /// The URL that names it, as a process reads it.
    #[must_use]
    pub fn url(&self) -> SecretString {
        SecretString::from(self.url.clone())
    }

    /// The same, as text for an environment.
    #[must_use]
    pub fn url_text(&self) -> &str {
        &self.url
    }

    /// Connects to it.
    ///
    /// # Panics
    /// When RabbitMQ is away.
    pub async fn open(&self) -> Broker {
        Broker::open(&self.url(), "test")
            .await
            .expect("RabbitMQ answers")
    }

    /// How many messages wait in `queue`, ready or in work; 0 when there is no such queue.
    ///
    /// # Panics
    /// When the management API is away.
    pub async fn depth(&self, queue: &str) -> u64 {
        let path = format!("/api/queues/{}/{queue}", self.vhost);
        let answer = request(&self.api, Method::GET, &path)
            .send()
            .await
            .expect("an answer");
        let queue: serde_json::Value = answer.json().await.unwrap_or_default();
        queue["messages"].as_u64().unwrap_or_default()
    }
}

impl Drop for TestBroker {
    fn drop(&mut self) {
        let (api, path) = (self.api.clone(), format!("/api/vhosts/{}", self.vhost));
        // The test's own runtime is ending, so the virtual host is deleted from one of its own.
        let deleting = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime
                .block_on(async { request(&api, Method::DELETE, &path).send().await })
                .map_err(std::io::Error::other)
        });
        let _left_behind_if_it_failed = deleting.join();
    }
}

async fn call(api: &Url, method: Method, path: &str, body: &'static str) {
    let request = request(api, method, path)
        .header("content-type", "application/json")
        .body(body);
    let answer = request
        .send()
        .await
        .expect("RabbitMQ's management API answers");
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
}

fn request(api: &Url, method: Method, path: &str) -> reqwest::RequestBuilder {
    let mut url = api.clone();
    url.set_path(path);
    let (user, password) = (
        api.username().to_owned(),
        api.password().unwrap_or("").to_owned(),
    );
    let _without_credentials = url.set_username("").and_then(|()| url.set_password(None));
    Client::new()
        .request(method, url)
        .basic_auth(user, Some(password))
}
