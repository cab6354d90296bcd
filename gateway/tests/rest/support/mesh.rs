use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use reen_chassis::RequestKey;
use reen_error::{Code, Failure};
use reen_proto::auth::v1::ResolveApiKeyResponse;
use reen_proto::auth::v1::api_keys_server::ApiKeysServer;
use reen_proto::auth::v1::auth_server::AuthServer;
use reen_proto::auth::v1::recovery_server::RecoveryServer;
use reen_proto::auth::v1::second_factors_server::SecondFactorsServer;
use reen_proto::cart_items::v1::cart_items_server::CartItemsServer;
use reen_proto::checkout::v1::checkout_server::CheckoutServer;
use reen_proto::orders::v1::orders_server::OrdersServer;
use reen_proto::products::v1::Product;
use reen_proto::products::v1::products_server::ProductsServer;
use reen_proto::sagas::v1::sagas_server::SagasServer;
use reen_testkit::{eventually, identity};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::{Request, Status};

use super::Keys;

/// What the stand-ins of the services share: what they answer, and what they were asked.
#[derive(Clone, Default)]
pub(crate) struct Mesh {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub(crate) struct State {
    calls: Vec<String>,
    users: Vec<Option<String>>,
    failures: HashMap<&'static str, Failure>,
    pub(crate) keys: Vec<serde_json::Value>,
    /// What Clerk publishes, and who its users are here.
    pub(crate) clerk_keys: serde_json::Value,
    pub(crate) clerk_users: HashMap<String, String>,
    /// What auth says of API keys.
    pub(crate) api_keys: HashMap<String, ResolveApiKeyResponse>,
    /// The catalogue.
    pub(crate) products: Vec<Product>,
    /// The last request that changed something, as text.
    pub(crate) last_change: String,
    /// How the client named the last request.
    pub(crate) last_key: Option<RequestKey>,
    /// Whether what is asked for is said to have been answered before.
    pub(crate) replays: bool,
}

impl Mesh {
    /// Stand-ins that know the public key of `keys`.
    pub(crate) fn new(keys: &Keys) -> Self {
        let mesh = Self::default();
        mesh.with(|state| state.keys.push(keys.jwk()));
        mesh
    }

    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes `method` fail until [`Self::heal`].
    pub(crate) fn fail(&self, method: &'static str, code: Code) {
        let failure = Failure::new(code, format!("{} of the test", code.word()));
        self.with(|state| state.failures.insert(method, failure));
    }

    pub(crate) fn heal(&self, method: &'static str) {
        self.with(|state| state.failures.remove(method));
    }

    /// The methods called since the last time this was asked, but those that fetch keys.
    pub(crate) fn take_calls(&self) -> Vec<String> {
        let mut calls = self.with(|state| std::mem::take(&mut state.calls));
        calls.retain(|call| call != "GetJwks");
        calls.sort();
        calls
    }

    /// On whose behalf the last call was made.
    pub(crate) fn last_user(&self) -> Option<String> {
        self.with(|state| state.users.last().cloned().flatten())
    }

    /// On whose behalf `method` was called last.
    pub(crate) fn user_of(&self, method: &str) -> Option<String> {
        self.with(|state| {
            let calls = state.calls.iter().rev().zip(state.users.iter().rev());
            let mut of_method = calls.filter(|(call, _)| *call == method);
            of_method.next().and_then(|(_, user)| user.clone())
        })
    }

    /// How often `method` was called since [`Self::take_calls`].
    pub(crate) fn count(&self, method: &str) -> usize {
        self.with(|state| state.calls.iter().filter(|call| *call == method).count())
    }

    /// Every stand-in begins with this.
    pub(crate) fn note<T: std::fmt::Debug>(
        &self,
        method: &'static str,
        request: &Request<T>,
    ) -> Result<(), Status> {
        let caller = reen_chassis::Caller::of(request)?;
        self.with(|state| {
            state.calls.push(method.to_owned());
            state.users.push(caller.user.as_deref().map(str::to_owned));
            state.last_change = format!("{:?}", request.get_ref());
            state.last_key = RequestKey::of(request);
            match state.failures.get(method) {
                Some(failure) => Err(failure.clone().into_status()),
                None => Ok(()),
            }
        })
    }

    pub(crate) fn jwks(&self) -> String {
        self.with(|state| json!({ "keys": state.keys })).to_string()
    }

    fn routes(&self, service: &str) -> Routes {
        let mesh = self.clone();
        match service {
            "auth" => Routes::new(AuthServer::new(mesh.clone()))
                .add_service(RecoveryServer::new(mesh.clone()))
                .add_service(SecondFactorsServer::new(mesh.clone()))
                .add_service(ApiKeysServer::new(mesh)),
            "products" => Routes::new(ProductsServer::new(mesh)),
            "cart-items" => Routes::new(CartItemsServer::new(mesh)),
            "events-handler" => Routes::new(SagasServer::new(mesh)),
            "checkout" => Routes::new(CheckoutServer::new(mesh)),
            _ => Routes::new(OrdersServer::new(mesh)),
        }
    }
}

/// One stand-in, which can go away and come back to where it was.
pub(crate) struct Peer {
    name: &'static str,
    mesh: Mesh,
    pub(crate) address: SocketAddr,
    stop: CancellationToken,
}

impl Peer {
    pub(crate) async fn start(name: &'static str, mesh: &Mesh) -> Self {
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = TcpListener::bind(anywhere).await.unwrap();
        let mut peer = Self {
            name,
            mesh: mesh.clone(),
            address: listener.local_addr().unwrap(),
            stop: CancellationToken::new(),
        };
        peer.serve(listener);
        peer
    }

    fn serve(&mut self, listener: TcpListener) {
        self.stop = CancellationToken::new();
        let routes = self.mesh.routes(self.name);
        let stop = self.stop.clone();
        let serving = reen_chassis::server::serve(listener, identity(self.name), routes, stop);
        tokio::spawn(serving);
    }

    /// Goes away: connections are refused when this returns.
    pub(crate) async fn go(&self) {
        self.stop.cancel();
        let address = self.address;
        eventually("the stand-in is gone", async || {
            tokio::net::TcpStream::connect(address).await.err()
        })
        .await;
    }

    /// Comes back.
    pub(crate) async fn come_back(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.serve(listener);
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
