use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use bson::oid::ObjectId;
use reen_chassis::admin::Peer;
use reen_chassis::client::{self, AddressError, PeerChannel};
use reen_chassis::gather::{Gather, Source};
use reen_chassis::identity::Identity;
use reen_error::Failure;
use reen_proto::products::v1::FindProductsRequest;
use reen_proto::products::v1::products_client::ProductsClient;
use url::Url;

use crate::error::Error;

/// The catalogue, asked for stock: for many carts in one call.
#[derive(Clone)]
pub(crate) struct Products {
    stock: Arc<Gather<Stock>>,
    peer: Peer,
}

impl Products {
    /// Must be called within a runtime.
    pub(crate) fn connect(identity: &Identity, addresses: &[Url]) -> Result<Self, AddressError> {
        let channel = client::connect(identity, "products", addresses)?;
        Ok(Self {
            peer: Peer::new("products", channel.clone()),
            stock: Arc::new(Gather::from(Stock(ProductsClient::new(channel)))),
        })
    }

    /// Who answers, as this process depends on it.
    pub(crate) fn peer(&self) -> Peer {
        self.peer.clone()
    }

    /// How many pieces can be bought now.
    pub(crate) async fn in_stock(&self, product_id: ObjectId) -> Result<i64, Error> {
        let id = product_id.to_hex();
        let found = self.stock.find(BTreeSet::from([id.clone()])).await?;
        found.get(&id).copied().ok_or(Error::NoSuchProduct)
    }
}

/// Of products that are in the catalogue.
struct Stock(ProductsClient<PeerChannel>);

impl Source for Stock {
    type Found = i64;
    type Error = Failure;

    async fn find(&self, ids: BTreeSet<String>) -> Result<HashMap<String, i64>, Failure> {
        let request = FindProductsRequest {
            ids: ids.into_iter().collect(),
        };
        let answer = self.0.clone().find_products(request).await?;
        let products = answer.into_inner().products.into_iter();
        Ok(products
            .filter(|product| product.listed)
            .map(|product| (product.id, product.quantity))
            .collect())
    }
}
