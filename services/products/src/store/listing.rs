use bson::{DateTime, doc};
use mongodb::ClientSession;
use mongodb::options::ReturnDocument;
use reen_mongo::{Claim, Transaction};

use super::Store;
use super::document::ProductDocument;
use crate::domain::{Fee, Product, fold};
use crate::error::Error;

impl Store {
    /// Puts a product into the catalogue and settles its fee, both or neither.
    pub(crate) async fn list(
        &self,
        product: &Product,
        fee: &Fee,
        claim: &Claim<Product>,
    ) -> Result<(), Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .list_once(transaction.session(), product, fee, claim)
                .await;
            if transaction.settle(attempt).await?.is_some() {
                return Ok(());
            }
        }
    }

    async fn list_once(
        &self,
        session: &mut ClientSession,
        product: &Product,
        fee: &Fee,
        claim: &Claim<Product>,
    ) -> Result<(), Error> {
        self.settle(session, fee).await?;
        self.products
            .insert_one(ProductDocument::fresh(product))
            .session(&mut *session)
            .await?;
        Ok(claim.keep(session, product).await?)
    }

    /// Changes a product that is still as in `before`, and settles the fee, both or neither.
    ///
    /// Refused with [`Error::VersionMismatch`] when it is not.
    pub(crate) async fn revise_paid(
        &self,
        before: &Product,
        after: &Product,
        fee: &Fee,
        claim: &Claim<Product>,
    ) -> Result<Product, Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .revise_paid_once(transaction.session(), before, after, fee, claim)
                .await;
            if let Some(revised) = transaction.settle(attempt).await? {
                return Ok(revised);
            }
        }
    }

    async fn revise_paid_once(
        &self,
        session: &mut ClientSession,
        before: &Product,
        after: &Product,
        fee: &Fee,
        claim: &Claim<Product>,
    ) -> Result<Product, Error> {
        self.settle(session, fee).await?;
        let revising = self.compare_and_set(Some(&mut *session), before, after);
        let revised = revising.await?;
        claim.keep(session, &revised).await?;
        Ok(revised)
    }

    /// Changes a product that is still as in `before`, where there is nothing to pay.
    ///
    /// Refused with [`Error::VersionMismatch`] when it is not.
    pub(crate) async fn revise(
        &self,
        before: &Product,
        after: &Product,
        claim: &Claim<Product>,
    ) -> Result<Product, Error> {
        let mut write = claim.begin(&self.database).await?;
        loop {
            let attempt = self.compare_and_set(write.session(), before, after).await;
            if let Some(revised) = write.settle(attempt).await? {
                return Ok(revised);
            }
        }
    }

    async fn compare_and_set(
        &self,
        session: Option<&mut ClientSession>,
        before: &Product,
        after: &Product,
    ) -> Result<Product, Error> {
        let unchanged = doc! {"_id": before.id, "version": before.version, "listed": true};
        let change = doc! {
            "$set": {
                "name": &after.name,
                "nameFolded": fold(&after.name),
                "description": &after.description,
                "priceCents": after.price_cents,
                "quantity": after.quantity,
                "imageUrls": after.image_urls.clone(),
                "updatedAt": DateTime::now(),
            },
            "$inc": {"stocked": after.quantity - before.quantity, "version": 1_i64},
        };
        let mut change = self
            .products
            .find_one_and_update(unchanged, change)
            .return_document(ReturnDocument::After);
        if let Some(session) = session {
            change = change.session(session);
        }
        change
            .await?
            .map(Product::from)
            .ok_or(Error::VersionMismatch)
    }
}
