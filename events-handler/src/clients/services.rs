use std::sync::Arc;

use reen_chassis::admin::{Dependency, Peer};
use reen_chassis::client::{AddressError, PeerChannel, connect};
use reen_chassis::identity::Identity;
use reen_proto::auth::v1::auth_client::AuthClient;
use reen_proto::auth::v1::recovery_client::RecoveryClient;
use reen_proto::cart_items::v1::cart_items_client::CartItemsClient;
use reen_proto::checkout::v1::checkout_client::CheckoutClient;
use reen_proto::orders::v1::orders_client::OrdersClient;
use reen_proto::products::v1::products_client::ProductsClient;
use url::Url;

use super::Parties;

/// Where the services are.
#[derive(Clone, Debug)]
pub(crate) struct ServiceAddresses {
    pub(crate) auth: Vec<Url>,
    pub(crate) products: Vec<Url>,
    pub(crate) cart_items: Vec<Url>,
    pub(crate) checkout: Vec<Url>,
    pub(crate) orders: Vec<Url>,
}

/// Channels to the services.
pub(crate) struct Services {
    auth: AuthClient<PeerChannel>,
    recovery: RecoveryClient<PeerChannel>,
    products: ProductsClient<PeerChannel>,
    cart_items: CartItemsClient<PeerChannel>,
    checkout: CheckoutClient<PeerChannel>,
    orders: OrdersClient<PeerChannel>,
    peers: [Peer; 5],
}

impl Services {
    pub(crate) fn connect(
        identity: &Identity,
        addresses: &ServiceAddresses,
    ) -> Result<Self, AddressError> {
        let connect = |name, addresses: &[Url]| {
            let channel = connect(identity, name, addresses)?;
            Ok((Peer::new(name, channel.clone()), channel))
        };
        let (auth_peer, auth) = connect("auth", &addresses.auth)?;
        let (products_peer, products) = connect("products", &addresses.products)?;
        let (cart_items_peer, cart_items) = connect("cart-items", &addresses.cart_items)?;
        let (checkout_peer, checkout) = connect("checkout", &addresses.checkout)?;
        let (orders_peer, orders) = connect("orders", &addresses.orders)?;
        Ok(Self {
            recovery: RecoveryClient::new(auth.clone()),
            auth: AuthClient::new(auth),
            products: ProductsClient::new(products),
            cart_items: CartItemsClient::new(cart_items),
            checkout: CheckoutClient::new(checkout),
            orders: OrdersClient::new(orders),
            peers: [
                auth_peer,
                products_peer,
                cart_items_peer,
                checkout_peer,
                orders_peer,
            ],
        })
    }

    /// Whom the process depends on, by these channels.
    pub(crate) fn peers(&self) -> impl Iterator<Item = Arc<dyn Dependency>> + '_ {
        let peer = |peer: &Peer| -> Arc<dyn Dependency> { Arc::new(peer.clone()) };
        self.peers.iter().map(peer)
    }
}

/// A client is a handle to a shared channel; a step takes one for itself.
impl Parties {
    pub(crate) fn auth(&self) -> AuthClient<PeerChannel> {
        self.services.auth.clone()
    }

    pub(crate) fn recovery(&self) -> RecoveryClient<PeerChannel> {
        self.services.recovery.clone()
    }

    pub(crate) fn products(&self) -> ProductsClient<PeerChannel> {
        self.services.products.clone()
    }

    pub(crate) fn cart_items(&self) -> CartItemsClient<PeerChannel> {
        self.services.cart_items.clone()
    }

    pub(crate) fn checkout(&self) -> CheckoutClient<PeerChannel> {
        self.services.checkout.clone()
    }

    pub(crate) fn orders(&self) -> OrdersClient<PeerChannel> {
        self.services.orders.clone()
    }
}
