use bson::DateTime;
use bson::oid::ObjectId;

use super::Products;
use crate::domain::{Change, Draft, Fee, Payer, Product, added_value_fee, listing_fee};
use crate::error::Error;
use crate::store::Claim;

/// How often a change is tried anew when somebody else, such as a buyer, was faster.
const ATTEMPTS: usize = 3;

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
    ///
    /// The product and its fee have the id of the claim: whoever takes it over from a process that died
    /// does not charge again.
    pub(crate) async fn create(
        &self,
        seller_id: ObjectId,
        draft: Draft,
        claim: &Claim<Product>,
    ) -> Result<Product, Error> {
        let product = listed_now(claim.effect(), seller_id, draft);
        let amount = listing_fee(product.value_cents())?;
        let effect = product.id.to_hex();
        let fee = Fee::new(&effect, seller_id, product.id, amount, Payer::Seller);
        self.charge(&fee).await?;
        let listed = self.store.list(&product, &fee, claim).await;
        self.keep_or_reverse(&fee, listed).await?;
        self.note_listed(&[product.id]);
        Ok(product)
    }

    /// Changes a product, for a fee when that makes it worth more.
    pub(crate) async fn update(
        &self,
        seller_id: ObjectId,
        wanted: &ProductChange,
        claim: &Claim<Product>,
    ) -> Result<Product, Error> {
        for attempt in 0..ATTEMPTS {
            // A fee that was given back is not charged again: each attempt has its own.
            let effect = format!("{}-{}-{attempt}", claim.effect(), wanted.id);
            match self.update_once(seller_id, wanted, &effect, claim).await {
                Err(Error::VersionMismatch) => {}
                settled => {
                    if let Ok(product) = &settled {
                        self.note_listed(&[product.id]);
                    }
                    return settled;
                }
            }
        }
        Err(Error::VersionMismatch)
    }

    async fn update_once(
        &self,
        seller_id: ObjectId,
        wanted: &ProductChange,
        effect: &str,
        claim: &Claim<Product>,
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
            return self.store.revise(&before, &after, claim).await;
        }
        let fee = Fee::new(effect, seller_id, wanted.id, amount, Payer::Owner);
        self.charge(&fee).await?;
        let revised = self.store.revise_paid(&before, &after, &fee, claim).await;
        self.keep_or_reverse(&fee, revised).await
    }
}

fn listed_now(id: ObjectId, seller_id: ObjectId, draft: Draft) -> Product {
    let now = DateTime::now();
    Product {
        id,
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
