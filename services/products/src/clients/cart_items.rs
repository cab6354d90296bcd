use bson::oid::ObjectId;
use reen_chassis::admin::Peer;
use reen_chassis::client::{self, AddressError, PeerChannel};
use reen_chassis::identity::Identity;
use reen_error::Failure;
use reen_proto::cart_items::v1::RemoveProductsRequest;
use reen_proto::cart_items::v1::cart_items_client::CartItemsClient;
use url::Url;

use crate::error::Error;

/// The carts, which withdrawn products leave.
#[derive(Clone)]
pub(crate) struct CartItems {
    client: CartItemsClient<PeerChannel>,
    peer: Peer,
}

impl CartItems {
    pub(crate) fn connect(identity: &Identity, addresses: &[Url]) -> Result<Self, AddressError> {
        let channel = client::connect(identity, "cart-items", addresses)?;
        Ok(Self {
            peer: Peer::new("cart-items", channel.clone()),
            client: CartItemsClient::new(channel),
        })
    }

    /// Who answers, as this process depends on it.
    pub(crate) fn peer(&self) -> Peer {
        self.peer.clone()
    }

    /// Takes the products, at most 1,000, out of every cart.
    pub(crate) async fn remove_products(&self, product_ids: &[ObjectId]) -> Result<(), Error> {
        let request = RemoveProductsRequest {
            product_ids: product_ids.iter().map(|id| id.to_hex()).collect(),
        };
        let answer = self.client.clone().remove_products(request).await;
        answer.map_err(|status| Error::Peer(Failure::from(status)))?;
        Ok(())
    }
}
