use reen_chassis::client::{PeerChannel, connect};
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
}

impl Services {
    pub(crate) fn connect(
        identity: &Identity,
        addresses: &ServiceAddresses,
    ) -> Result<Self, tonic::transport::Error> {
        let auth = connect(identity, "auth", &addresses.auth)?;
        Ok(Self {
            recovery: RecoveryClient::new(auth.clone()),
            auth: AuthClient::new(auth),
            products: ProductsClient::new(connect(identity, "products", &addresses.products)?),
            cart_items: CartItemsClient::new(connect(
                identity,
                "cart-items",
                &addresses.cart_items,
            )?),
            checkout: CheckoutClient::new(connect(identity, "checkout", &addresses.checkout)?),
            orders: OrdersClient::new(connect(identity, "orders", &addresses.orders)?),
        })
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
