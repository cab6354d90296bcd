use mongodb::ClientSession;
use reen_chassis::Operation;
use reen_mongo::Transaction;

use super::Store;
use super::document::PostingDocument;
use crate::domain::Posting;
use crate::error::Error;

impl Store {
    /// Posts a sale or a refund. The money has moved already, so no balance is asked for. A repeat
    /// changes nothing.
    pub(crate) async fn post_transfer(
        &self,
        operation: &Operation,
        transfer: &Posting,
    ) -> Result<(), Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .post_transfer_once(transaction.session(), operation, transfer)
                .await;
            if transaction.settle(attempt).await?.is_some() {
                return Ok(());
            }
        }
    }

    async fn post_transfer_once(
        &self,
        session: &mut ClientSession,
        operation: &Operation,
        transfer: &Posting,
    ) -> Result<(), Error> {
        self.fence.pass(session, operation).await?;
        let before = self.posted_before(session, &operation.id, transfer).await?;
        if before.is_some() {
            return Ok(());
        }
        let record = PostingDocument::of_saga(operation, transfer);
        self.insert_posting(session, record).await?;
        self.carry_over(session, transfer).await
    }
}
