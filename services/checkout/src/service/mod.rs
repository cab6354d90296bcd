//! The use cases of a checkout.

mod close;
mod open;
mod saga;
mod standing;
mod sweep;

use bson::oid::ObjectId;

use crate::clients::Parties;
use crate::config::{Sweeping, Terms};
use crate::domain::{Checkout, Unsettled, Window};
use crate::error::Error;
use crate::store::Store;

pub(crate) struct Checkouts {
    store: Store,
    parties: Parties,
    terms: Terms,
    sweeping: Sweeping,
}

impl Checkouts {
    pub(crate) fn new(store: Store, parties: Parties, terms: Terms, sweeping: Sweeping) -> Self {
        Self {
            store,
            parties,
            terms,
            sweeping,
        }
    }

    pub(crate) async fn get(&self, user_id: ObjectId, id: ObjectId) -> Result<Checkout, Error> {
        let own = self.store.find_own(user_id, id).await?;
        own.ok_or(Error::NotFound)
    }

    /// Anybody's checkout, for sagas.
    pub(crate) async fn find(&self, id: ObjectId) -> Result<Checkout, Error> {
        self.store.find(id).await?.ok_or(Error::NotFound)
    }

    /// What should have ended by now, for the reconciler of events-handler.
    pub(crate) async fn unsettled(&self, window: Window) -> Result<Vec<Unsettled>, Error> {
        self.store.unsettled(window).await
    }
}
