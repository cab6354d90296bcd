use reen_chassis::admin::Peer;
use reen_chassis::client::{self, AddressError, PeerChannel};
use reen_chassis::identity::Identity;
use reen_error::Failure;
use reen_proto::cart_items::v1::cart_items_client::CartItemsClient;
use reen_proto::cart_items::v1::{CartItem, ListItemsRequest};
use url::Url;

use super::answered_id;
use crate::domain::CartLine;
use crate::error::Error;

/// The cart, asked what is to be bought.
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

    /// The cart of the user on whose behalf the present call is made.
    pub(crate) async fn list(&self) -> Result<Vec<CartLine>, Error> {
        let answer = self.client.clone().list_items(ListItemsRequest {}).await;
        let cart = answer.map_err(|status| Error::Peer(Failure::from(status)))?;
        cart.into_inner().items.iter().map(cart_line).collect()
    }
}

fn cart_line(item: &CartItem) -> Result<CartLine, Error> {
    Ok(CartLine {
        product_id: answered_id(&item.product_id)?,
        quantity: item.quantity,
    })
}
