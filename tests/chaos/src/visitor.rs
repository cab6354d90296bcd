//! A storefront's visitor who does not give up because something is away for a while.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery";
/// Everything that goes wrong heals within seconds: a mesh that refuses for so long is stuck.
const PATIENCE: Duration = Duration::from_secs(90);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(100);

/// What the gateway or Stripe answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The stable word of a problem.
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The body of a success.
    pub(crate) fn ok(self, what: &str) -> Result<Value> {
        if !self.is_success() {
            bail!("{what}: {} {}", self.status, self.body);
        }
        Ok(self.body)
    }

    /// Whether the same request may fare better later.
    fn is_passing(&self) -> bool {
        self.status >= 500 || [408, 429].contains(&self.status)
    }
}

/// Somebody with an account.
pub(crate) struct Visitor {
    http: Client,
    gateway: String,
    email: String,
    token: String,
}

impl Visitor {
    /// Signs up under an address of its own.
    pub(crate) async fn sign_up(http: &Client, gateway: &str, name: &str) -> Result<Self> {
        let mut visitor = Self {
            http: http.clone(),
            gateway: gateway.to_owned(),
            email: format!("{}@reen.example", uuid::Uuid::new_v4().simple()),
            token: String::new(),
        };
        let account = json!({"name": name, "email": visitor.email, "password": PASSWORD});
        let answer = insist(|| {
            visitor
                .request(Method::POST, "/auth/sign-up")
                .json(&account)
        })
        .await;
        let answer = answer.context("sign up")?;
        // The answer of the first try may have been lost.
        if answer.code() == "email_taken" {
            visitor.sign_in().await?;
        } else {
            visitor.token = token_of(&answer.ok("sign up")?)?;
        }
        Ok(visitor)
    }

    async fn sign_in(&mut self) -> Result<()> {
        let account = json!({"email": self.email, "password": PASSWORD});
        let answer = insist(|| self.request(Method::POST, "/auth/sign-in").json(&account)).await?;
        self.token = token_of(&answer.ok("sign in")?)?;
        Ok(())
    }

    /// Becomes a seller.
    pub(crate) async fn become_seller(&mut self) -> Result<()> {
        let answer = self
            .call(
                Method::POST,
                "/auth/update-user-role",
                Some(json!({"role": "ADMIN"})),
            )
            .await?;
        if answer.code() != "already_in_role" {
            answer.ok("become a seller")?;
        }
        Ok(())
    }

    /// Lists a product and answers its id.
    pub(crate) async fn list_product(&mut self, name: &str, quantity: i64) -> Result<String> {
        let product = json!({
            "name": name,
            "description": "Turned by hand.",
            "price": 12.5,
            "quantity": quantity,
            "imageUrls": ["https://img.example/lamp.png"],
        });
        let answer = self.call(Method::POST, "/products", Some(product)).await?;
        let product = answer.ok("list a product")?;
        let id = product["id"].as_str().context("a product without an id")?;
        Ok(id.to_owned())
    }

    /// Calls the gateway until it answers something else than that it cannot now.
    pub(crate) async fn call(
        &mut self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Answer> {
        let ask = |visitor: &Self| {
            let request = visitor.request(method.clone(), path);
            match &body {
                Some(body) => request.json(body),
                None => request,
            }
        };
        let what = format!("{method} {path}");
        let answer = insist(|| ask(self)).await.context(what.clone())?;
        if answer.status != 401 {
            return Ok(answer);
        }
        // An access token does not live long.
        self.sign_in().await?;
        insist(|| ask(self)).await.context(what)
    }

    /// Asks once, and answers what came of it.
    pub(crate) async fn try_once(
        &self,
        method: Method,
        path: &str,
        idempotency_key: Option<&str>,
    ) -> Option<Answer> {
        let mut request = self.request(method, path);
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        send(request).await.ok()
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/api/v1{path}", self.gateway);
        let request = self.http.request(method, url);
        if self.token.is_empty() {
            return request;
        }
        request.bearer_auth(&self.token)
    }
}

/// Stripe's side of a purchase: the buyer at the payment page, and what scripts may do there.
#[derive(Clone, Debug)]
pub(crate) struct PaymentPages {
    pub(crate) http: Client,
    pub(crate) base: String,
}

impl PaymentPages {
    pub(crate) async fn post(&self, path: &str, body: Value) -> Result<Answer> {
        send(self.http.post(format!("{}{path}", self.base)).json(&body)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        let request = self.http.get(format!("{}{path}", self.base));
        let request = request.bearer_auth(crate::settings::STRIPE_KEY);
        send(request).await?.ok(path)
    }
}

/// A client for many visitors.
pub(crate) fn http_client() -> Result<Client> {
    Client::builder()
        .timeout(REQUEST_TIMEOUT)
        .no_proxy()
        .build()
        .context("an HTTP client")
}

/// Repeats a request that cannot be answered now.
async fn insist(request: impl Fn() -> RequestBuilder) -> Result<Answer> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let outcome = send(request()).await;
        match outcome {
            Ok(answer) if !answer.is_passing() => return Ok(answer),
            _ if Instant::now() < deadline => tokio::time::sleep(PAUSE).await,
            Ok(answer) => bail!("still {} {}", answer.status, answer.body),
            Err(error) => return Err(error.context("still no answer")),
        }
    }
}

async fn send(request: RequestBuilder) -> Result<Answer> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let text = response.text().await?;
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Ok(Answer { status, body })
}

fn token_of(session: &Value) -> Result<String> {
    let token = session["accessToken"].as_str();
    Ok(token.context("a session without a token")?.to_owned())
}
