//! The process `products` as far as carts know it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bson::oid::ObjectId;
use reen_chassis::server;
use reen_proto::products::v1::products_server::{Products, ProductsServer};
use reen_proto::products::v1::{FindProductsRequest, FindProductsResponse, Product};
use reen_testkit::{ANY_PORT, identity, url_of};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use url::Url;

/// A catalogue that can go away and come back at the same address.
pub(crate) struct Catalogue {
    address: SocketAddr,
    shelves: Arc<Shelves>,
    serving: Option<(DropGuard, JoinHandle<()>)>,
}

#[derive(Default)]
struct Shelves {
    stock: Mutex<HashMap<String, i64>>,
    silent: Mutex<bool>,
}

impl Catalogue {
    pub(crate) async fn start() -> Self {
        let listener = server::bind(ANY_PORT).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shelves = Arc::<Shelves>::default();
        Self {
            address,
            serving: Some(serve(listener, &shelves)),
            shelves,
        }
    }

    pub(crate) fn url(&self) -> Url {
        url_of(self.address)
    }

    /// A new product with so many pieces in stock.
    pub(crate) fn product(&self, in_stock: i64) -> ObjectId {
        let product = ObjectId::new();
        self.stock(product, in_stock);
        product
    }

    pub(crate) fn stock(&self, product: ObjectId, in_stock: i64) {
        let mut stock = self.shelves.stock.lock().unwrap();
        stock.insert(product.to_hex(), in_stock);
    }

    /// From now on calls are taken and never answered.
    pub(crate) fn fall_silent(&self) {
        *self.shelves.silent.lock().unwrap() = true;
    }

    pub(crate) async fn go_away(&mut self) {
        if let Some((stop, serving)) = self.serving.take() {
            drop(stop);
            serving.await.unwrap();
        }
    }

    pub(crate) async fn come_back(&mut self) {
        let listener = server::bind(self.address).await.unwrap();
        self.serving = Some(serve(listener, &self.shelves));
    }
}

fn serve(listener: TcpListener, shelves: &Arc<Shelves>) -> (DropGuard, JoinHandle<()>) {
    let stop = CancellationToken::new();
    let routes = Routes::new(ProductsServer::from_arc(shelves.clone()));
    let serving = server::serve(listener, identity("products"), routes, stop.clone());
    let serving = tokio::spawn(async move { serving.await.unwrap() });
    (stop.drop_guard(), serving)
}

#[tonic::async_trait]
impl Products for Shelves {
    async fn find_products(
        &self,
        request: Request<FindProductsRequest>,
    ) -> Result<Response<FindProductsResponse>, Status> {
        let is_silent = *self.silent.lock().unwrap();
        if is_silent {
            std::future::pending::<()>().await;
        }
        let stock = self.stock.lock().unwrap();
        let ids = request.into_inner().ids.into_iter();
        let products = ids.filter_map(|id| {
            Some(Product {
                quantity: *stock.get(&id)?,
                id,
                listed: true,
                ..Product::default()
            })
        });
        Ok(Response::new(FindProductsResponse {
            products: products.collect(),
        }))
    }
}
