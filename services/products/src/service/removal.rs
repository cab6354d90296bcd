use bson::oid::ObjectId;
use reen_chassis::Operation;

use super::Products;
use crate::domain::ANONYMOUS_OWNER;
use crate::error::Error;

impl Products {
    /// Removes those of the products that belong to the seller, and answers which these were.
    pub(crate) async fn remove(
        &self,
        seller_id: ObjectId,
        ids: &[ObjectId],
    ) -> Result<Vec<ObjectId>, Error> {
        let hidden = self.store.hide(seller_id, ids).await?;
        self.note_listed(&hidden);
        self.retire(&hidden).await?;
        Ok(hidden)
    }

    /// Removes every product of a seller who leaves. What an earlier call hid and did not finish is
    /// still the seller's, and is found again.
    pub(crate) async fn withdraw(
        &self,
        operation: &Operation,
        seller_id: ObjectId,
    ) -> Result<(), Error> {
        // What was handed over has nowhere else to go.
        if seller_id == ANONYMOUS_OWNER {
            return Ok(());
        }
        loop {
            let hidden = self.store.hide_some(operation, seller_id).await?;
            if hidden.is_empty() {
                return Ok(());
            }
            self.note_listed(&hidden);
            self.retire(&hidden).await?;
        }
    }

    /// Ends what hiding began. Carts first: a product that is gone could not be found in them again.
    pub(super) async fn retire(&self, hidden: &[ObjectId]) -> Result<(), Error> {
        if hidden.is_empty() {
            return Ok(());
        }
        self.cart_items.remove_products(hidden).await?;
        self.store.finish_removal(hidden).await
    }
}
