use reen_chassis::CallContext;

use super::Products;
use crate::domain::Fee;
use crate::error::Error;

impl Products {
    /// Charges a fee that is on record before, so that it is given back even after a crash.
    pub(super) async fn charge(&self, fee: &Fee) -> Result<(), Error> {
        self.store.owe(fee).await?;
        let charged = self.auth.charge(fee).await;
        self.keep_or_reverse(fee, charged).await
    }

    /// Gives the fee back when what it was for came to nothing.
    pub(super) async fn keep_or_reverse<T>(
        &self,
        fee: &Fee,
        outcome: Result<T, Error>,
    ) -> Result<T, Error> {
        let failure = outcome.as_ref().err();
        // Whoever has taken the request over goes on with the same fee.
        if failure.is_some_and(|failure| !failure.is_taken_over()) {
            // Whoever waits may have given up; what they paid is given back all the same.
            let patient = CallContext {
                deadline: None,
                ..CallContext::current()
            };
            if let Err(error) = patient.scope(self.reverse(&fee.id)).await {
                tracing::warn!(fee = fee.id, %error, "the fee is left to the sweeper");
            }
        }
        outcome
    }

    /// Gives a fee back unless what it was for is there.
    pub(super) async fn reverse(&self, fee_id: &str) -> Result<(), Error> {
        // First given up, then given back: else the listing could still come in between, unpaid.
        if self.store.give_up(fee_id).await? {
            self.auth.reverse(fee_id).await?;
            self.store.undone(fee_id).await?;
        }
        Ok(())
    }
}
