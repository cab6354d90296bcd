use bson::DateTime;
use bson::oid::ObjectId;
use futures::StreamExt as _;

use super::Products;
use crate::domain::{Change, Draft, Fee, Payer, Product, added_value_fee, listing_fee};
use crate::error::Error;

/// How often a change is tried anew when somebody else, such as a buyer, was faster.
const ATTEMPTS: usize = 3;
/// How many changes of one request are made at the same time.
const AT_ONCE: usize = 8;

/// A change of one product.
#[derive(Clone, Debug)]
pub(crate) struct ProductChange {
    pub(crate) id: ObjectId,
    pub(crate) change: Change,
    /// The only version that may be changed.
    pub(crate) expected_version: Option<i64>,
}

impl Products {
    /// Lists a product for its fee; whether the user may sell is for auth to say, even if the fee is
    /// zero.
    pub(crate) async fn create(&self, seller_id: ObjectId, draft: Draft) -> Result<Product, Error> {
        let product = listed_now(seller_id, draft);
        let amount = listing_fee(product.value_cents())?;
        let fee = Fee::new(seller_id, product.id, amount, Payer::Seller);
        self.charge(&fee).await?;
        let listed = self.store.list(&product, &fee).await;
        self.keep_or_reverse(&fee, listed).await?;
        Ok(product)
    }

    /// Changes a product, for a fee when that makes it worth more.
    pub(crate) async fn update(
        &self,
        seller_id: ObjectId,
        wanted: &ProductChange,
    ) -> Result<Product, Error> {
        for _attempt in 0..ATTEMPTS {
            match self.update_once(seller_id, wanted).await {
                Err(Error::VersionMismatch) => {}
                settled => return settled,
            }
        }
        Err(Error::VersionMismatch)
    }

    async fn update_once(
        &self,
        seller_id: ObjectId,
        wanted: &ProductChange,
    ) -> Result<Product, Error> {
        let own = self.store.own(seller_id, wanted.id).await?;
        let before = own.ok_or(Error::NotFound)?;
        if wanted
            .expected_version
            .is_some_and(|expected| expected != before.version)
        {
            return Err(Error::PreconditionFailed);
        }
        let after = before.changed(wanted.change.clone());
        let amount = added_value_fee(&before, &after)?;
        if amount == 0 {
            return self.store.revise(&before, &after).await;
        }
        let fee = Fee::new(seller_id, wanted.id, amount, Payer::Owner);
        self.charge(&fee).await?;
        let revised = self.store.revise_paid(&before, &after, &fee).await;
        self.keep_or_reverse(&fee, revised).await
    }

    /// Changes several products, each for itself; the outcomes are in the order of the changes.
    pub(crate) async fn update_all(
        &self,
        seller_id: ObjectId,
        wanted: Vec<Result<ProductChange, Error>>,
    ) -> Vec<Result<Product, Error>> {
        futures::stream::iter(wanted)
            .map(|wanted| async move { self.update(seller_id, &wanted?).await })
            .buffered(AT_ONCE)
            .collect()
            .await
    }
}

fn listed_now(seller_id: ObjectId, draft: Draft) -> Product {
    let now = DateTime::now();
    Product {
        id: ObjectId::new(),
        name: draft.name.into_text(),
        description: draft.description.into_text(),
        price_cents: draft.price.cents(),
        quantity: draft.quantity.count(),
        image_urls: draft.image_urls.into_urls(),
        seller_id,
        listed: true,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}
