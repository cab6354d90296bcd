//! How a checkout ends without an order: first the page, then the checkout, then the stock.

use bson::oid::ObjectId;

use super::Checkouts;
use crate::clients::{Hold, SessionState};
use crate::domain::{Checkout, PaymentPage, Refusal, State};
use crate::error::Error;
use crate::store::Claim;

impl Checkouts {
    pub(crate) async fn cancel(
        &self,
        user_id: ObjectId,
        id: ObjectId,
        claim: &Claim<Checkout>,
    ) -> Result<Checkout, Error> {
        let checkout = self.get(user_id, id).await?;
        let canceled = match (checkout.state, &checkout.page) {
            (State::Canceled, _) => checkout,
            (State::Open, Some(page)) => {
                self.close_page(page).await?;
                self.store
                    .change_for(claim, checkout, Checkout::cancel)
                    .await?
            }
            _ => return Err(Refusal::Closed.into()),
        };
        if let Err(failure) = self.settle_hold(&canceled).await {
            // It is canceled all the same, and what is owed is noted.
            tracing::warn!(checkout = %id, error = %failure, "stock is left to the sweeper");
        }
        Ok(canceled)
    }

    /// Sees to it that the page cannot be paid on any more.
    pub(super) async fn close_page(&self, page: &PaymentPage) -> Result<(), Error> {
        match self
            .parties
            .payments
            .expire_session(&page.session_id)
            .await?
        {
            SessionState::Expired => Ok(()),
            SessionState::Paid | SessionState::Processing => Err(Refusal::Closed.into()),
            SessionState::Open | SessionState::Missing => Err(Error::PaymentRefused),
        }
    }

    /// Gives the stock back when that is owed.
    pub(super) async fn settle_hold(&self, checkout: &Checkout) -> Result<(), Error> {
        if !checkout.owes_release() {
            return Ok(());
        }
        let hold = Hold::of(checkout.id);
        self.parties.products.release(&hold).await?;
        self.store.settle_hold(checkout.id).await
    }
}
