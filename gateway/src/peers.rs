//! The services behind the gateway, as typed clients.

use reen_chassis::client::{AddressError, PeerChannel, connect};
use reen_chassis::identity::Identity;
use reen_proto::auth::v1::api_keys_client::ApiKeysClient;
use reen_proto::auth::v1::auth_client::AuthClient;
use reen_proto::auth::v1::recovery_client::RecoveryClient;
use reen_proto::auth::v1::second_factors_client::SecondFactorsClient;
use reen_proto::cart_items::v1::cart_items_client::CartItemsClient;
use reen_proto::checkout::v1::checkout_client::CheckoutClient;
use reen_proto::orders::v1::orders_client::OrdersClient;
use reen_proto::products::v1::products_client::ProductsClient;
use reen_proto::sagas::v1::sagas_client::SagasClient;

use crate::config::PeerAddresses;

/// A thousand products with the longest texts are some thirty megabytes; the default limit is four.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// A channel to each service. Calls are made on behalf of the user of the current
/// [`reen_chassis::CallContext`] and within its deadline.
#[derive(Clone, Debug)]
pub(crate) struct Peers {
    auth: PeerChannel,
    products: PeerChannel,
    cart_items: PeerChannel,
    checkout: PeerChannel,
    orders: PeerChannel,
    events_handler: PeerChannel,
}

impl Peers {
    /// Channels that connect when first used.
    pub(crate) fn connect(
        identity: &Identity,
        addresses: &PeerAddresses,
    ) -> Result<Self, AddressError> {
        Ok(Self {
            auth: connect(identity, "auth", &addresses.auth)?,
            products: connect(identity, "products", &addresses.products)?,
            cart_items: connect(identity, "cart-items", &addresses.cart_items)?,
            checkout: connect(identity, "checkout", &addresses.checkout)?,
            orders: connect(identity, "orders", &addresses.orders)?,
            events_handler: connect(identity, "events-handler", &addresses.events_handler)?,
        })
    }

    pub(crate) fn auth(&self) -> AuthClient<PeerChannel> {
        AuthClient::new(self.auth.clone()).max_decoding_message_size(LARGEST_ANSWER)
    }

    pub(crate) fn recovery(&self) -> RecoveryClient<PeerChannel> {
        RecoveryClient::new(self.auth.clone())
    }

    pub(crate) fn second_factors(&self) -> SecondFactorsClient<PeerChannel> {
        SecondFactorsClient::new(self.auth.clone())
    }

    pub(crate) fn api_keys(&self) -> ApiKeysClient<PeerChannel> {
        ApiKeysClient::new(self.auth.clone())
    }

    pub(crate) fn products(&self) -> ProductsClient<PeerChannel> {
        ProductsClient::new(self.products.clone()).max_decoding_message_size(LARGEST_ANSWER)
    }

    pub(crate) fn cart_items(&self) -> CartItemsClient<PeerChannel> {
        CartItemsClient::new(self.cart_items.clone()).max_decoding_message_size(LARGEST_ANSWER)
    }

    pub(crate) fn checkout(&self) -> CheckoutClient<PeerChannel> {
        CheckoutClient::new(self.checkout.clone()).max_decoding_message_size(LARGEST_ANSWER)
    }

    pub(crate) fn orders(&self) -> OrdersClient<PeerChannel> {
        OrdersClient::new(self.orders.clone()).max_decoding_message_size(LARGEST_ANSWER)
    }

    pub(crate) fn sagas(&self) -> SagasClient<PeerChannel> {
        SagasClient::new(self.events_handler.clone()).max_decoding_message_size(LARGEST_ANSWER)
    }

    /// Every channel without which there is no shop, with its name, to ask after its health. What
    /// only operators need is not among them.
    pub(crate) fn channels(&self) -> [(&'static str, PeerChannel); 5] {
        [
            ("auth", self.auth.clone()),
            ("products", self.products.clone()),
            ("cart-items", self.cart_items.clone()),
            ("checkout", self.checkout.clone()),
            ("orders", self.orders.clone()),
        ]
    }
}
