use reen_tests::Mesh;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

/// Whatever is answered under these names is for whoever asked alone.
const SECRET_FIELDS: [&str; 5] = ["accessToken", "secret", "uri", "recoveryCodes", "key"];

/// Somebody at the gateway who keeps every secret that is said there.
pub(crate) struct Visitor {
    pub(crate) http: reqwest::Client,
    api: String,
    pub(crate) token: String,
    pub(crate) secrets: Vec<String>,
}

impl Visitor {
    pub(crate) fn of(mesh: &Mesh) -> Self {
        let http = reqwest::Client::builder().cookie_store(true).build();
        Self {
            http: http.unwrap(),
            api: format!("{}/api/v1", mesh.gateway),
            token: String::new(),
            secrets: Vec::new(),
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.api));
        if self.token.is_empty() {
            request
        } else {
            request.bearer_auth(&self.token)
        }
    }

    pub(crate) async fn send(&mut self, request: RequestBuilder) -> (u16, Value) {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let cookies = response.cookies().map(|cookie| cookie.value().to_owned());
        self.secrets.extend(cookies);
        let body = response.json().await.unwrap_or_default();
        self.keep(&body);
        (status, body)
    }

    pub(crate) async fn get(&mut self, path: &str) -> (u16, Value) {
        self.send(self.request(Method::GET, path)).await
    }

    /// Without a body when it is null.
    pub(crate) async fn post(&mut self, path: &str, body: Value) -> (u16, Value) {
        let request = self.request(Method::POST, path);
        let request = match body {
            Value::Null => request,
            body => request.json(&body),
        };
        self.send(request).await
    }

    /// Signs in or up, and goes on as whoever that is.
    pub(crate) async fn enter(&mut self, path: &str, body: Value) {
        let (status, session) = self.post(path, body).await;
        assert!(status < 300, "{path}: {session}");
        session["accessToken"]
            .as_str()
            .unwrap()
            .clone_into(&mut self.token);
    }

    fn keep(&mut self, body: &Value) {
        match body {
            Value::Object(fields) => {
                for (name, value) in fields {
                    if SECRET_FIELDS.contains(&name.as_str()) {
                        self.secrets.extend(texts(value));
                    } else {
                        self.keep(value);
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.keep(item)),
            _ => {}
        }
    }
}

/// One text or a list of them.
fn texts(value: &Value) -> Vec<String> {
    let one = value.as_str().map(str::to_owned);
    let many = value.as_array().into_iter().flatten();
    let many = many.filter_map(|item| item.as_str().map(str::to_owned));
    one.into_iter().chain(many).collect()
}
