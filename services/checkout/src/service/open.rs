//! From a cart to an open checkout, or to stock that is given back.

use std::sync::Arc;

use bson::DateTime;
use bson::oid::ObjectId;
use reen_chassis::CallContext;
use reen_error::{Code, Coded as _, Handling};

use super::Checkouts;
use crate::clients::Hold;
use crate::domain::{Checkout, Draft, Line, PaymentPage, Refusal, later};
use crate::error::Error;
use crate::store::Claim;

impl Checkouts {
    /// Opens a checkout over the user's cart.
    ///
    /// It goes on when the caller hangs up, which would drop this future: what was begun is finished
    /// or undone.
    pub(crate) async fn open(
        self: &Arc<Self>,
        user_id: ObjectId,
        claim: Claim<Checkout>,
    ) -> Result<Checkout, Error> {
        let service = Arc::clone(self);
        let opening = async move { service.open_once(user_id, &claim).await };
        let opening = tokio::spawn(CallContext::current().scope(opening));
        opening.await.map_err(|_| Error::Interrupted)?
    }

    /// The checkout has the id of the claim, and so have its hold and Stripe's session: when a process
    /// dies over it, whoever takes the claim over meets what is there already.
    async fn open_once(
        &self,
        user_id: ObjectId,
        claim: &Claim<Checkout>,
    ) -> Result<Checkout, Error> {
        let (id, now) = (claim.effect(), DateTime::now());
        let draft = Draft::new(id, user_id, now, self.terms.open_for);
        let checkout = self.reserve(draft).await?;
        match self.store.insert(checkout).await {
            Ok(checkout) => self.open_page(checkout, claim).await,
            // Should it be there after all, the sweeper closes it.
            Err(failure) => {
                self.give_back(id).await;
                Err(failure)
            }
        }
    }

    /// Holds what is in the cart and prices it; when that is refused, nothing stays held.
    async fn reserve(&self, draft: Draft) -> Result<Checkout, Error> {
        let cart = self.parties.cart_items.list().await?;
        if cart.is_empty() {
            return Err(Refusal::EmptyCart.into());
        }
        let hold = Hold::of(draft.id);
        let held_until = later(draft.expires_at, self.terms.grace);
        let (lines, balance) = tokio::join!(
            self.parties.products.reserve(&hold, &cart, held_until),
            self.parties.auth.balance(draft.user_id),
        );
        let may_be_held = may_be_held(&lines);
        let priced = lines.and_then(|lines| Ok(Checkout::opening(&draft, lines, balance?)?));
        if priced.is_err() && may_be_held {
            self.give_back(hold.checkout_id).await;
        }
        match priced {
            // It was given back by the sweeper, after the process had died that held it.
            Err(Error::Peer(failure)) if failure.code == Code::StaleEpoch => Err(Error::NotOpened),
            priced => priced,
        }
    }

    async fn open_page(
        &self,
        checkout: Checkout,
        claim: &Claim<Checkout>,
    ) -> Result<Checkout, Error> {
        let id = checkout.id;
        let page = match self.parties.payments.open_session(&checkout).await {
            Ok(page) => page,
            Err(failure) => {
                self.abandon(id, None).await;
                return Err(failure);
            }
        };
        let show = |it: &mut Checkout| it.show_page(&page);
        match self.store.change_for(claim, checkout, show).await {
            Ok(open) => Ok(open),
            // Somebody else opens it, on the same page.
            Err(failure) if failure.is_taken_over() => Err(failure),
            Err(failure) => {
                self.abandon(id, Some(&page)).await;
                // It may have been noted all the same, with its answer.
                claim.retract().await;
                Err(failure)
            }
        }
    }

    /// Closes a checkout whose page nobody has seen. What fails here is left to the sweeper.
    async fn abandon(&self, id: ObjectId, page: Option<&PaymentPage>) {
        let closing = async {
            if let Some(page) = page {
                self.close_page(page).await?;
            }
            match self.store.change(id, Checkout::expire).await {
                Ok(checkout) => self.settle_hold(&checkout).await,
                // The stock is not made to wait for the database.
                Err(failure) => {
                    self.parties.products.release(&Hold::of(id)).await?;
                    Err(failure)
                }
            }
        };
        if let Err(failure) = unhurried(closing).await {
            tracing::warn!(checkout = %id, error = %failure, "left to the sweeper");
        }
    }

    /// Gives stock back for which there is no checkout; what fails here is left to the sweeper.
    async fn give_back(&self, id: ObjectId) {
        let hold = Hold::of(id);
        let releasing = self.parties.products.release(&hold);
        if let Err(failure) = unhurried(releasing).await {
            tracing::warn!(checkout = %id, error = %failure, "stock is left to the sweeper");
        }
    }
}

/// A refusal says that nothing is held; of anything else the outcome is not known.
fn may_be_held(reserved: &Result<Vec<Line>, Error>) -> bool {
    match reserved {
        Ok(_) => true,
        Err(failure) => failure.code().handling() == Handling::Retry,
    }
}

/// Cleans up in its own time: the caller's deadline may be over, which is why there is something to
/// clean up.
async fn unhurried<T>(work: impl Future<Output = T>) -> T {
    let context = CallContext {
        deadline: None,
        ..CallContext::current()
    };
    context.scope(work).await
}
