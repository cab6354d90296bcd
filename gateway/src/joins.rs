//! What is shown together but kept by several services. Each join is a fixed number of calls however
//! many items there are, shared with the requests beside it ([`Gather`]), and fails as a whole: a name or
//! a count that is not known is never made up. Names and counts may be a second old ([`Cache`]).

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use futures::future::try_join_all;
use reen_chassis::gather::{Gather, Source};
use reen_error::Code;
use reen_proto::auth::v1::FindUsersRequest;
use reen_proto::orders::v1::CountOrdersRequest;
use reen_proto::products::v1::{FindProductsRequest, Product};

use crate::cache::{Cache, OrderCounts, ProductViews, SellerNames};
use crate::error::Error;
use crate::peers::Peers;
use crate::views::products::ProductView;

/// The most ids that one call takes.
const LARGEST_BATCH: usize = 1_000;

/// What is read by id for everybody.
pub(crate) struct Reads {
    products: Gather<Products>,
    names: Gather<Names>,
    counts: Gather<Counts>,
    cache: Arc<Cache>,
}

impl Reads {
    pub(crate) fn of(peers: &Peers, cache: Arc<Cache>) -> Self {
        Self {
            products: Gather::from(Products(peers.clone())),
            names: Gather::from(Names(peers.clone())),
            counts: Gather::from(Counts(peers.clone())),
            cache,
        }
    }

    /// A product that is in the catalogue.
    ///
    /// # Errors
    /// `not_found`, or that products cannot be asked.
    pub(crate) async fn listed_product(&self, id: &str) -> Result<Product, Error> {
        let id = id.to_ascii_lowercase();
        let found = self.products.find(BTreeSet::from([id.clone()])).await?;
        let listed = found.get(&id).filter(|product| product.listed);
        listed.cloned().ok_or_else(|| Error::of(Code::NotFound))
    }

    /// What is shown beside these products of these sellers, in two concurrent calls at most.
    pub(crate) async fn beside(
        &self,
        sellers: BTreeSet<String>,
        products: BTreeSet<String>,
    ) -> Result<Beside, Error> {
        let (names, counts) = futures::try_join!(self.names_of(sellers), self.counts_of(products))?;
        Ok(Beside { names, counts })
    }

    async fn names_of(&self, sellers: BTreeSet<String>) -> Result<SellerNames, Error> {
        let load = |ids: BTreeSet<String>| async {
            let found = self.names.find(ids.clone()).await?;
            Ok(whole(ids, |id| found.get(id).cloned()))
        };
        self.cache.beside(|kinds| &kinds.names, sellers, load).await
    }

    async fn counts_of(&self, products: BTreeSet<String>) -> Result<OrderCounts, Error> {
        let load = |ids: BTreeSet<String>| async {
            let found = self.counts.find(ids.clone()).await?;
            Ok(whole(ids, |id| found.get(id).copied().unwrap_or_default()))
        };
        self.cache
            .beside(|kinds| &kinds.counts, products, load)
            .await
    }

    /// Products as they are shown.
    pub(crate) async fn show_products(
        &self,
        products: Vec<Product>,
    ) -> Result<Vec<ProductView>, Error> {
        let sellers = products.iter().map(|each| each.seller_id.clone()).collect();
        let ids = products.iter().map(|each| each.id.clone()).collect();
        let beside = self.beside(sellers, ids).await?;
        let shown = products.into_iter().map(|product| beside.show(product));
        Ok(shown.collect())
    }

    /// One product as it is shown.
    pub(crate) async fn show_product(&self, product: Product) -> Result<ProductView, Error> {
        let sellers = BTreeSet::from([product.seller_id.clone()]);
        let ids = BTreeSet::from([product.id.clone()]);
        Ok(self.beside(sellers, ids).await?.show(product))
    }

    /// The same of a cart or an order, by id, at most a second old: hidden ones too; those that are gone
    /// are left out.
    ///
    /// # Errors
    /// When a service that is asked for what is not remembered fails.
    pub(crate) async fn products_beside(
        &self,
        ids: BTreeSet<String>,
    ) -> Result<ProductViews, Error> {
        let load = |ids| self.find_products(ids);
        self.cache.beside(|kinds| &kinds.products, ids, load).await
    }

    async fn find_products(&self, ids: BTreeSet<String>) -> Result<ProductViews, Error> {
        let found = self.products.find(ids.clone()).await?;
        let products = ids.iter().filter_map(|id| found.get(id).cloned());
        let shown = self.show_products(products.collect()).await?.into_iter();
        Ok(shown
            .map(|product| (product.id.clone(), Arc::new(product)))
            .collect())
    }
}

/// What is shown beside a product: the name of its seller, the number of its orders.
pub(crate) struct Beside {
    names: SellerNames,
    counts: OrderCounts,
}

impl Beside {
    /// The product as it is shown.
    pub(crate) fn show(&self, product: Product) -> ProductView {
        let seller = self.names.get(&product.seller_id).cloned().flatten();
        let orders = self.counts.get(&product.id).copied().unwrap_or_default();
        ProductView::new(product, seller, orders)
    }
}

struct Products(Peers);

impl Source for Products {
    type Found = Product;
    type Error = Error;

    async fn find(&self, ids: BTreeSet<String>) -> Result<HashMap<String, Product>, Error> {
        let finding = batches(ids).map(|ids| async move {
            let request = FindProductsRequest { ids };
            let answer = self.0.products().find_products(request).await?;
            Ok::<_, Error>(answer.into_inner().products)
        });
        let products = try_join_all(finding).await?.into_iter().flatten();
        Ok(products
            .map(|product| (product.id.clone(), product))
            .collect())
    }
}

/// Of users.
struct Names(Peers);

impl Source for Names {
    type Found = Arc<str>;
    type Error = Error;

    async fn find(&self, ids: BTreeSet<String>) -> Result<HashMap<String, Arc<str>>, Error> {
        let finding = batches(ids).map(|ids| async move {
            let answer = self.0.auth().find_users(FindUsersRequest { ids }).await?;
            Ok::<_, Error>(answer.into_inner().users)
        });
        let users = try_join_all(finding).await?.into_iter().flatten();
        Ok(users.map(|user| (user.id, user.name.into())).collect())
    }
}

/// Of the orders in which products are.
struct Counts(Peers);

impl Source for Counts {
    type Found = i64;
    type Error = Error;

    async fn find(&self, ids: BTreeSet<String>) -> Result<HashMap<String, i64>, Error> {
        let counting = batches(ids).map(|product_ids| async move {
            let request = CountOrdersRequest { product_ids };
            let answer = self.0.orders().count_orders(request).await?;
            Ok::<_, Error>(answer.into_inner().counts)
        });
        let counts = try_join_all(counting).await?.into_iter().flatten();
        Ok(counts
            .map(|count| (count.product_id, count.orders))
            .collect())
    }
}

/// Something for each of `ids`.
fn whole<V>(ids: BTreeSet<String>, value: impl Fn(&str) -> V) -> HashMap<String, V> {
    let values = ids.into_iter().map(|id| {
        let value = value(&id);
        (id, value)
    });
    values.collect()
}

/// No batch when there is nothing to ask for.
fn batches(ids: BTreeSet<String>) -> impl Iterator<Item = Vec<String>> {
    let mut ids = ids.into_iter();
    std::iter::from_fn(move || {
        let batch: Vec<String> = ids.by_ref().take(LARGEST_BATCH).collect();
        (!batch.is_empty()).then_some(batch)
    })
}

#[cfg(test)]
mod tests {
    use super::batches;

    #[test]
    fn ids_go_in_batches_of_a_thousand() {
        let lengths = |count: usize| -> Vec<usize> {
            let ids = (0..count).map(|number| number.to_string()).collect();
            batches(ids).map(|batch| batch.len()).collect()
        };
        assert_eq!(lengths(0), Vec::<usize>::new());
        assert_eq!(lengths(1_000), [1_000]);
        assert_eq!(lengths(2_001), [1_000, 1_000, 1]);
    }
}
