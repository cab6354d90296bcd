use bson::oid::ObjectId;
use reen_chassis::Operation;

use crate::domain::{Charge, Kind, Posting, Purchase, Share};
use crate::error::Error;
use crate::store::{Books, Content, Store};

/// Where money went, each movement once.
pub(crate) struct Ledger {
    store: Store,
    books: Books,
}

impl Ledger {
    pub(crate) fn new(store: Store) -> Self {
        let books = Books::start(store.clone());
        Self { store, books }
    }

    /// What a user has, in cents.
    pub(crate) async fn balance(&self, user_id: ObjectId) -> Result<i64, Error> {
        let user = self.store.present_user(user_id).await?;
        Ok(user.ok_or(Error::Closed)?.balance_cents)
    }

    /// Charges a fee; answers what is left, in cents.
    pub(crate) async fn charge_fee(
        &self,
        operation: &Operation,
        charge: &Charge,
    ) -> Result<i64, Error> {
        let fee = Posting::listing_fee(charge)?;
        self.store.charge(operation, charge, &fee).await
    }

    pub(crate) async fn reverse_fee(
        &self,
        operation: &Operation,
        fee_operation_id: &str,
    ) -> Result<(), Error> {
        self.store
            .reverse(operation, fee_operation_id, Kind::ListingFee)
            .await
    }

    pub(crate) async fn post_sale(
        &self,
        operation: Operation,
        buyer_id: ObjectId,
        total_cents: i64,
        shares: &[Share],
    ) -> Result<(), Error> {
        let sale = Posting::sale(buyer_id, total_cents, shares)?;
        self.books.write(operation, Content::Transfer(sale)).await
    }

    /// Gives money back after a sale, for good.
    pub(crate) async fn post_refund(
        &self,
        operation: Operation,
        buyer_id: ObjectId,
        total_cents: i64,
        shares: &[Share],
    ) -> Result<(), Error> {
        let refund = Posting::refund(buyer_id, total_cents, shares)?;
        self.books.write(operation, Content::Transfer(refund)).await
    }

    pub(crate) async fn reverse_sale(
        &self,
        operation: &Operation,
        sale_operation_id: &str,
    ) -> Result<(), Error> {
        self.store
            .reverse(operation, sale_operation_id, Kind::Sale)
            .await
    }

    pub(crate) async fn record_purchase(
        &self,
        operation: Operation,
        purchase: Purchase,
    ) -> Result<(), Error> {
        self.books
            .write(operation, Content::Purchase(purchase))
            .await
    }

    pub(crate) async fn forget_purchase(
        &self,
        operation: &Operation,
        purchase_operation_id: &str,
    ) -> Result<(), Error> {
        self.store
            .forget_purchase(operation, purchase_operation_id)
            .await
    }
}
