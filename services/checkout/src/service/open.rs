//! From a cart to an open checkout, or to stock that is given back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bson::DateTime;
use bson::oid::ObjectId;
use reen_chassis::CallContext;
use reen_error::{Coded as _, Handling};

use super::Checkouts;
use crate::clients::Hold;
use crate::domain::{Checkout, Draft, Line, PaymentPage, Refusal, State, later};
use crate::error::Error;
use crate::store::Inserted;

/// How long a call waits for another one that opens the same checkout.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
const BETWEEN_LOOKS: Duration = Duration::from_millis(25);
/// What is left of the caller's deadline to say that it was in vain.
const RESERVE: Duration = Duration::from_millis(300);

impl Checkouts {
    /// Opens a checkout over the user's cart. The same user and key open one.
    ///
    /// It goes on when the caller hangs up, which would drop this future: what was begun is finished
    /// or undone.
    pub(crate) async fn open(
        self: &Arc<Self>,
        user_id: ObjectId,
        idempotency_key: Option<String>,
    ) -> Result<Checkout, Error> {
        let service = Arc::clone(self);
        let opening = async move { service.open_once(user_id, idempotency_key).await };
        let opening = tokio::spawn(CallContext::current().scope(opening));
        opening.await.map_err(|_| Error::Interrupted)?
    }

    async fn open_once(
        &self,
        user_id: ObjectId,
        idempotency_key: Option<String>,
    ) -> Result<Checkout, Error> {
        let Some(key) = idempotency_key.clone() else {
            return self.open_new(user_id, None).await;
        };
        let patience = CallContext::current().remaining(LONGEST_WAIT);
        let turn = tokio::time::timeout(patience, self.store.turn_of(user_id, &key)).await;
        let _turn = turn.map_err(|_| Error::NotOpened)?;
        match self.store.find_by_key(user_id, &key).await? {
            Some(earlier) => self.once_opened(earlier).await,
            None => self.open_new(user_id, idempotency_key).await,
        }
    }

    async fn open_new(
        &self,
        user_id: ObjectId,
        idempotency_key: Option<String>,
    ) -> Result<Checkout, Error> {
        let now = DateTime::now();
        let draft = Draft::new(user_id, idempotency_key, now, self.terms.open_for);
        let checkout = self.reserve(draft).await?;
        match self.store.insert(&checkout).await {
            Ok(Inserted::New) => self.open_page(checkout).await,
            Ok(Inserted::KeyTaken) => {
                self.give_back(checkout.id).await;
                self.answer_of_the_first(&checkout).await
            }
            // Should it be there after all, the sweeper closes it.
            Err(failure) => {
                self.give_back(checkout.id).await;
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
        let priced = lines.and_then(|lines| Ok(Checkout::opening(draft, lines, balance?)?));
        if priced.is_err() && may_be_held {
            self.give_back(hold.checkout_id).await;
        }
        priced
    }

    async fn open_page(&self, checkout: Checkout) -> Result<Checkout, Error> {
        let page = match self.parties.payments.open_session(&checkout).await {
            Ok(page) => page,
            Err(failure) => {
                self.abandon(checkout.id, None).await;
                return Err(failure);
            }
        };
        let shown = self.store.change(checkout.id, |it| it.show_page(&page));
        match shown.await {
            Ok(open) => Ok(open),
            Err(failure) => {
                self.abandon(checkout.id, Some(&page)).await;
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

    async fn answer_of_the_first(&self, second: &Checkout) -> Result<Checkout, Error> {
        let key = second.idempotency_key.as_deref().unwrap_or_default();
        match self.store.find_by_key(second.user_id, key).await? {
            Some(first) => self.once_opened(first).await,
            None => Err(Error::NotOpened),
        }
    }

    /// Answers a checkout that another call opened, or opens right now. When that call crashed, the
    /// sweeper closes it and the key is free again.
    async fn once_opened(&self, mut checkout: Checkout) -> Result<Checkout, Error> {
        let time = CallContext::current().remaining(LONGEST_WAIT);
        let give_up = Instant::now() + time.saturating_sub(RESERVE);
        while checkout.state == State::Opening && Instant::now() < give_up {
            tokio::time::sleep(BETWEEN_LOOKS).await;
            let found = self.store.find(checkout.id).await?;
            checkout = found.ok_or(Error::NotFound)?;
        }
        match checkout.state {
            State::Open => Ok(checkout),
            // The call that opened it gave up, or is still at it.
            _ if checkout.idempotency_key.is_none() => Err(Error::NotOpened),
            State::Opening => Err(Error::NotOpened),
            _ => Err(Refusal::KeySpent.into()),
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
