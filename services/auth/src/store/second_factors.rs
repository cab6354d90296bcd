//! Second factors: each half minute's code and each recovery code is accepted once, whichever of several
//! requests brings it first.

use bson::oid::ObjectId;
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, DateTime, Document, doc};
use mongodb::ClientSession;
use mongodb::options::ReturnDocument;
use reen_mongo::Transaction;

use super::Store;
use super::document::SecondFactorDocument;
use crate::domain::{GUESSES_COUNT_FOR, Step, TokenHash};
use crate::error::Error;

/// What a code of the app is checked against.
pub(crate) struct Guess {
    pub(crate) sealed_secret: Vec<u8>,
    pub(crate) is_confirmed: bool,
    /// This one included, how many were looked at since the last one that was right.
    pub(crate) guesses: i32,
    /// When they are forgotten.
    pub(crate) end_at: DateTime,
}

impl Store {
    /// Stores the secret of an app that is to be confirmed, in the place of one that was not.
    pub(crate) async fn begin_second_factor(
        &self,
        user_id: ObjectId,
        sealed_secret: Vec<u8>,
    ) -> Result<(), Error> {
        let now = DateTime::now();
        let factor = SecondFactorDocument {
            user_id,
            sealed_secret: binary(sealed_secret),
            confirmed: false,
            last_step: 0,
            recovery_codes: Vec::new(),
            guesses: 0,
            guesses_end_at: now,
            created_at: now,
        };
        let unconfirmed = doc! {"_id": user_id, "confirmed": false};
        let replaced = self
            .second_factors
            .replace_one(unconfirmed, factor)
            .upsert(true)
            .await;
        match replaced.map_err(reen_mongo::Error::from) {
            Ok(_) => Ok(()),
            // The one that is there is confirmed.
            Err(error) if error.is_duplicate_key() => Err(Error::SecondFactorOn),
            Err(error) => Err(error.into()),
        }
    }

    /// Counts a code of the app before it is looked at, so that many at the same time count as many; `None`
    /// when the user has no secret.
    pub(crate) async fn take_guess(&self, user_id: ObjectId) -> Result<Option<Guess>, Error> {
        let now = DateTime::now();
        let fresh_end = now.saturating_add_duration(GUESSES_COUNT_FOR);
        let counts_still = doc! {"$gt": ["$guessesEndAt", now]};
        let either = |still: Bson, anew: Bson| doc! {"$cond": [&counts_still, still, anew]};
        let one_more = doc! {"$add": ["$guesses", 1]};
        let counted = doc! {"$set": {
            "guesses": either(one_more.into(), 1.into()),
            "guessesEndAt": either("$guessesEndAt".into(), fresh_end.into()),
        }};
        let factor = self
            .second_factors
            .find_one_and_update(doc! {"_id": user_id}, vec![counted])
            .return_document(ReturnDocument::After)
            .await?;
        Ok(factor.map(|factor| Guess {
            sealed_secret: factor.sealed_secret.bytes,
            is_confirmed: factor.confirmed,
            guesses: factor.guesses,
            end_at: factor.guesses_end_at,
        }))
    }

    /// Accepts a code of this half minute, unless one of it or of a later one was accepted before.
    pub(crate) async fn accept_step(&self, user_id: ObjectId, step: Step) -> Result<bool, Error> {
        let newer = doc! {"_id": user_id, "confirmed": true, "lastStep": {"$lt": step}};
        let accepted = doc! {"$set": {"lastStep": step, "guesses": 0}};
        self.change_second_factor(newer, accepted).await
    }

    /// Uses up a recovery code; whether it was one.
    pub(crate) async fn use_recovery_code(
        &self,
        user_id: ObjectId,
        hash: &TokenHash,
    ) -> Result<bool, Error> {
        let hash = Binary::from(hash);
        let unused = doc! {"_id": user_id, "confirmed": true, "recoveryCodes": &hash};
        self.change_second_factor(unused, doc! {"$pull": {"recoveryCodes": hash}})
            .await
    }

    /// Exchanges all recovery codes; whether there is a second factor.
    pub(crate) async fn renew_recovery_codes(
        &self,
        user_id: ObjectId,
        codes: &[TokenHash],
    ) -> Result<bool, Error> {
        let confirmed = doc! {"_id": user_id, "confirmed": true};
        self.change_second_factor(confirmed, doc! {"$set": {"recoveryCodes": hashes(codes)}})
            .await
    }

    async fn change_second_factor(
        &self,
        filter: Document,
        change: Document,
    ) -> Result<bool, Error> {
        let changed = self.second_factors.update_one(filter, change).await?;
        Ok(changed.matched_count > 0)
    }

    /// Turns on what was begun with this secret, whose code of `step` was seen, and ends every session;
    /// whether it was still that secret.
    pub(crate) async fn confirm_second_factor(
        &self,
        user_id: ObjectId,
        sealed_secret: &[u8],
        step: Step,
        codes: &[TokenHash],
    ) -> Result<bool, Error> {
        let as_begun = doc! {
            "_id": user_id,
            "confirmed": false,
            "sealedSecret": binary(sealed_secret.to_vec()),
        };
        let confirmed = doc! {"$set": {
            "confirmed": true,
            "lastStep": step,
            "guesses": 0,
            "recoveryCodes": hashes(codes),
        }};
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .confirm_once(transaction.session(), user_id, &as_begun, &confirmed)
                .await;
            if let Some(is_confirmed) = transaction.settle(attempt).await? {
                return Ok(is_confirmed);
            }
        }
    }

    async fn confirm_once(
        &self,
        session: &mut ClientSession,
        user_id: ObjectId,
        as_begun: &Document,
        confirmed: &Document,
    ) -> Result<bool, Error> {
        let changed = self
            .second_factors
            .update_one(as_begun.clone(), confirmed.clone())
            .session(&mut *session)
            .await?;
        if changed.matched_count == 0 {
            return Ok(false);
        }
        self.mark_second_factor(session, user_id, true).await?;
        self.end_sessions_once(session, user_id).await?;
        Ok(true)
    }

    /// Turns it off and forgets the secret; whether it was on.
    pub(crate) async fn end_second_factor(&self, user_id: ObjectId) -> Result<bool, Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .end_second_factor_once(transaction.session(), user_id)
                .await;
            if let Some(was_on) = transaction.settle(attempt).await? {
                return Ok(was_on);
            }
        }
    }

    async fn end_second_factor_once(
        &self,
        session: &mut ClientSession,
        user_id: ObjectId,
    ) -> Result<bool, Error> {
        let deleted = self
            .second_factors
            .delete_one(doc! {"_id": user_id, "confirmed": true})
            .session(&mut *session)
            .await?;
        self.mark_second_factor(session, user_id, false).await?;
        Ok(deleted.deleted_count > 0)
    }

    /// Forgets by what else than the password an account opens, for when it gets another owner, or none.
    pub(super) async fn forget_further_credentials(
        &self,
        session: &mut ClientSession,
        user_id: ObjectId,
    ) -> Result<(), Error> {
        self.end_second_factor_once(session, user_id).await?;
        // One that was begun and not confirmed.
        self.second_factors
            .delete_one(doc! {"_id": user_id})
            .session(&mut *session)
            .await?;
        self.delete_api_keys(session, user_id).await
    }

    /// The user says whether there is one, so that nobody else's sign-in has to look for it.
    async fn mark_second_factor(
        &self,
        session: &mut ClientSession,
        user_id: ObjectId,
        is_on: bool,
    ) -> Result<(), Error> {
        let marked = doc! {"$set": {"secondFactor": is_on, "updatedAt": DateTime::now()}};
        self.users
            .update_one(doc! {"_id": user_id}, marked)
            .session(session)
            .await?;
        Ok(())
    }
}

fn hashes(codes: &[TokenHash]) -> Vec<Binary> {
    codes.iter().map(Binary::from).collect()
}

fn binary(bytes: Vec<u8>) -> Binary {
    Binary {
        subtype: BinarySubtype::Generic,
        bytes,
    }
}
