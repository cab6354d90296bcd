//! Who sells what, and the mesh as buyers see it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use reen_chassis::client::{PeerChannel, connect};
use reen_proto::products::v1::ReleaseHoldRequest;
use reen_proto::products::v1::products_client::ProductsClient;
use reen_testkit::{identity, own_operation};
use reqwest::{Client, Method};
use serde_json::json;
use tokio::sync::Mutex;
use url::Url;

use crate::mesh::Mesh;
use crate::visitor::{PaymentPages, Visitor, http_client};

const OTHER_PRODUCTS: usize = 5;
/// More than all can buy, what stays held for a while included.
const PIECES_FOR_EACH: u64 = 12;
const RELEASE_PATIENCE: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(100);

/// What buyers share.
pub(crate) struct Market {
    pub(crate) http: Client,
    pub(crate) gateway: String,
    pub(crate) pages: PaymentPages,
    /// What everybody wants.
    hot: String,
    others: Vec<String>,
    seller: Mutex<Visitor>,
    products: ProductsClient<PeerChannel>,
}

impl Market {
    /// A seller lists enough for so many purchases.
    pub(crate) async fn open(mesh: &Mesh, purchases: u64) -> Result<Self> {
        let http = http_client()?;
        let mut seller = Visitor::sign_up(&http, &mesh.gateway, "Sam Seller").await?;
        seller.become_seller().await?;
        let pieces = i64::try_from(purchases * PIECES_FOR_EACH + 1_000)?;
        let hot = seller.list_product("Hot lamp", pieces).await?;
        let mut others = Vec::new();
        for number in 0..OTHER_PRODUCTS {
            let name = format!("Lamp {number}");
            others.push(seller.list_product(&name, pieces).await?);
        }
        let products = Url::parse(&mesh.products)?;
        let channel = connect(&identity("checkout"), "products", &[products])?;
        Ok(Self {
            pages: PaymentPages {
                http: http.clone(),
                base: mesh.stripe.clone(),
            },
            gateway: mesh.gateway.clone(),
            http,
            hot,
            others,
            seller: Mutex::new(seller),
            products: ProductsClient::new(channel),
        })
    }

    /// The hot product, or one of the others.
    pub(crate) fn product(&self, other: Option<usize>) -> &str {
        let other = other.and_then(|number| self.others.get(number % self.others.len()));
        other.unwrap_or(&self.hot)
    }

    /// A new buyer.
    pub(crate) async fn buyer(&self) -> Result<Visitor> {
        Visitor::sign_up(&self.http, &self.gateway, "Bea Buyer").await
    }

    /// A seller of one product of few pieces, who may leave.
    pub(crate) async fn seller_of(&self, pieces: i64) -> Result<(Visitor, String)> {
        let mut seller = Visitor::sign_up(&self.http, &self.gateway, "Lea Leaver").await?;
        seller.become_seller().await?;
        let product = seller.list_product("Last lamps", pieces).await?;
        Ok((seller, product))
    }

    /// A product of few pieces, of the seller who stays.
    pub(crate) async fn scarce_product(&self, pieces: i64) -> Result<String> {
        let mut seller = self.seller.lock().await;
        seller.list_product("Scarce lamp", pieces).await
    }

    pub(crate) async fn delete_product(&self, product: &str) -> Result<()> {
        let path = format!("/products/{product}");
        let mut seller = self.seller.lock().await;
        let answer = seller.call(Method::DELETE, &path, None).await?;
        // A first try, whose answer was lost, may have done it.
        if answer.status != 404 {
            answer.ok("delete a product")?;
        }
        Ok(())
    }

    /// Gives the stock of an open checkout back, as when its hold had run out.
    pub(crate) async fn lose_hold(&self, checkout: &str) -> Result<()> {
        let deadline = Instant::now() + RELEASE_PATIENCE;
        loop {
            let request = ReleaseHoldRequest {
                operation: own_operation(&format!("chaos-release:{checkout}")),
                hold_id: checkout.to_owned(),
            };
            match self.products.clone().release_hold(request).await {
                Ok(_) => return Ok(()),
                Err(refused) if Instant::now() >= deadline => {
                    bail!("the hold of {checkout} cannot be released: {refused}")
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Pays a page, and answers the id of the event that says so; nothing when the page was closed.
    pub(crate) async fn pay(&self, session: &str, is_delayed: bool) -> Result<Option<String>> {
        let body = json!({"card": "4242424242424242", "async": is_delayed});
        let path = format!("/sim/sessions/{session}/pay");
        let answer = self.pages.post(&path, body).await?;
        if answer.status == 409 {
            return Ok(None);
        }
        let paid = answer.ok("pay")?;
        let event = paid["eventId"].as_str();
        Ok(Some(
            event.context("a payment without an event")?.to_owned(),
        ))
    }
}
