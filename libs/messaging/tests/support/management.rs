use std::time::Duration;

use reen_testkit::{Backends, TestBroker, eventually};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

/// An administrator of one virtual host, who does what administrators should not.
pub(crate) struct Management {
    api: Url,
    vhost: String,
    client: Client,
}

impl Management {
    pub(crate) fn of(vhost: &TestBroker) -> Self {
        let path = Url::parse(vhost.url_text()).unwrap();
        Self {
            api: Url::parse(&Backends::find().broker_api).unwrap(),
            vhost: path.path().trim_start_matches('/').to_owned(),
            client: Client::new(),
        }
    }

    /// Closes every connection to the virtual host, and answers how many there were; there is at
    /// least one.
    pub(crate) async fn close_connections(&self) -> usize {
        let path = format!("/api/vhosts/{}/connections", self.vhost);
        let names = eventually("a connection", async || {
            let (_, listed) = self.call(Method::GET, &path, Value::Null).await;
            let listed = listed.as_array().cloned().unwrap_or_default();
            let names: Vec<_> = listed
                .iter()
                .filter_map(|each| each["name"].as_str().map(str::to_owned))
                .collect();
            (!names.is_empty()).then_some(names)
        })
        .await;
        for name in &names {
            let encoded = name.replace(' ', "%20").replace('>', "%3E");
            let path = format!("/api/connections/{encoded}");
            self.call(Method::DELETE, &path, Value::Null).await;
        }
        names.len()
    }

    pub(crate) async fn delete_queue(&self, name: &str) {
        self.delete(&format!("/api/queues/{}/{name}", self.vhost))
            .await;
    }

    /// A queue that somebody made by hand.
    pub(crate) async fn make_queue(&self, name: &str) {
        let path = format!("/api/queues/{}/{name}", self.vhost);
        let classic = json!({"durable": true});
        let (status, answer) = self.call(Method::PUT, &path, classic).await;
        assert!(status.is_success(), "{answer}");
    }

    pub(crate) async fn delete_exchange(&self, name: &str) {
        self.delete(&format!("/api/exchanges/{}/{name}", self.vhost))
            .await;
    }

    /// From now on the queues whose names match take no message.
    pub(crate) async fn refuse_messages(&self, pattern: &str) {
        let policy = json!({
            "pattern": pattern,
            "apply-to": "queues",
            "definition": {"max-length": 0, "overflow": "reject-publish"},
        });
        let (status, answer) = self.call(Method::PUT, &self.policy(), policy).await;
        assert!(status.is_success(), "{answer}");
    }

    pub(crate) async fn take_messages(&self) {
        self.delete(&self.policy()).await;
    }

    fn policy(&self) -> String {
        format!("/api/policies/{}/full", self.vhost)
    }

    async fn delete(&self, path: &str) {
        let (status, answer) = self.call(Method::DELETE, path, Value::Null).await;
        assert!(status.is_success(), "{path}: {answer}");
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let mut url = self.api.clone();
        url.set_path(path);
        url.set_username("").unwrap();
        url.set_password(None).unwrap();
        let request = self
            .client
            .request(method, url)
            .basic_auth(self.api.username(), self.api.password())
            .timeout(Duration::from_secs(10))
            .header("content-type", "application/json")
            .body(body.to_string());
        let answer = request.send().await.unwrap();
        let status = answer.status();
        (status, answer.json().await.unwrap_or_default())
    }
}
