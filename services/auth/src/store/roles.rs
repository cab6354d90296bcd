use bson::oid::ObjectId;
use bson::{DateTime, doc};
use mongodb::ClientSession;
use reen_mongo::{Claim, Transaction};

use super::Store;
use super::document::PostingDocument;
use crate::domain::{Posting, Role, SELLER_UPGRADE_CENTS, User};
use crate::error::Error;

impl Store {
    /// Makes a buyer a seller, who pays for it in the same transaction.
    pub(crate) async fn become_seller(
        &self,
        id: ObjectId,
        claim: &Claim<User>,
    ) -> Result<User, Error> {
        let upgrade = Posting::seller_upgrade(id)?;
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .become_seller_once(transaction.session(), id, &upgrade, claim)
                .await;
            if let Some(user) = transaction.settle(attempt).await? {
                return Ok(user);
            }
        }
    }

    async fn become_seller_once(
        &self,
        session: &mut ClientSession,
        id: ObjectId,
        upgrade: &Posting,
        claim: &Claim<User>,
    ) -> Result<User, Error> {
        let user = self.present_user_in(session, id).await?;
        user.check_can_become(Role::Seller)?;
        user.check_can_pay(SELLER_UPGRADE_CENTS)?;
        self.set_role(session, id, Role::Seller).await?;
        let operation_id = format!("seller-upgrade-{}", ObjectId::new());
        let record = PostingDocument::new(&operation_id, upgrade);
        self.insert_posting(session, record).await?;
        self.carry_over(session, upgrade).await?;
        let user = self.present_user_in(session, id).await?;
        claim.keep(session, &user).await?;
        Ok(user)
    }

    /// Makes a seller a buyer; nothing is paid back.
    pub(crate) async fn become_buyer(
        &self,
        id: ObjectId,
        claim: &Claim<User>,
    ) -> Result<User, Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .become_buyer_once(transaction.session(), id, claim)
                .await;
            if let Some(user) = transaction.settle(attempt).await? {
                return Ok(user);
            }
        }
    }

    async fn become_buyer_once(
        &self,
        session: &mut ClientSession,
        id: ObjectId,
        claim: &Claim<User>,
    ) -> Result<User, Error> {
        let user = self.present_user_in(session, id).await?;
        user.check_can_become(Role::Buyer)?;
        self.set_role(session, id, Role::Buyer).await?;
        let user = self.present_user_in(session, id).await?;
        claim.keep(session, &user).await?;
        Ok(user)
    }

    /// Makes the user with this address an operator, or none; whoever is that already stays it.
    pub(crate) async fn set_operator(
        &self,
        email_key: &str,
        is_operator: bool,
    ) -> Result<User, Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .set_operator_once(transaction.session(), email_key, is_operator)
                .await;
            if let Some(user) = transaction.settle(attempt).await? {
                return Ok(user);
            }
        }
    }

    async fn set_operator_once(
        &self,
        session: &mut ClientSession,
        email_key: &str,
        is_operator: bool,
    ) -> Result<User, Error> {
        let user = self.present_user_by_email_in(session, email_key).await?;
        let role = user.role_as_operator(is_operator)?;
        if role == user.role {
            return Ok(user);
        }
        self.set_role(session, user.id, role).await?;
        self.present_user_in(session, user.id).await
    }

    async fn set_role(
        &self,
        session: &mut ClientSession,
        id: ObjectId,
        role: Role,
    ) -> Result<(), Error> {
        let role = bson::serialize_to_bson(&role).map_err(reen_mongo::Error::from)?;
        let change = doc! {"$set": {"role": role, "updatedAt": DateTime::now()}};
        self.users
            .update_one(doc! {"_id": id}, change)
            .session(session)
            .await?;
        Ok(())
    }
}
