use mongodb::ClientSession;
use reen_chassis::Operation;
use reen_mongo::Transaction;

use super::Store;
use super::document::PostingDocument;
use crate::domain::{Charge, Posting};
use crate::error::Error;

impl Store {
    /// Charges a fee and answers the balance that is left. A repeat is answered as the first was.
    pub(crate) async fn charge(
        &self,
        operation: &Operation,
        charge: &Charge,
        fee: &Posting,
    ) -> Result<i64, Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .charge_once(transaction.session(), operation, charge, fee)
                .await;
            if let Some(balance_cents) = transaction.settle(attempt).await? {
                return Ok(balance_cents);
            }
        }
    }

    async fn charge_once(
        &self,
        session: &mut ClientSession,
        operation: &Operation,
        charge: &Charge,
        fee: &Posting,
    ) -> Result<i64, Error> {
        self.fence.pass(session, operation).await?;
        let before = self.posted_before(session, &operation.id, fee).await?;
        if let Some(answered) = before.and_then(|fee| fee.balance_after_cents) {
            return Ok(answered);
        }
        let user = self.present_user_in(session, charge.user_id).await?;
        user.check_role(charge.required_role)?;
        // Nothing to pay is nothing to post, and needs no balance.
        if fee.is_empty() {
            return Ok(user.balance_cents);
        }
        user.check_can_pay(charge.amount_cents)?;
        // The balance that was read is the one that is changed, or else the transaction fails.
        let balance_cents = user.balance_cents - charge.amount_cents;
        let record = PostingDocument {
            balance_after_cents: Some(balance_cents),
            ..PostingDocument::of_saga(operation, fee)
        };
        self.insert_posting(session, record).await?;
        self.carry_over(session, fee).await?;
        Ok(balance_cents)
    }
}
