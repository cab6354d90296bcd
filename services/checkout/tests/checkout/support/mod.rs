//! A checkout service with everything around it.

pub(crate) mod peers;
pub(crate) mod stripe;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bson::oid::ObjectId;
use reen_chassis::client::PeerChannel;
use reen_chassis::{CallContext, IdempotencyKey};
use reen_checkout::{App, Config, Sweeping, Terms};
use reen_error::Failure;
use reen_proto::checkout::v1::checkout_client::CheckoutClient;
use reen_proto::checkout::v1::{
    CancelCheckoutRequest, CheckoutSession, GetCheckoutRequest, OpenCheckoutRequest,
};
use reen_proto::operation::v1::Operation;
use reen_testkit::{
    ANYWHERE, TestDatabase, acting_for, acting_once, eventually, identity, in_background, peer,
    saga_operation, settled, url_of,
};
use secrecy::SecretString;
use tokio_util::sync::DropGuard;
use url::Url;

use peers::Peers;
use stripe::StripeStandIn;

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
/// A sweeper that does nothing while a test lasts, but for its first round over an empty database.
const ASLEEP: Sweeping = Sweeping {
    every: Duration::from_secs(3_600),
    abandoned_after: Duration::from_secs(3_600),
};
/// A sweeper for which everything is late.
pub(crate) const AWAKE: Sweeping = Sweeping {
    every: Duration::from_millis(20),
    abandoned_after: Duration::ZERO,
};

/// One shop for one test.
pub(crate) struct Shop {
    pub(crate) database: TestDatabase,
    pub(crate) peers: Peers,
    pub(crate) stripe: StripeStandIn,
    pub(crate) terms: Terms,
    pub(crate) address: SocketAddr,
    _running: DropGuard,
}

impl Shop {
    /// As in production, but for a sweeper that sleeps.
    pub(crate) async fn start() -> Self {
        let terms = Terms {
            open_for: 31 * MINUTE,
            grace: 5 * MINUTE,
        };
        Self::start_with(terms, ASLEEP).await
    }

    /// Checkouts are over within three seconds (at a whole one), and the sweeper is awake.
    pub(crate) async fn start_hasty() -> Self {
        let terms = Terms {
            open_for: Duration::from_secs(3),
            grace: Duration::ZERO,
        };
        let sweeping = Sweeping {
            abandoned_after: MINUTE,
            ..AWAKE
        };
        Self::start_with(terms, sweeping).await
    }

    pub(crate) async fn start_with(terms: Terms, sweeping: Sweeping) -> Self {
        let database = TestDatabase::fresh();
        let peers = Peers::start().await;
        let shortest = terms.open_for.min(30 * MINUTE);
        let shortest = if shortest < MINUTE {
            Duration::ZERO
        } else {
            shortest
        };
        let stripe = StripeStandIn::start(shortest).await;
        let config = config(&database, &peers, &stripe, terms, sweeping);
        let (address, running) = run(config).await;
        Self {
            database,
            peers,
            stripe,
            terms,
            address,
            _running: running,
        }
    }

    /// Settings for another replica.
    pub(crate) fn replica(&self, sweeping: Sweeping) -> Config {
        config(
            &self.database,
            &self.peers,
            &self.stripe,
            self.terms,
            sweeping,
        )
    }

    /// The service as the process `from` calls it.
    pub(crate) fn called_by(&self, from: &'static str) -> CheckoutClient<PeerChannel> {
        client(from, self.address)
    }

    pub(crate) async fn open(&self, user: ObjectId) -> Result<CheckoutSession, Failure> {
        open(self.called_by("gateway"), user, None).await
    }

    pub(crate) async fn open_keyed(
        &self,
        user: ObjectId,
        key: &str,
    ) -> Result<CheckoutSession, Failure> {
        open(self.called_by("gateway"), user, Some(key)).await
    }

    pub(crate) async fn get(&self, user: ObjectId, id: &str) -> Result<CheckoutSession, Failure> {
        let asked = GetCheckoutRequest { id: id.to_owned() };
        let mut gateway = self.called_by("gateway");
        settled(acting_for(user, gateway.get_checkout(asked)).await)
    }

    pub(crate) async fn cancel(
        &self,
        user: ObjectId,
        id: &str,
    ) -> Result<CheckoutSession, Failure> {
        let asked = CancelCheckoutRequest { id: id.to_owned() };
        let mut gateway = self.called_by("gateway");
        settled(acting_for(user, gateway.cancel_checkout(asked)).await)
    }

    /// Waits until the checkout has this status.
    pub(crate) async fn reaches(
        &self,
        user: ObjectId,
        id: &str,
        status: reen_proto::checkout::v1::Status,
    ) -> CheckoutSession {
        eventually(&format!("{id} to be {status:?}"), async || {
            let checkout = self.get(user, id).await.unwrap();
            (checkout.status() == status).then_some(checkout)
        })
        .await
    }
}

fn config(
    database: &TestDatabase,
    peers: &Peers,
    stripe: &StripeStandIn,
    terms: Terms,
    sweeping: Sweeping,
) -> Config {
    Config {
        listen: ANYWHERE,
        database_url: database.url(),
        migrate_at_start: true,
        identity: identity(reen_checkout::NAME),
        auth: vec![url_of(peers.auth)],
        products: vec![url_of(peers.products)],
        cart_items: vec![url_of(peers.cart_items)],
        stripe_secret_key: SecretString::from(stripe::SECRET_KEY),
        stripe_api_base: Some(Url::parse(&stripe.base_url).unwrap()),
        frontend: Url::parse("http://shop.test").unwrap(),
        terms,
        sweeping,
    }
}

/// Runs a replica until the guard is dropped.
pub(crate) async fn run(config: Config) -> (SocketAddr, DropGuard) {
    let app = App::build(config).await.unwrap();
    let address = app.address().unwrap();
    (address, in_background(|stop| app.run(stop)))
}

pub(crate) fn client(from: &'static str, address: SocketAddr) -> CheckoutClient<PeerChannel> {
    CheckoutClient::new(peer(from, reen_checkout::NAME, address))
}

pub(crate) async fn open(
    mut client: CheckoutClient<PeerChannel>,
    user: ObjectId,
    key: Option<&str>,
) -> Result<CheckoutSession, Failure> {
    let opening = client.open_checkout(OpenCheckoutRequest {});
    settled(match key {
        Some(key) => acting_once(user, &named(key), opening).await,
        None => acting_for(user, opening).await,
    })
}

/// What a client calls its request to open a checkout.
pub(crate) fn named(key: &str) -> IdempotencyKey {
    IdempotencyKey::new(key, [&b"POST /checkout"[..]])
}

/// Calls on behalf of a user who waits no longer than `patience`.
pub(crate) async fn hurried_for<T>(
    user: ObjectId,
    patience: Duration,
    call: impl Future<Output = T>,
) -> T {
    let context = CallContext {
        user: Some(user.to_hex().into()),
        deadline: Some(Instant::now() + patience),
        ..CallContext::default()
    };
    context.scope(call).await
}

/// An operation of the saga over this checkout.
pub(crate) fn operation(checkout_id: &str, step: &str, epoch: i64) -> Option<Operation> {
    let saga = format!("order-completed:{checkout_id}");
    saga_operation(format!("{saga}:{step}"), saga, epoch)
}
