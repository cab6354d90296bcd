//! The use cases of the catalogue and its stock.

mod fees;
mod listing;
mod removal;
mod repair;
mod standing;
mod sweeper;

use std::sync::Arc;

use bson::DateTime;
use bson::oid::ObjectId;
use reen_chassis::Operation;

use crate::clients::{Auth, CartItems};
use crate::domain::{
    HeldLine, HoldId, Listed, Product, Reservation, Search, commit, give_back, release,
};
use crate::error::Error;
use crate::events::Changes;
use crate::store::{Rule, Stockroom, Store};

pub(crate) use listing::ProductChange;
pub(crate) use sweeper::Sweeper;

pub(crate) struct Products {
    store: Store,
    stockroom: Stockroom,
    auth: Auth,
    cart_items: CartItems,
    changes: Arc<Changes>,
}

impl Products {
    pub(crate) fn new(
        store: Store,
        auth: Auth,
        cart_items: CartItems,
        changes: Arc<Changes>,
    ) -> Self {
        Self {
            stockroom: Stockroom::start(store.clone()),
            store,
            auth,
            cart_items,
            changes,
        }
    }

    pub(crate) async fn get(&self, id: ObjectId) -> Result<Product, Error> {
        self.store.listed(id).await?.ok_or(Error::NotFound)
    }

    pub(crate) async fn find(&self, ids: &[ObjectId]) -> Result<Vec<Product>, Error> {
        self.store.find(ids).await
    }

    /// One page of what is searched for.
    pub(crate) async fn search(&self, search: &Search) -> Result<Listed, Error> {
        self.store.search(search).await
    }

    pub(crate) async fn reserve(
        &self,
        operation: Operation,
        reservation: Reservation,
    ) -> Result<Vec<HeldLine>, Error> {
        let lines = self.stockroom.reserve(operation, reservation).await?;
        self.note_moved(&lines);
        Ok(lines)
    }

    pub(crate) async fn commit(&self, operation: Operation, hold_id: HoldId) -> Result<(), Error> {
        self.settle(operation, hold_id, commit).await
    }

    pub(crate) async fn release(&self, operation: Operation, hold_id: HoldId) -> Result<(), Error> {
        self.settle(operation, hold_id, release).await
    }

    pub(crate) async fn give_back(
        &self,
        operation: Operation,
        hold_id: HoldId,
    ) -> Result<(), Error> {
        self.settle(operation, hold_id, give_back).await
    }

    async fn settle(&self, operation: Operation, hold_id: HoldId, rule: Rule) -> Result<(), Error> {
        let lines = self.stockroom.settle(operation, hold_id, rule).await?;
        self.note_moved(&lines);
        Ok(())
    }

    /// These are in the catalogue now, or in another place of it, or no more.
    fn note_listed(&self, ids: &[ObjectId]) {
        self.store.forget_totals();
        self.changes.note(ids.iter().copied());
    }

    fn note_moved(&self, lines: &[HeldLine]) {
        self.changes.note(lines.iter().map(|line| line.product_id));
    }

    pub(crate) async fn stale_holds(&self, limit: i64) -> Result<Vec<String>, Error> {
        self.store.stale_holds(DateTime::now(), limit).await
    }
}
