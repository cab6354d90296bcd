use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;
use reen_chassis::client::{self, PeerChannel, Resolver};
use reen_chassis::identity::Identity;
use reen_chassis::server;
use reen_chassis::{CallContext, IdempotencyKey};
use reen_proto::cart_items::v1::cart_items_client::CartItemsClient;
use reen_proto::cart_items::v1::cart_items_server::{CartItems, CartItemsServer};
use reen_proto::cart_items::v1::{AddItemRequest, CartItem, ListItemsRequest, ListItemsResponse};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use url::Url;

const SERVICE: &str = "cart-items";
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) type Client = CartItemsClient<PeerChannel>;

/// What a replica does with calls.
#[derive(Clone)]
pub(crate) struct Behaviour {
    calls: Arc<AtomicUsize>,
    pub(crate) unavailable: Arc<AtomicBool>,
    /// Calls wait here while it is closed.
    gate: Arc<Semaphore>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            calls: Arc::default(),
            unavailable: Arc::default(),
            gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
        }
    }
}

impl Behaviour {
    /// Calls are taken and not answered.
    pub(crate) fn close(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub(crate) fn open(&self) {
        self.gate.add_permits(Semaphore::MAX_PERMITS);
    }

    async fn work(&self) -> Result<(), Status> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let _through = self.gate.acquire().await;
        if self.unavailable.load(Ordering::SeqCst) {
            return Err(Status::unavailable("its database is away"));
        }
        Ok(())
    }
}

#[tonic::async_trait]
impl CartItems for Behaviour {
    async fn list_items(
        &self,
        _request: Request<ListItemsRequest>,
    ) -> Result<Response<ListItemsResponse>, Status> {
        self.work().await?;
        Ok(Response::new(ListItemsResponse::default()))
    }

    async fn add_item(
        &self,
        _request: Request<AddItemRequest>,
    ) -> Result<Response<CartItem>, Status> {
        self.work().await?;
        Ok(Response::new(CartItem::default()))
    }
}

/// A replica on a runtime of its own, so that it can be killed: every connection breaks at once.
pub(crate) struct Replica {
    pub(crate) address: SocketAddr,
    pub(crate) behaviour: Behaviour,
    running: Option<(Runtime, CancellationToken)>,
}

impl Replica {
    pub(crate) async fn start() -> Self {
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let behaviour = Behaviour::default();
        let (address, running) = run(anywhere, &behaviour).await;
        Self {
            address,
            behaviour,
            running: Some(running),
        }
    }

    pub(crate) async fn several<const COUNT: usize>() -> [Self; COUNT] {
        let starting = join_all((0..COUNT).map(|_| Self::start()));
        let replicas = starting.await.try_into();
        replicas.unwrap_or_else(|_| unreachable!("as many as were started"))
    }

    /// How many calls its handlers have seen.
    pub(crate) fn calls(&self) -> usize {
        self.behaviour.calls.load(Ordering::SeqCst)
    }

    /// Lets calls in flight finish, as a process that got SIGTERM does.
    pub(crate) fn stop(&self) {
        let (_, stop) = self.running.as_ref().unwrap();
        stop.cancel();
    }

    /// Ends it in the middle of whatever it does.
    pub(crate) fn kill(&mut self) {
        if let Some((runtime, _)) = self.running.take() {
            runtime.shutdown_background();
        }
    }

    /// Starts it again where it was.
    pub(crate) async fn restart(&mut self) {
        self.kill();
        let (_, running) = run(self.address, &self.behaviour).await;
        self.running = Some(running);
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn run(
    address: SocketAddr,
    behaviour: &Behaviour,
) -> (SocketAddr, (Runtime, CancellationToken)) {
    let mut threads = Builder::new_multi_thread();
    let runtime = threads.worker_threads(1).enable_all().build().unwrap();
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    let routes = Routes::new(CartItemsServer::new(behaviour.clone()));
    // What was killed a moment ago may still hold the port.
    let listener = eventually(async || std::net::TcpListener::bind(address).ok()).await;
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    runtime.spawn(async move {
        let listener = TcpListener::from_std(listener).unwrap();
        server::serve(listener, identity(SERVICE), routes, stopping).await
    });
    (address, (runtime, stop))
}

pub(crate) fn identity(name: &'static str) -> Identity {
    let secret = SecretString::from("a secret for tests of thirty-two characters");
    Identity::new(name, &secret).unwrap()
}

/// A client of the replicas at these addresses.
pub(crate) fn client(addresses: &[SocketAddr]) -> Client {
    let urls: Vec<Url> = addresses
        .iter()
        .map(|address| format!("http://{address}").parse().unwrap())
        .collect();
    let channel = client::connect(&identity("gateway"), SERVICE, &urls).unwrap();
    CartItemsClient::new(channel)
}

pub(crate) fn client_of(replicas: &[Replica]) -> Client {
    let addresses: Vec<_> = replicas.iter().map(|replica| replica.address).collect();
    client(&addresses)
}

/// A client of the peer that this name server knows.
pub(crate) fn client_through(names: &Arc<Names>) -> Client {
    let url: Url = "http://cart-items.test:1".parse().unwrap();
    let channel = client::connect_through(names.clone(), &identity("gateway"), SERVICE, &[url]);
    CartItemsClient::new(channel.unwrap())
}

pub(crate) async fn read(client: &Client) -> Result<(), Status> {
    let mut client = client.clone();
    client.list_items(ListItemsRequest {}).await.map(drop)
}

pub(crate) async fn write(client: &Client) -> Result<(), Status> {
    let mut client = client.clone();
    client.add_item(AddItemRequest::default()).await.map(drop)
}

/// Within a request of a user that has a name, or has none.
pub(crate) fn request(named: bool) -> CallContext {
    CallContext {
        user: Some("66f0c0ffee".into()),
        idempotency: named.then(|| IdempotencyKey::new("a name", [&b"body"[..]])),
        ..CallContext::default()
    }
}

/// Calls until every replica is known to the client, and its budget for second tries is a full one.
pub(crate) async fn warm(client: &Client, replicas: &[Replica]) {
    eventually(async || {
        let _warm = read(client).await;
        let mut calls = replicas.iter().map(Replica::calls);
        calls.all(|calls| calls > 0).then_some(())
    })
    .await;
    let failed = load(client, 100, Call::Read).await;
    assert!(failed.is_empty(), "{failed:?}");
}

/// What callers ask for.
#[derive(Clone, Copy)]
pub(crate) enum Call {
    Read,
    Write,
}

impl Call {
    async fn make(self, client: &Client) -> Result<(), Status> {
        match self {
            Self::Read => read(client).await,
            Self::Write => write(client).await,
        }
    }
}

/// Several callers at once, until they have made `calls` in all. Answers what failed.
pub(crate) async fn load(client: &Client, calls: usize, call: Call) -> Vec<Status> {
    let left = Arc::new(AtomicUsize::new(calls));
    let callers = (0..8).map(|_| {
        let (left, client) = (left.clone(), client.clone());
        tokio::spawn(async move {
            let mut failed = Vec::new();
            let take = |left: usize| left.checked_sub(1);
            while left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take)
                .is_ok()
            {
                failed.extend(call.make(&client).await.err());
            }
            failed
        })
    });
    let failed = join_all(callers).await;
    failed.into_iter().flat_map(Result::unwrap).collect()
}

/// Waits until `look` finds something.
pub(crate) async fn eventually<T>(look: impl AsyncFn() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, looking).await;
    found.expect("it happens in time")
}

/// A name server that knows what it was told.
#[derive(Default)]
pub(crate) struct Names(Mutex<Option<Vec<SocketAddr>>>);

impl Names {
    pub(crate) fn tell(&self, addresses: &[SocketAddr]) {
        *self.0.lock().unwrap() = Some(addresses.to_vec());
    }

    pub(crate) fn fail(&self) {
        *self.0.lock().unwrap() = None;
    }
}

#[async_trait]
impl Resolver for Names {
    async fn look_up(&self, _host: &str, _port: u16) -> io::Result<Vec<SocketAddr>> {
        let known = self.0.lock().unwrap().clone();
        known.ok_or_else(|| io::Error::other("the name server is away"))
    }
}
