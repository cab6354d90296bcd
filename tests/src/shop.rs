use reen_testkit::eventually;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// Everybody's password.
pub const PASSWORD: &str = "correct horse battery";
/// The card that pays, and the one that does not.
const GOOD_CARD: &str = "4242424242424242";
const BAD_CARD: &str = "4000000000000002";

/// What the gateway answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The JSON body; null when there is none.
    pub body: Value,
    /// Whether it was given before: `Idempotency-Replayed`.
    pub replayed: bool,
}

impl Answer {
    /// The stable word of a problem.
    #[must_use]
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The body of a successful answer.
    ///
    /// # Panics
    /// When it was refused.
    pub fn ok(self) -> Value {
        assert!(self.status < 300, "{}: {}", self.status, self.body);
        self.body
    }
}

/// What a storefront does for one visitor.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    gateway: String,
    stripe: String,
    token: Option<String>,
    /// The visitor's id once signed in.
    pub user_id: String,
    /// The visitor's address once signed in.
    pub email: String,
}

impl Client {
    pub(crate) fn new(gateway: &str, stripe: &str) -> Self {
        let http = reqwest::Client::builder().cookie_store(true).build();
        Self::by(http.expect("a client"), gateway, stripe)
    }

    /// Who comes by a client of his own making, e.g. because he trusts another authority.
    #[must_use]
    pub fn by(http: reqwest::Client, gateway: &str, stripe: &str) -> Self {
        Self {
            http,
            gateway: gateway.to_owned(),
            stripe: stripe.to_owned(),
            token: None,
            user_id: String::new(),
            email: String::new(),
        }
    }

    /// Signs up under an address of its own.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn sign_up(&mut self, name: &str) {
        self.email = format!("{}@reen.example", uuid::Uuid::new_v4().simple());
        let visitor = json!({"name": name, "email": self.email, "password": PASSWORD});
        let session = self.post("/auth/sign-up", visitor).await.ok();
        self.token = session["accessToken"].as_str().map(str::to_owned);
        self.user_id = session["user"]["id"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(self.token.is_some(), "{session}");
    }

    /// Comes with a bearer token of somebody else's making.
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// What the visitor shows as a bearer token; nothing before the sign-up.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// `GET` below `/api/v1`.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    /// `POST` below `/api/v1`.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    /// `POST` below `/api/v1` under an idempotency key.
    pub async fn post_once(&self, path: &str, key: &str, body: Value) -> Answer {
        let request = self.request(Method::POST, path).json(&body);
        answer(request.header("idempotency-key", key)).await
    }

    /// The same, again and again until it is not in flight any more.
    pub async fn insist_once(&self, path: &str, key: &str, body: Value) -> Answer {
        eventually("a request that is not in flight", async || {
            let answer = self.post_once(path, key, body.clone()).await;
            (answer.code() != "idempotency_in_flight").then_some(answer)
        })
        .await
    }

    /// `PATCH` below `/api/v1`.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, Some(body)).await
    }

    /// `DELETE` below `/api/v1`.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    /// Any method below `/api/v1`.
    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        answer(request).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/api/v1{path}", self.gateway);
        let request = self.http.request(method, url);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// The visitor as the visitor sees it.
    pub async fn me(&self) -> Value {
        self.get("/auth/users/me").await.ok()
    }

    /// Lists a product for sale and answers its id.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn list_product(&self, price: &str, quantity: i64) -> String {
        let price: Value = serde_json::from_str(price).expect("a price");
        let product = json!({
            "name": "Brass lamp",
            "description": "Turned by hand.",
            "price": price,
            "quantity": quantity,
            "imageUrls": ["https://img.example/lamp.png"],
        });
        let product = self.post("/products", product).await.ok();
        product["id"].as_str().expect("an id").to_owned()
    }

    /// How many pieces of a product can be bought now, whatever a cache remembers.
    ///
    /// # Panics
    /// When the product is not there.
    pub async fn in_stock(&self, product_id: &str) -> i64 {
        let request = self.request(Method::GET, &format!("/products/{product_id}"));
        let product = answer(request.header("cache-control", "no-cache"))
            .await
            .ok();
        product["quantity"].as_i64().expect("a quantity")
    }

    /// The product once it shows so many orders, whose number may be a second older than the product.
    ///
    /// # Panics
    /// When it never does.
    pub async fn sees_ordered(&self, product_id: &str, orders: i64) -> Value {
        eventually(&format!("{orders} orders to be shown"), async || {
            let seen = self.get(&format!("/products/{product_id}")).await.ok();
            (seen["orderCount"] == orders).then_some(seen)
        })
        .await
    }

    /// The same visitor at another gateway.
    #[must_use]
    pub fn at(&self, gateway: &str) -> Self {
        Self {
            gateway: gateway.to_owned(),
            ..self.clone()
        }
    }

    /// Puts pieces of a product into the cart.
    pub async fn add_to_cart(&self, product_id: &str, quantity: i64) -> Answer {
        self.post(
            "/cart-items",
            json!({"productId": product_id, "quantity": quantity}),
        )
        .await
    }

    /// Opens a checkout of the cart.
    pub async fn open_checkout(&self) -> Answer {
        self.send(Method::POST, "/checkout", None).await
    }

    /// Pays an open checkout and answers what Stripe's stand-in said.
    pub async fn pay(&self, checkout: &Value) -> Answer {
        self.use_card(checkout, GOOD_CARD).await
    }

    /// Tries to pay with a card that is declined.
    pub async fn pay_with_declined_card(&self, checkout: &Value) -> Answer {
        self.use_card(checkout, BAD_CARD).await
    }

    async fn use_card(&self, checkout: &Value, card: &str) -> Answer {
        let path = format!("/sim/sessions/{}/pay", session_id(checkout));
        let request = self.http.post(format!("{}{path}", self.stripe));
        answer(request.json(&json!({"card": card}))).await
    }

    /// Gives money back in Stripe's dashboard; without an amount all that is left.
    pub async fn refund_in_dashboard(&self, checkout: &Value, cents: Option<i64>) -> Answer {
        let path = format!("/sim/sessions/{}/refund", session_id(checkout));
        let body = cents.map_or(json!({}), |cents| json!({"amount": cents}));
        self.stripe_post(&path, body).await
    }

    /// Ends an open session as its time would.
    pub async fn expire_session(&self, checkout: &Value) -> Answer {
        let path = format!("/sim/sessions/{}/expire", session_id(checkout));
        answer(self.http.post(format!("{}{path}", self.stripe))).await
    }

    /// `GET` at the Stripe stand-in.
    pub async fn stripe_get(&self, path: &str) -> Value {
        answer(self.http.get(format!("{}{path}", self.stripe)))
            .await
            .ok()
    }

    /// `POST` at the Stripe stand-in.
    pub async fn stripe_post(&self, path: &str, body: Value) -> Answer {
        answer(self.http.post(format!("{}{path}", self.stripe)).json(&body)).await
    }

    /// Stripe's stand-in goes well again.
    pub async fn stripe_clear_faults(&self) {
        answer(self.http.delete(format!("{}/sim/faults", self.stripe))).await;
    }

    /// The checkout once it has this status.
    ///
    /// # Panics
    /// When it does not get there.
    pub async fn checkout_in(&self, checkout: &Value, status: &str) -> Value {
        let id = checkout["checkoutId"].as_str().expect("a checkout id");
        eventually(&format!("the checkout to be {status}"), async || {
            let seen = self.get(&format!("/checkout/{id}")).await.ok();
            (seen["status"] == status).then_some(seen)
        })
        .await
    }

    /// Puts pieces of a product into the cart and opens a checkout of it.
    ///
    /// # Panics
    /// When one of them is refused.
    pub async fn check_out(&self, product_id: &str, quantity: i64) -> Value {
        self.add_to_cart(product_id, quantity).await.ok();
        self.open_checkout().await.ok()
    }

    /// Pays an open checkout and answers the order that it becomes.
    ///
    /// # Panics
    /// When it becomes none.
    pub async fn complete(&self, checkout: &Value) -> Value {
        self.pay(checkout).await.ok();
        let completed = self.checkout_in(checkout, "completed").await;
        let order_id = completed["orderId"].as_str().expect("an order id");
        self.get(&format!("/orders/{order_id}")).await.ok()
    }

    /// Cart, checkout, payment, order: answers the order.
    ///
    /// # Panics
    /// When one of them is refused.
    pub async fn buy(&self, product_id: &str, quantity: i64) -> Value {
        let checkout = self.check_out(product_id, quantity).await;
        self.complete(&checkout).await
    }
}

async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    let replayed = response.headers().contains_key("idempotency-replayed");
    let text = response.text().await.expect("a body");
    Answer {
        status,
        body: serde_json::from_str(&text).unwrap_or(Value::Null),
        replayed,
    }
}

/// The id of the session behind a payment page: the last part of its path.
fn session_id(checkout: &Value) -> String {
    let url = checkout["stripeSessionUrl"]
        .as_str()
        .expect("a payment page");
    let path = url.split(['#', '?']).next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// An amount of the REST side as cents, exactly.
///
/// # Panics
/// When it is not a number with at most two decimals.
#[must_use]
pub fn cents(amount: &Value) -> i64 {
    let text = amount.to_string();
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
    assert!(decimals.len() <= 2, "{text}");
    format!("{whole}{decimals:0<2}").parse().expect("an amount")
}
