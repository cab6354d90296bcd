use bson::oid::ObjectId;
use bson::{DateTime, doc};
use mongodb::ClientSession;
use reen_chassis::Operation;
use reen_mongo::Transaction;

use super::Store;
use crate::domain::ANONYMOUS_NAME;
use crate::error::Error;

impl Store {
    /// Forgets who a user was and ends the sessions; what was earned and spent stays. A repeat finds
    /// nothing left to forget.
    pub(crate) async fn anonymise(&self, operation: &Operation, id: ObjectId) -> Result<(), Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .anonymise_once(transaction.session(), operation, id)
                .await;
            if transaction.settle(attempt).await?.is_some() {
                return Ok(());
            }
        }
    }

    async fn anonymise_once(
        &self,
        session: &mut ClientSession,
        operation: &Operation,
        id: ObjectId,
    ) -> Result<(), Error> {
        self.fence.pass(session, operation).await?;
        self.end_sessions_once(session, id).await?;
        self.forget_further_credentials(session, id).await?;
        self.forget_devices(session, id).await?;
        self.forget_letters(session, id).await?;
        self.forget_clerk_user_of(session, id).await?;
        let forgetting = doc! {
            "$set": {
                "name": ANONYMOUS_NAME,
                "role": "ANONYMOUS",
                "updatedAt": DateTime::now(),
            },
            "$unset": {"email": "", "emailKey": "", "emailVerified": "", "passwordHash": "", "clerkId": ""},
        };
        self.users
            .update_one(doc! {"_id": id}, forgetting)
            .session(session)
            .await?;
        Ok(())
    }
}
