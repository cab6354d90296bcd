//! What is shown together but kept by several services. Each join is a fixed number of calls however
//! many items there are, and fails as a whole: a name or a count that is not known is never made up.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use futures::future::try_join_all;
use reen_proto::auth::v1::FindUsersRequest;
use reen_proto::orders::v1::CountOrdersRequest;
use reen_proto::products::v1::{FindProductsRequest, Product};

use crate::error::Error;
use crate::peers::Peers;
use crate::views::products::ProductView;

/// The most ids that one call takes.
const LARGEST_BATCH: usize = 1_000;

/// What is shown beside a product: the name of its seller, the number of its orders.
pub(crate) struct Beside {
    names: HashMap<String, String>,
    counts: HashMap<String, i64>,
}

impl Beside {
    /// Asks auth and orders at the same time.
    pub(crate) async fn of(
        peers: &Peers,
        sellers: BTreeSet<String>,
        products: BTreeSet<String>,
    ) -> Result<Self, Error> {
        let (names, counts) =
            futures::try_join!(find_names(peers, sellers), count_orders(peers, products))?;
        Ok(Self { names, counts })
    }

    /// The product as it is shown.
    pub(crate) fn show(&self, product: Product) -> ProductView {
        let seller = self.names.get(&product.seller_id).cloned();
        let orders = self.counts.get(&product.id).copied().unwrap_or_default();
        ProductView::new(product, seller, orders)
    }
}

/// Products as they are shown, in two concurrent calls.
pub(crate) async fn show_products(
    peers: &Peers,
    products: Vec<Product>,
) -> Result<Vec<ProductView>, Error> {
    let sellers = products.iter().map(|each| each.seller_id.clone()).collect();
    let ids = products.iter().map(|each| each.id.clone()).collect();
    let beside = Beside::of(peers, sellers, ids).await?;
    Ok(products
        .into_iter()
        .map(|product| beside.show(product))
        .collect())
}

/// One product as it is shown.
pub(crate) async fn show_product(peers: &Peers, product: Product) -> Result<ProductView, Error> {
    let sellers = BTreeSet::from([product.seller_id.clone()]);
    let ids = BTreeSet::from([product.id.clone()]);
    Ok(Beside::of(peers, sellers, ids).await?.show(product))
}

/// Products as they are shown, by id; those that are gone are left out.
pub(crate) async fn find_products(
    peers: &Peers,
    ids: BTreeSet<String>,
) -> Result<HashMap<String, Arc<ProductView>>, Error> {
    let finding = batches(ids).map(|ids| async move {
        let request = FindProductsRequest { ids };
        let answer = peers.products().find_products(request).await?;
        Ok::<_, Error>(answer.into_inner().products)
    });
    let products = try_join_all(finding).await?.into_iter().flatten().collect();
    let shown = show_products(peers, products).await?;
    Ok(shown
        .into_iter()
        .map(|product| (product.id.clone(), Arc::new(product)))
        .collect())
}

async fn find_names(
    peers: &Peers,
    ids: BTreeSet<String>,
) -> Result<HashMap<String, String>, Error> {
    let finding = batches(ids).map(|ids| async move {
        let answer = peers.auth().find_users(FindUsersRequest { ids }).await?;
        Ok::<_, Error>(answer.into_inner().users)
    });
    let users = try_join_all(finding).await?.into_iter().flatten();
    Ok(users.map(|user| (user.id, user.name)).collect())
}

async fn count_orders(
    peers: &Peers,
    product_ids: BTreeSet<String>,
) -> Result<HashMap<String, i64>, Error> {
    let counting = batches(product_ids).map(|product_ids| async move {
        let request = CountOrdersRequest { product_ids };
        let answer = peers.orders().count_orders(request).await?;
        Ok::<_, Error>(answer.into_inner().counts)
    });
    let counts = try_join_all(counting).await?.into_iter().flatten();
    Ok(counts
        .map(|count| (count.product_id, count.orders))
        .collect())
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
