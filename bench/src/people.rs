use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use hyper::header::HeaderValue;
use rand::Rng as _;
use serde_json::{Value, json};

use crate::ask::Ask;
use crate::connection::Connection;

/// How far the rights to sell go in one listing: the fee is a share of its worth.
const STOCK: u32 = 1_000_000;
const IMAGE: &str = "https://images.example/bench.png";

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    /// `Bearer …`.
    pub(crate) credentials: HeaderValue,
}

impl Person {
    pub(crate) async fn sign_up(connection: &mut Connection) -> Result<Self> {
        let unique: u64 = rand::rng().random();
        let body = json!({
            "name": "Bench",
            "email": format!("bench-{unique:016x}@reen.example"),
            "password": format!("bench {unique:016x}"),
        });
        let ask = Ask::post("/api/v1/auth/sign-up", &body).expecting(201);
        let answer = connection.json(&ask).await?;
        let token = answer["accessToken"].as_str().context("no access token")?;
        Ok(Self {
            credentials: HeaderValue::from_str(&format!("Bearer {token}"))?,
        })
    }

    /// Pays for the right to sell.
    pub(crate) async fn become_seller(&self, connection: &mut Connection) -> Result<()> {
        let role = json!({ "role": "ADMIN" });
        let ask = Ask::post("/api/v1/auth/update-user-role", &role).by(&self.credentials);
        connection.ask(&ask).await?;
        Ok(())
    }

    /// Lists a product of which there is enough for every row, and returns its id.
    pub(crate) async fn list(&self, connection: &mut Connection, name: &str) -> Result<String> {
        let body = json!({
            "name": name,
            "description": "Measured again and again.",
            "price": 0.5,
            "quantity": STOCK,
            "imageUrls": [IMAGE],
        });
        let ask = Ask::post("/api/v1/products", &body).by(&self.credentials);
        let product: Value = connection.json(&ask.expecting(201)).await?;
        Ok(product["id"].as_str().context("no id")?.to_owned())
    }

    pub(crate) fn adds(&self, product: &str) -> Ask {
        let body = json!({ "productId": product, "quantity": 1 });
        let ask = Ask::post("/api/v1/cart-items", &body).by(&self.credentials);
        ask.expecting(201)
    }

    pub(crate) fn checks_out(&self) -> Ask {
        let ask = Ask::post("/api/v1/checkout", &json!({})).by(&self.credentials);
        ask.expecting(201)
    }
}

/// Everybody who buys, and what there is to buy.
pub(crate) struct Crowd {
    pub(crate) buyers: Vec<Person>,
    pub(crate) products: Vec<String>,
}

impl Crowd {
    /// A seller with some products, and buyers.
    pub(crate) async fn gather(host: SocketAddr, buyers: u16, products: u16) -> Result<Self> {
        let mut connection = Connection::open(host).await?;
        let seller = Person::sign_up(&mut connection).await?;
        seller.become_seller(&mut connection).await?;
        let mut crowd = Self {
            buyers: Vec::new(),
            products: Vec::new(),
        };
        for number in 0..products {
            let name = format!("Measure {number}");
            let product = seller.list(&mut connection, &name).await?;
            crowd.products.push(product);
        }
        for _ in 0..buyers {
            let buyer = Person::sign_up(&mut connection).await?;
            crowd.buyers.push(buyer);
        }
        Ok(crowd)
    }

    /// Puts `lines` products into every cart.
    pub(crate) async fn fill_carts(&self, host: SocketAddr, lines: usize) -> Result<()> {
        let mut connection = Connection::open(host).await?;
        for buyer in &self.buyers {
            for product in self.products.iter().take(lines) {
                connection.ask(&buyer.adds(product)).await?;
            }
        }
        Ok(())
    }

    pub(crate) fn buyer(&self, number: u64) -> &Person {
        &self.buyers[index(number, self.buyers.len())]
    }

    pub(crate) fn product(&self, number: u64) -> &str {
        &self.products[index(number, self.products.len())]
    }
}

/// Goes through `length` things again and again.
pub(crate) fn index(number: u64, length: usize) -> usize {
    usize::try_from(number % u64::try_from(length).unwrap_or(u64::MAX)).unwrap_or_default()
}
