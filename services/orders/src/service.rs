//! The use cases of orders.

use bson::oid::ObjectId;
use reen_chassis::Operation;

use crate::domain::{
    CheckoutId, Listed, NewOrder, Order, OutsideRefund, Page, Refund, Sale, Status, Step, Wish,
};
use crate::error::Error;
use crate::store::{Claim, Creations, ProductCount, Store};

pub(crate) struct Orders {
    store: Store,
    creations: Creations,
}

impl Orders {
    pub(crate) fn new(store: Store) -> Self {
        let creations = Creations::start(store.clone());
        Self { store, creations }
    }

    /// One page of what the user bought.
    pub(crate) async fn list(&self, user_id: ObjectId, page: Page) -> Result<Listed<Order>, Error> {
        self.store.bought_by(user_id, page).await
    }

    pub(crate) async fn get(&self, user_id: ObjectId, id: ObjectId) -> Result<Order, Error> {
        self.store
            .find_bought(user_id, id)
            .await?
            .ok_or(Error::NotFound)
    }

    /// What the user sold to others in one page of orders.
    pub(crate) async fn sales(
        &self,
        seller_id: ObjectId,
        page: Page,
    ) -> Result<Listed<Sale>, Error> {
        let orders = self.store.sold_by(seller_id, page).await?;
        let sales = orders.items.into_iter();
        let sales = sales.flat_map(|order| order.sales_of(seller_id));
        Ok(Listed {
            items: sales.collect(),
            total: orders.total,
            next: orders.next,
        })
    }

    /// Decides on the status that was read and writes only if it still is the same: of two sellers
    /// who race, one decides anew. A status only grows, so this ends after as many turns as there are.
    pub(crate) async fn change_status(
        &self,
        seller_id: ObjectId,
        id: ObjectId,
        wanted: Status,
        claim: &Claim<Order>,
    ) -> Result<Order, Error> {
        loop {
            let order = self
                .store
                .find_sold(seller_id, id)
                .await?
                .ok_or(Error::NotFound)?;
            match order.status.step_to(wanted)? {
                Step::Done => return Ok(order),
                Step::Advance => match self.store.advance(seller_id, &order, wanted, claim).await {
                    Err(Error::Overtaken) => {}
                    settled => return settled,
                },
            }
        }
    }

    pub(crate) async fn count(&self, product_ids: &[ObjectId]) -> Result<Vec<ProductCount>, Error> {
        self.store.count(product_ids).await
    }

    pub(crate) async fn create(
        &self,
        operation: Operation,
        order: NewOrder,
    ) -> Result<Order, Error> {
        self.creations.create(operation, order).await
    }

    pub(crate) async fn withdraw(
        &self,
        operation: &Operation,
        checkout_id: &CheckoutId,
    ) -> Result<(), Error> {
        self.store.withdraw(operation, checkout_id).await
    }

    /// Asks for money back to the buyer. Whoever is not a seller of the order has none.
    pub(crate) async fn request_refund(
        &self,
        order_id: ObjectId,
        wish: &Wish,
        claim: &Claim<Refund>,
    ) -> Result<Refund, Error> {
        self.store.request_refund(order_id, wish, claim).await
    }

    pub(crate) async fn settle_refund(
        &self,
        operation: &Operation,
        order_id: ObjectId,
        refund_id: &str,
        stripe_refund_id: &str,
    ) -> Result<Order, Error> {
        self.store
            .settle_refund(operation, order_id, refund_id, stripe_refund_id)
            .await
    }

    pub(crate) async fn reject_refund(
        &self,
        operation: &Operation,
        order_id: ObjectId,
        refund_id: &str,
        why: &str,
    ) -> Result<(), Error> {
        self.store
            .reject_refund(operation, order_id, refund_id, why)
            .await
    }

    pub(crate) async fn record_outside_refund(
        &self,
        operation: &Operation,
        checkout_id: &CheckoutId,
        outside: &OutsideRefund,
    ) -> Result<(Order, Refund), Error> {
        self.store
            .record_outside_refund(operation, checkout_id, outside)
            .await
    }
}
