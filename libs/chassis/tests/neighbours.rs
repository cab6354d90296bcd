//! Roles of one process, which call each other without a connection.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reen_chassis::client::{self, PeerChannel};
use reen_chassis::identity::Identity;
use reen_chassis::{CallContext, neighbours, server};
use reen_error::{Code, Failure};
use reen_proto::cart_items::v1::cart_items_client::CartItemsClient;
use reen_proto::cart_items::v1::cart_items_server::{CartItems, CartItemsServer};
use reen_proto::cart_items::v1::{
    AddItemRequest, CartItem, EmptyCartRequest, EmptyCartResponse, ListItemsRequest,
    ListItemsResponse,
};
use secrecy::SecretString;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

const SERVICE: &str = "cart-items";
const ANYWHERE: ([u8; 4], u16) = ([127, 0, 0, 1], 0);
const SECRET: &str = "a secret for tests of thirty-two characters";
const PATIENCE: Duration = Duration::from_secs(20);

type Client = CartItemsClient<PeerChannel>;

/// Lists at once, adds when it is let, and panics when it is to empty a cart.
#[derive(Clone)]
struct Role {
    /// Calls that came over a connection.
    connected: Arc<AtomicUsize>,
    /// How many calls wait to be let.
    working: watch::Sender<usize>,
    gate: Arc<Semaphore>,
}

struct Working(watch::Sender<usize>);

impl Working {
    fn begin(working: &watch::Sender<usize>) -> Self {
        working.send_modify(|count| *count += 1);
        Self(working.clone())
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

#[tonic::async_trait]
impl CartItems for Role {
    async fn list_items(
        &self,
        request: Request<ListItemsRequest>,
    ) -> Result<Response<ListItemsResponse>, Status> {
        let connected = usize::from(request.remote_addr().is_some());
        self.connected.fetch_add(connected, Ordering::SeqCst);
        // The context is the peer's own, and says on whose behalf.
        assert_eq!(CallContext::current().user.as_deref(), Some("ada"));
        let items = vec![CartItem::default(); 3];
        Ok(Response::new(ListItemsResponse { items }))
    }

    async fn add_item(
        &self,
        _request: Request<AddItemRequest>,
    ) -> Result<Response<CartItem>, Status> {
        let _working = Working::begin(&self.working);
        let _through = self.gate.acquire().await;
        Ok(Response::new(CartItem::default()))
    }

    async fn empty_cart(
        &self,
        _request: Request<EmptyCartRequest>,
    ) -> Result<Response<EmptyCartResponse>, Status> {
        panic!("of this test")
    }
}

/// A role that is served.
struct Served {
    role: Role,
    address: SocketAddr,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Served {
    async fn start() -> Self {
        let listener = listen(ANYWHERE.into()).await;
        Self::on(listener)
    }

    fn on(listener: TcpListener) -> Self {
        let role = Role {
            connected: Arc::default(),
            working: watch::Sender::new(0),
            gate: Arc::new(Semaphore::new(0)),
        };
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let routes = Routes::new(CartItemsServer::new(role.clone()));
        let serving = server::serve(listener, identity(SERVICE, SECRET), routes, stop.clone());
        let serving = tokio::spawn(async { serving.await.unwrap() });
        Self {
            role,
            address,
            stop,
            serving,
        }
    }

    async fn has_at_work(&self, count: usize) {
        let mut working = self.role.working.subscribe();
        let seen = timeout(PATIENCE, working.wait_for(|working| *working == count));
        seen.await.unwrap().unwrap();
    }
}

async fn listen(address: SocketAddr) -> TcpListener {
    neighbours::introduce();
    server::bind(address).await.unwrap()
}

fn identity(name: &'static str, secret: &str) -> Identity {
    Identity::new(name, &SecretString::from(secret)).unwrap()
}

fn client(address: SocketAddr, secret: &str) -> Client {
    let url = format!("http://{address}").parse().unwrap();
    let gateway = identity("gateway", secret);
    CartItemsClient::new(client::connect(&gateway, SERVICE, &[url]).unwrap())
}

async fn list(client: &Client) -> Result<usize, Status> {
    let context = CallContext {
        user: Some("ada".into()),
        ..CallContext::default()
    };
    let mut client = client.clone();
    let asking = context.scope(async move { client.list_items(ListItemsRequest {}).await });
    Ok(asking.await?.into_inner().items.len())
}

async fn add(client: &Client) -> Result<(), Status> {
    let mut client = client.clone();
    client.add_item(AddItemRequest::default()).await.map(drop)
}

/// Another address of the same listener.
async fn roundabout(to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind(SocketAddr::from(ANYWHERE)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            let mut to = TcpStream::connect(to).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut from, &mut to).await });
        }
    });
    address
}

#[tokio::test]
async fn a_neighbour_is_called_without_a_connection_and_others_with_one() {
    let served = Served::start().await;
    assert_eq!(list(&client(served.address, SECRET)).await.unwrap(), 3);
    assert_eq!(served.role.connected.load(Ordering::SeqCst), 0);
    let far = client(roundabout(served.address).await, SECRET);
    assert_eq!(list(&far).await.unwrap(), 3);
    assert_eq!(served.role.connected.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn who_listens_everywhere_is_a_neighbour_on_loopback() {
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let served = Served::on(listen(everywhere).await);
    let here = SocketAddr::from(([127, 0, 0, 1], served.address.port()));
    assert_eq!(list(&client(here, SECRET)).await.unwrap(), 3);
    assert_eq!(served.role.connected.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_neighbour_has_to_show_who_it_is_as_well() {
    let served = Served::start().await;
    let stranger = client(served.address, "another secret of thirty-two characters");
    let refused = list(&stranger).await.unwrap_err();
    assert_eq!(Failure::from_status(&refused).code, Code::UnknownCaller);
}

#[tokio::test]
async fn who_listens_already_is_waited_for() {
    let listener = listen(ANYWHERE.into()).await;
    let client = client(listener.local_addr().unwrap(), SECRET);
    let asking = list(&client);
    let serving = async {
        tokio::task::yield_now().await;
        Served::on(listener)
    };
    let (listed, served) = tokio::join!(asking, serving);
    assert_eq!(listed.unwrap(), 3);
    assert_eq!(served.role.connected.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn nobody_works_for_who_has_stopped_waiting() {
    let served = Served::start().await;
    let client = client(served.address, SECRET);
    let asking = tokio::spawn(async move { add(&client).await });
    served.has_at_work(1).await;
    asking.abort();
    served.has_at_work(0).await;
}

#[tokio::test]
async fn a_panic_ends_one_call() {
    let served = Served::start().await;
    let client = client(served.address, SECRET);
    let emptying = client.clone().empty_cart(EmptyCartRequest::default()).await;
    assert_eq!(emptying.unwrap_err().code(), tonic::Code::Internal);
    assert_eq!(list(&client).await.unwrap(), 3);
}

#[tokio::test]
async fn who_stops_ends_its_work_first_and_may_come_back() {
    let served = Served::start().await;
    let client = client(served.address, SECRET);
    let asking = tokio::spawn({
        let client = client.clone();
        async move { add(&client).await }
    });
    served.has_at_work(1).await;
    served.stop.cancel();
    while let Ok(listed) = list(&client).await {
        assert_eq!(listed, 3, "it has not heard of it yet");
        tokio::task::yield_now().await;
    }
    let refused = list(&client).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unavailable);
    assert!(!served.serving.is_finished(), "a call is under way");
    served.role.gate.add_permits(1);
    asking.await.unwrap().unwrap();
    served.serving.await.unwrap();
    let again = Served::on(listen(served.address).await);
    assert_eq!(list(&client).await.unwrap(), 3);
    assert_eq!(again.role.connected.load(Ordering::SeqCst), 0);
}
