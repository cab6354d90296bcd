use std::net::SocketAddr;
use std::time::Duration;

use bson::oid::ObjectId;
use bson::{Document, doc};
use reen_chassis::client::PeerChannel;
use reen_mongo::Database;
use reen_products::{App, Config};
use reen_proto::auth::v1::auth_server::AuthServer;
use reen_proto::cart_items::v1::cart_items_server::CartItemsServer;
use reen_proto::products::v1::products_client::ProductsClient;
use reen_proto::products::v1::{
    CommitHoldRequest, CommitHoldResponse, CreateProductRequest, Product, ProductChange,
    ReleaseHoldRequest, ReleaseHoldResponse, RemoveProductRequest, RemoveProductResponse,
    ReserveStockRequest, ReserveStockResponse, ReturnStockRequest, ReturnStockResponse, StockLine,
    UpdateProductRequest,
};
use reen_proto::time::from_millis;
use reen_testkit::{
    ANYWHERE, TestDatabase, acting_for, body, identity, in_background, own_operation, peer, serve,
    url_of,
};
use secrecy::SecretString;
use tokio_util::sync::DropGuard;
use tonic::service::Routes;
use tonic::{Response, Status};

use super::{Carts, Ledger, draft, unique};

/// Whom it announces to is nobody's business but of those who listen.
const NO_BROKER: &str = "amqp://127.0.0.1:1";

/// When the sweeper looks for what was left behind.
#[derive(Clone, Copy)]
pub(crate) enum Sweeping {
    /// As in production: a test is over before.
    AfterAMinute,
    /// Everything at once, even what is still in work.
    AtOnce,
}

/// The service with its database and its peers.
pub(crate) struct Shop {
    pub(crate) ledger: Ledger,
    pub(crate) carts: Carts,
    pub(crate) seller: ObjectId,
    pub(crate) database: Database,
    address: SocketAddr,
    _running: Vec<DropGuard>,
    // Dropped last: nothing writes to it any more.
    _fresh: TestDatabase,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::sweeping(Sweeping::AfterAMinute).await
    }

    pub(crate) async fn sweeping(sweeping: Sweeping) -> Self {
        Self::with(sweeping, SecretString::from(NO_BROKER)).await
    }

    /// One that announces to somebody.
    pub(crate) async fn announcing(broker_url: SecretString) -> Self {
        Self::with(Sweeping::AfterAMinute, broker_url).await
    }

    async fn with(sweeping: Sweeping, broker_url: SecretString) -> Self {
        let fresh = TestDatabase::fresh();
        let (ledger, carts) = (Ledger::new(), Carts::default());
        let auth = Routes::new(AuthServer::new(ledger.clone()));
        let (auth, auth_running) = serve("auth", auth).await;
        let cart_items = Routes::new(CartItemsServer::new(carts.clone()));
        let (cart_items, carts_running) = serve("cart-items", cart_items).await;
        let sweep_after = match sweeping {
            Sweeping::AfterAMinute => Duration::from_secs(60),
            Sweeping::AtOnce => Duration::ZERO,
        };
        let config = Config {
            listen: ANYWHERE,
            database_url: fresh.url(),
            migrate_at_start: true,
            broker_url,
            identity: identity("products"),
            auth: vec![url_of(auth)],
            cart_items: vec![url_of(cart_items)],
            sweep_every: Duration::from_millis(20),
            sweep_after,
        };
        let app = App::build(config).await.expect("the service starts");
        let address = app.address().expect("bound");
        let running = in_background(|stop| app.run(stop));
        Self {
            ledger,
            carts,
            seller: ObjectId::new(),
            database: fresh.open().await,
            address,
            _running: vec![running, auth_running, carts_running],
            _fresh: fresh,
        }
    }

    /// The service as the process `from` sees it.
    pub(crate) fn client(&self, from: &'static str) -> ProductsClient<PeerChannel> {
        ProductsClient::new(peer(from, "products", self.address))
    }

    pub(crate) fn gateway(&self) -> ProductsClient<PeerChannel> {
        self.client("gateway")
    }

    pub(crate) async fn create(
        &self,
        listing: CreateProductRequest,
    ) -> Result<Response<Product>, Status> {
        acting_for(self.seller, self.gateway().create_product(listing)).await
    }

    /// Lists a product of the seller.
    pub(crate) async fn list(&self, name: &str, price_cents: i64, quantity: i64) -> Product {
        body(self.create(draft(name, price_cents, quantity)).await)
    }

    /// A product of which nothing but the stock matters.
    pub(crate) async fn stock(&self, quantity: i64) -> Product {
        self.list("Shirt", 1_000, quantity).await
    }

    pub(crate) async fn update(&self, change: ProductChange) -> Result<Response<Product>, Status> {
        self.update_as(self.seller, change).await
    }

    pub(crate) async fn update_as(
        &self,
        user: ObjectId,
        change: ProductChange,
    ) -> Result<Response<Product>, Status> {
        let request = UpdateProductRequest {
            change: Some(change),
        };
        acting_for(user, self.gateway().update_product(request)).await
    }

    pub(crate) async fn remove(
        &self,
        product: &Product,
    ) -> Result<Response<RemoveProductResponse>, Status> {
        let request = RemoveProductRequest {
            id: product.id.clone(),
        };
        acting_for(self.seller, self.gateway().remove_product(request)).await
    }

    /// Reserves under a hold and an operation of that name.
    pub(crate) async fn reserve(
        &self,
        hold_id: &str,
        lines: &[(&Product, i64)],
    ) -> Result<Response<ReserveStockResponse>, Status> {
        let request = reservation(hold_id, lines);
        self.client("checkout").reserve_stock(request).await
    }

    /// Reserves pieces of one product and answers the hold's id.
    pub(crate) async fn hold(&self, product: &Product, pieces: i64) -> String {
        let hold_id = unique("hold");
        body(self.reserve(&hold_id, &[(product, pieces)]).await);
        hold_id
    }

    pub(crate) async fn commit(
        &self,
        hold_id: &str,
    ) -> Result<Response<CommitHoldResponse>, Status> {
        let request = CommitHoldRequest {
            operation: own_operation(&format!("commit-{hold_id}")),
            hold_id: hold_id.to_owned(),
        };
        self.client("events-handler").commit_hold(request).await
    }

    pub(crate) async fn release(
        &self,
        hold_id: &str,
    ) -> Result<Response<ReleaseHoldResponse>, Status> {
        let request = ReleaseHoldRequest {
            operation: own_operation(&format!("release-{hold_id}")),
            hold_id: hold_id.to_owned(),
        };
        self.client("checkout").release_hold(request).await
    }

    pub(crate) async fn give_back(
        &self,
        hold_id: &str,
    ) -> Result<Response<ReturnStockResponse>, Status> {
        let request = ReturnStockRequest {
            operation: own_operation(&format!("return-{hold_id}")),
            hold_id: hold_id.to_owned(),
        };
        self.client("events-handler").return_stock(request).await
    }

    /// How many products there are, hidden ones too.
    pub(crate) async fn count(&self) -> u64 {
        let products = self.database.collection::<Document>("products");
        products.count_documents(doc! {}).await.expect("MongoDB")
    }

    /// The stored product, or none.
    pub(crate) async fn stored(&self, product: &Product) -> Option<Document> {
        let id = ObjectId::parse_str(&product.id).expect("an id");
        let products = self.database.collection::<Document>("products");
        products.find_one(doc! {"_id": id}).await.expect("MongoDB")
    }

    /// Available, held and sold pieces, after checking that they are what was stocked.
    pub(crate) async fn piles(&self, product: &Product) -> (i64, i64, i64) {
        let stored = self.stored(product).await.expect("stored");
        let pile = |name: &str| stored.get_i64(name).expect("a number of pieces");
        let piles = (pile("quantity"), pile("held"), pile("sold"));
        assert_eq!(piles.0 + piles.1 + piles.2, pile("stocked"), "{stored}");
        assert!(piles.0 >= 0 && piles.1 >= 0 && piles.2 >= 0, "{stored}");
        piles
    }
}

/// What [`Shop::reserve`] asks.
pub(crate) fn reservation(hold_id: &str, lines: &[(&Product, i64)]) -> ReserveStockRequest {
    let line = |(product, quantity): &(&Product, i64)| StockLine {
        product_id: product.id.clone(),
        quantity: *quantity,
    };
    ReserveStockRequest {
        operation: own_operation(hold_id),
        hold_id: hold_id.to_owned(),
        lines: lines.iter().map(line).collect(),
        // 2100-01-01.
        expires_at: Some(from_millis(4_102_444_800_000)),
    }
}
