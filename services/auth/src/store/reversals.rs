use bson::doc;
use mongodb::ClientSession;
use reen_chassis::Operation;
use reen_mongo::Transaction;

use super::Store;
use super::document::PostingDocument;
use crate::domain::Kind;
use crate::error::Error;

impl Store {
    /// Takes back the posting of `kind` that `posted` made; when it never was made, it never will be.
    pub(crate) async fn reverse(
        &self,
        operation: &Operation,
        posted: &str,
        kind: Kind,
    ) -> Result<(), Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .reverse_once(transaction.session(), operation, posted, kind)
                .await;
            if transaction.settle(attempt).await?.is_some() {
                return Ok(());
            }
        }
    }

    async fn reverse_once(
        &self,
        session: &mut ClientSession,
        operation: &Operation,
        posted: &str,
        kind: Kind,
    ) -> Result<(), Error> {
        self.fence.pass(session, operation).await?;
        let Some(original) = self.posting(session, posted).await? else {
            let never = PostingDocument::never(posted, &operation.saga, kind);
            return self.insert_posting(session, never).await;
        };
        if original.kind != kind {
            return Err(Error::OperationTaken);
        }
        if original.void || original.reversed {
            return Ok(());
        }
        let reversal = original.posting()?.reversal()?;
        let record = PostingDocument {
            reversal_of: Some(original.id.clone()),
            ..PostingDocument::of_saga(operation, &reversal)
        };
        self.insert_posting(session, record).await?;
        self.postings
            .update_one(
                doc! {"_id": &original.id},
                doc! {"$set": {"reversed": true}},
            )
            .session(&mut *session)
            .await?;
        self.carry_over(session, &reversal).await
    }
}
