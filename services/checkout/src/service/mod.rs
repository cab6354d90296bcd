//! The use cases of a checkout.

mod close;
mod open;
mod saga;
mod sweep;

use bson::oid::ObjectId;

use crate::clients::Parties;
use crate::config::{Sweeping, Terms};
use crate::domain::Checkout;
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
}
