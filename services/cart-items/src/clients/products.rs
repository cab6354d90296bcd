use bson::oid::ObjectId;
use reen_chassis::admin::Peer;
use reen_chassis::client::{self, AddressError, PeerChannel};
use reen_chassis::identity::Identity;
use reen_error::{Code, Failure};
use reen_proto::products::v1::GetProductRequest;
use reen_proto::products::v1::products_client::ProductsClient;
use url::Url;

use crate::error::Error;

/// The catalogue, asked for stock.
#[derive(Clone)]
pub(crate) struct Products {
    client: ProductsClient<PeerChannel>,
    peer: Peer,
}

impl Products {
    pub(crate) fn connect(identity: &Identity, addresses: &[Url]) -> Result<Self, AddressError> {
        let channel = client::connect(identity, "products", addresses)?;
        Ok(Self {
            peer: Peer::new("products", channel.clone()),
            client: ProductsClient::new(channel),
        })
    }

    /// Who answers, as this process depends on it.
    pub(crate) fn peer(&self) -> Peer {
        self.peer.clone()
    }

    /// How many pieces can be bought now.
    pub(crate) async fn in_stock(&self, product_id: ObjectId) -> Result<i64, Error> {
        let request = GetProductRequest {
            id: product_id.to_hex(),
        };
        let answer = self.client.clone().get_product(request).await;
        match answer.map_err(Failure::from) {
            Ok(product) => Ok(product.into_inner().quantity),
            Err(failure) if failure.code == Code::NotFound => Err(Error::NoSuchProduct),
            Err(failure) => Err(Error::Peer(failure)),
        }
    }
}
