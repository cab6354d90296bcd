//! Stand-ins for the peers: they answer by the contract and record what they were asked.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use bson::oid::ObjectId;
use reen_chassis::Caller;
use reen_error::{Code, Failure, FieldFailure};
use reen_proto::auth::v1::auth_server::{Auth, AuthServer};
use reen_proto::auth::v1::{GetBalanceRequest, GetBalanceResponse};
use reen_proto::cart_items::v1::cart_items_server::{CartItems, CartItemsServer};
use reen_proto::cart_items::v1::{CartItem, ListItemsRequest, ListItemsResponse};
use reen_proto::operation::v1::Operation;
use reen_proto::products::v1::products_server::{Products, ProductsServer};
use reen_proto::products::v1::{
    ListStaleHoldsRequest, ListStaleHoldsResponse, ReleaseHoldRequest, ReleaseHoldResponse,
    ReserveStockRequest, ReserveStockResponse, ReservedLine, StockLine,
};
use reen_testkit::serve;
use tokio_util::sync::DropGuard;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HoldState {
    Held,
    Released,
    Sold,
}

#[derive(Clone, Debug)]
pub(crate) struct Hold {
    pub(crate) state: HoldState,
    pub(crate) expires_at: SystemTime,
}

/// What the peers know and were asked.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) cart: Vec<(ObjectId, i64)>,
    pub(crate) price_cents: i64,
    pub(crate) in_stock: i64,
    pub(crate) balance_cents: i64,
    /// How long the ledger thinks about a balance.
    pub(crate) balance_takes: Duration,
    pub(crate) seller: Option<ObjectId>,
    pub(crate) holds: BTreeMap<String, Hold>,
    /// The users on whose behalf the cart was asked for.
    pub(crate) cart_asked_for: Vec<String>,
    pub(crate) reservations: Vec<ReserveStockRequest>,
    pub(crate) releases: Vec<ReleaseHoldRequest>,
    /// How many reservations are made, but answered with a failure.
    pub(crate) lost_answers: u32,
    /// How many releases fail without effect.
    pub(crate) failing_releases: u32,
    epochs: HashMap<String, i64>,
}

pub(crate) struct Peers {
    pub(crate) auth: SocketAddr,
    pub(crate) products: SocketAddr,
    pub(crate) cart_items: SocketAddr,
    world: StandIn,
    _serving: [DropGuard; 3],
}

impl Peers {
    /// One product at 12.50 with plenty in stock, two pieces of it in everybody's cart, and buyers who
    /// can afford it.
    pub(crate) async fn start() -> Self {
        let world = StandIn::default();
        *world.lock() = World {
            cart: vec![(ObjectId::new(), 2)],
            price_cents: 1_250,
            in_stock: 1_000,
            balance_cents: 100_000,
            seller: Some(ObjectId::new()),
            ..World::default()
        };
        let auth = Routes::new(AuthServer::new(world.clone()));
        let products = Routes::new(ProductsServer::new(world.clone()));
        let cart_items = Routes::new(CartItemsServer::new(world.clone()));
        let (auth, serving_auth) = serve("auth", auth).await;
        let (products, serving_products) = serve("products", products).await;
        let (cart_items, serving_cart) = serve("cart-items", cart_items).await;
        Self {
            auth,
            products,
            cart_items,
            world,
            _serving: [serving_auth, serving_products, serving_cart],
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock()
    }

    /// The state of a hold, if there is one.
    pub(crate) fn hold(&self, id: &str) -> Option<HoldState> {
        self.world().holds.get(id).map(|hold| hold.state)
    }

    /// How many holds are in this state.
    pub(crate) fn count(&self, state: HoldState) -> usize {
        let world = self.world();
        world
            .holds
            .values()
            .filter(|hold| hold.state == state)
            .count()
    }

    /// Puts a hold there whose time is over.
    pub(crate) fn leave_behind(&self, id: &str) {
        let hold = Hold {
            state: HoldState::Held,
            expires_at: SystemTime::UNIX_EPOCH,
        };
        self.world().holds.insert(id.to_owned(), hold);
    }
}

#[derive(Clone, Default)]
struct StandIn(Arc<Mutex<World>>);

impl StandIn {
    fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }
}

impl World {
    fn pass(&mut self, operation: Option<&Operation>) -> Result<(), Status> {
        let operation = operation.expect("an operation");
        let newest = self.epochs.entry(operation.saga.clone()).or_default();
        if operation.epoch < *newest {
            return Err(Failure::new(Code::StaleEpoch, "a newer runner owns this saga").into());
        }
        *newest = operation.epoch;
        Ok(())
    }

    fn reserved(&self, line: &StockLine) -> ReservedLine {
        ReservedLine {
            product_id: line.product_id.clone(),
            name: "Lamp".to_owned(),
            seller_id: self.seller.unwrap().to_hex(),
            unit_price_cents: self.price_cents,
            quantity: line.quantity,
            image_url: "https://shop.test/lamp.png".to_owned(),
        }
    }

    fn short(&self, lines: &[StockLine]) -> Option<Failure> {
        let index = lines
            .iter()
            .position(|line| line.quantity > self.in_stock)?;
        let field = FieldFailure::new(format!("lines[{index}]"), "insufficient_stock", "too few");
        let mut short = Failure::new(Code::InsufficientStock, "there is not enough in stock");
        short.fields = vec![field];
        Some(short)
    }
}

fn away() -> Status {
    Failure::new(Code::Unavailable, "away").into()
}

#[tonic::async_trait]
impl Auth for StandIn {
    async fn get_balance(
        &self,
        _request: Request<GetBalanceRequest>,
    ) -> Result<Response<GetBalanceResponse>, Status> {
        let (balance_cents, takes) = {
            let world = self.lock();
            (world.balance_cents, world.balance_takes)
        };
        tokio::time::sleep(takes).await;
        Ok(Response::new(GetBalanceResponse { balance_cents }))
    }
}

#[tonic::async_trait]
impl CartItems for StandIn {
    async fn list_items(
        &self,
        request: Request<ListItemsRequest>,
    ) -> Result<Response<ListItemsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let user = caller.user()?.to_owned();
        let mut world = self.lock();
        world.cart_asked_for.push(user.clone());
        let item = |(product_id, quantity): &(ObjectId, i64)| CartItem {
            id: ObjectId::new().to_hex(),
            user_id: user.clone(),
            product_id: product_id.to_hex(),
            quantity: *quantity,
            ..CartItem::default()
        };
        let items = world.cart.iter().map(item).collect();
        Ok(Response::new(ListItemsResponse { items }))
    }
}

#[tonic::async_trait]
impl Products for StandIn {
    async fn reserve_stock(
        &self,
        request: Request<ReserveStockRequest>,
    ) -> Result<Response<ReserveStockResponse>, Status> {
        let asked = request.into_inner();
        let mut world = self.lock();
        world.reservations.push(asked.clone());
        world.pass(asked.operation.as_ref())?;
        if let Some(short) = world.short(&asked.lines) {
            return Err(short.into());
        }
        let hold = Hold {
            state: HoldState::Held,
            expires_at: SystemTime::try_from(asked.expires_at.unwrap()).unwrap(),
        };
        world.holds.insert(asked.hold_id, hold);
        if world.lost_answers > 0 {
            world.lost_answers -= 1;
            return Err(away());
        }
        let lines = asked.lines.iter().map(|line| world.reserved(line));
        let lines = lines.collect();
        Ok(Response::new(ReserveStockResponse { lines }))
    }

    async fn release_hold(
        &self,
        request: Request<ReleaseHoldRequest>,
    ) -> Result<Response<ReleaseHoldResponse>, Status> {
        let asked = request.into_inner();
        let mut world = self.lock();
        world.releases.push(asked.clone());
        if world.failing_releases > 0 {
            world.failing_releases -= 1;
            return Err(away());
        }
        world.pass(asked.operation.as_ref())?;
        let never = Hold {
            state: HoldState::Released,
            expires_at: SystemTime::UNIX_EPOCH,
        };
        let hold = world.holds.entry(asked.hold_id).or_insert(never);
        if hold.state == HoldState::Sold {
            return Err(Failure::new(Code::HoldCommitted, "the stock was sold already").into());
        }
        hold.state = HoldState::Released;
        Ok(Response::new(ReleaseHoldResponse {}))
    }

    async fn list_stale_holds(
        &self,
        _request: Request<ListStaleHoldsRequest>,
    ) -> Result<Response<ListStaleHoldsResponse>, Status> {
        let world = self.lock();
        let now = SystemTime::now();
        let stale = world
            .holds
            .iter()
            .filter(|(_, hold)| hold.state == HoldState::Held && hold.expires_at < now);
        let hold_ids = stale.map(|(id, _)| id.clone()).collect();
        Ok(Response::new(ListStaleHoldsResponse { hold_ids }))
    }
}
