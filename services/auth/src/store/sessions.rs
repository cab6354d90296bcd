//! Refresh tokens: each can be exchanged once, and one that is presented again ends its family.
//!
//! Whatever ends a family and whatever adds to it touch the same token, so one of two that happen at
//! the same time conflicts and sees what the other did: no token outlives its family.

use bson::oid::ObjectId;
use bson::{Binary, DateTime, doc};
use mongodb::ClientSession;
use reen_mongo::Transaction;

use super::Store;
use super::document::TokenDocument;
use crate::domain::TokenHash;
use crate::error::Error;

/// A refresh token as it is stored when it is issued.
pub(crate) struct IssuedToken {
    pub(crate) hash: TokenHash,
    pub(crate) created_at: DateTime,
    pub(crate) expires_at: DateTime,
}

/// What became of a token that was presented for exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presented {
    Exchanged {
        family_id: ObjectId,
        user_id: ObjectId,
    },
    /// It had been exchanged before, so somebody has a copy; the family is over.
    Again {
        family_id: ObjectId,
        user_id: ObjectId,
    },
    /// Never issued, expired, or its family is over.
    Unknown,
}

impl Store {
    /// Begins a family.
    pub(crate) async fn begin_session(
        &self,
        family_id: ObjectId,
        user_id: ObjectId,
        first: &IssuedToken,
    ) -> Result<(), Error> {
        let token = token(family_id, user_id, first);
        self.tokens.insert_one(token).await?;
        Ok(())
    }

    /// Exchanges a token for its successor, once.
    pub(crate) async fn exchange(
        &self,
        presented: &TokenHash,
        successor: &IssuedToken,
    ) -> Result<Presented, Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .exchange_once(transaction.session(), presented, successor)
                .await;
            if let Some(outcome) = transaction.settle(attempt).await? {
                return Ok(outcome);
            }
        }
    }

    async fn exchange_once(
        &self,
        session: &mut ClientSession,
        presented: &TokenHash,
        successor: &IssuedToken,
    ) -> Result<Presented, Error> {
        let now = DateTime::now();
        let id = Binary::from(presented);
        let unused = doc! {
            "_id": &id,
            "rotatedAt": {"$exists": false},
            "expiresAt": {"$gt": now},
        };
        let exchanged = self
            .tokens
            .find_one_and_update(unused, doc! {"$set": {"rotatedAt": now}})
            .session(&mut *session)
            .await?;
        let Some(TokenDocument {
            family_id, user_id, ..
        }) = exchanged
        else {
            return self.refuse_exchange(session, id).await;
        };
        self.tokens
            .insert_one(token(family_id, user_id, successor))
            .session(session)
            .await?;
        Ok(Presented::Exchanged { family_id, user_id })
    }

    async fn refuse_exchange(
        &self,
        session: &mut ClientSession,
        id: Binary,
    ) -> Result<Presented, Error> {
        let known = self
            .tokens
            .find_one(doc! {"_id": id})
            .session(&mut *session)
            .await?;
        match known {
            Some(TokenDocument {
                family_id,
                user_id,
                rotated_at: Some(_),
                ..
            }) => {
                self.end_family(session, family_id).await?;
                Ok(Presented::Again { family_id, user_id })
            }
            _ => Ok(Presented::Unknown),
        }
    }

    /// Ends the family of a token, if it has one.
    pub(crate) async fn end_session(&self, presented: &TokenHash) -> Result<(), Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .end_session_once(transaction.session(), presented)
                .await;
            if transaction.settle(attempt).await?.is_some() {
                return Ok(());
            }
        }
    }

    async fn end_session_once(
        &self,
        session: &mut ClientSession,
        presented: &TokenHash,
    ) -> Result<(), Error> {
        let this = doc! {"_id": Binary::from(presented)};
        let known = self.tokens.find_one(this).session(&mut *session).await?;
        match known {
            Some(token) => self.end_family(session, token.family_id).await,
            None => Ok(()),
        }
    }

    async fn end_family(
        &self,
        session: &mut ClientSession,
        family_id: ObjectId,
    ) -> Result<(), Error> {
        self.tokens
            .delete_many(doc! {"familyId": family_id})
            .session(session)
            .await?;
        Ok(())
    }

    /// Ends all families of a user.
    pub(crate) async fn end_sessions(&self, user_id: ObjectId) -> Result<(), Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self.end_sessions_once(transaction.session(), user_id).await;
            if transaction.settle(attempt).await?.is_some() {
                return Ok(());
            }
        }
    }

    pub(super) async fn end_sessions_once(
        &self,
        session: &mut ClientSession,
        user_id: ObjectId,
    ) -> Result<(), Error> {
        self.tokens
            .delete_many(doc! {"userId": user_id})
            .session(session)
            .await?;
        Ok(())
    }
}

fn token(family_id: ObjectId, user_id: ObjectId, issued: &IssuedToken) -> TokenDocument {
    TokenDocument {
        id: Binary::from(&issued.hash),
        family_id,
        user_id,
        rotated_at: None,
        created_at: issued.created_at,
        expires_at: issued.expires_at,
    }
}
