//! The use cases of the catalogue and its stock.

mod fees;
mod listing;
mod removal;
mod repair;
mod sweeper;

use bson::DateTime;
use bson::oid::ObjectId;
use reen_chassis::Operation;

use crate::clients::{Auth, CartItems};
use crate::domain::{HeldLine, HoldId, Product, Reservation, Search, commit, give_back, release};
use crate::error::Error;
use crate::store::{Stockroom, Store};

pub(crate) use listing::ProductChange;
pub(crate) use sweeper::Sweeper;

pub(crate) struct Products {
    store: Store,
    stockroom: Stockroom,
    auth: Auth,
    cart_items: CartItems,
}

impl Products {
    pub(crate) fn new(store: Store, auth: Auth, cart_items: CartItems) -> Self {
        Self {
            stockroom: Stockroom::start(store.clone()),
            store,
            auth,
            cart_items,
        }
    }

    pub(crate) async fn get(&self, id: ObjectId) -> Result<Product, Error> {
        self.store.listed(id).await?.ok_or(Error::NotFound)
    }

    pub(crate) async fn find(&self, ids: &[ObjectId]) -> Result<Vec<Product>, Error> {
        self.store.find(ids).await
    }

    /// One page, and how many products there are on all of them.
    pub(crate) async fn search(&self, search: &Search) -> Result<(Vec<Product>, u64), Error> {
        self.store.search(search).await
    }

    pub(crate) async fn reserve(
        &self,
        operation: Operation,
        reservation: Reservation,
    ) -> Result<Vec<HeldLine>, Error> {
        self.stockroom.reserve(operation, reservation).await
    }

    pub(crate) async fn commit(&self, operation: Operation, hold_id: HoldId) -> Result<(), Error> {
        self.stockroom.settle(operation, hold_id, commit).await
    }

    pub(crate) async fn release(&self, operation: Operation, hold_id: HoldId) -> Result<(), Error> {
        self.stockroom.settle(operation, hold_id, release).await
    }

    pub(crate) async fn give_back(
        &self,
        operation: Operation,
        hold_id: HoldId,
    ) -> Result<(), Error> {
        self.stockroom.settle(operation, hold_id, give_back).await
    }

    pub(crate) async fn stale_holds(&self, limit: i64) -> Result<Vec<String>, Error> {
        self.store.stale_holds(DateTime::now(), limit).await
    }
}
