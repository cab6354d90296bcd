use bson::oid::ObjectId;
use bson::{Bson, DateTime, Document, doc};
use futures::TryStreamExt as _;
use mongodb::ClientSession;
use mongodb::options::ReturnDocument;
use reen_mongo::{Claim, Transaction};
use secrecy::SecretString;

use super::Store;
use crate::domain::{Contact, LetterKind, Page, ProfileChange, User};
use crate::error::Error;

/// What proves that somebody is a user.
pub(crate) struct Credential {
    pub(crate) user_id: ObjectId,
    pub(crate) password_hash: Option<SecretString>,
}

/// Users who have not left.
pub(super) fn present(mut filter: Document) -> Document {
    filter.insert("role", doc! {"$in": ["SELLER", "BUYER", "OPERATOR"]});
    filter
}

impl Store {
    /// A user who has not left.
    pub(crate) async fn present_user(&self, id: ObjectId) -> Result<Option<User>, Error> {
        let user = self.users.find_one(present(doc! {"_id": id})).await?;
        Ok(user.map(User::from))
    }

    pub(super) async fn present_user_in(
        &self,
        session: &mut ClientSession,
        id: ObjectId,
    ) -> Result<User, Error> {
        let present = present(doc! {"_id": id});
        let user = self.users.find_one(present).session(session).await?;
        user.map(User::from).ok_or(Error::Closed)
    }

    pub(super) async fn present_user_by_email_in(
        &self,
        session: &mut ClientSession,
        email_key: &str,
    ) -> Result<User, Error> {
        let present = present(doc! {"emailKey": email_key});
        let user = self.users.find_one(present).session(session).await?;
        user.map(User::from).ok_or(Error::NotFound)
    }

    pub(crate) async fn user_by_clerk_id(&self, clerk_id: &str) -> Result<Option<User>, Error> {
        let user = self.users.find_one(doc! {"clerkId": clerk_id}).await?;
        Ok(user.map(User::from))
    }

    pub(crate) async fn credential(&self, email_key: &str) -> Result<Option<Credential>, Error> {
        let found = self
            .credentials
            .find_one(doc! {"emailKey": email_key})
            .projection(doc! {"passwordHash": 1})
            .await?;
        Ok(found.map(|found| Credential {
            user_id: found.id,
            password_hash: found.password_hash,
        }))
    }

    /// Users with these ids, also such as have left.
    pub(crate) async fn users(&self, ids: &[ObjectId]) -> Result<Vec<User>, Error> {
        let users = self.users.find(doc! {"_id": {"$in": ids.to_vec()}}).await?;
        Ok(users.map_ok(User::from).try_collect().await?)
    }

    /// Users who have not left, newest first.
    pub(crate) async fn newest_users(&self, page: Page) -> Result<Vec<User>, Error> {
        let users = self
            .users
            .find(present(doc! {}))
            .sort(doc! {"_id": -1})
            .skip(page.skip)
            .limit(page.limit)
            .await?;
        Ok(users.map_ok(User::from).try_collect().await?)
    }

    /// Users who have not left and came before `after`, newest first.
    pub(crate) async fn users_behind(
        &self,
        after: Option<ObjectId>,
        limit: i64,
    ) -> Result<Vec<User>, Error> {
        let older = after.map_or_else(Document::new, |after| doc! {"_id": {"$lt": after}});
        let users = self
            .users
            .find(present(older))
            .sort(doc! {"_id": -1})
            .limit(limit)
            .await?;
        Ok(users.map_ok(User::from).try_collect().await?)
    }

    /// How many users have not left: of all, which the collection knows, those who have, who are
    /// few. Counting the others themselves would walk through all of them for each page.
    pub(crate) async fn count_users(&self) -> Result<u64, Error> {
        let all = self.users.estimated_document_count().await?;
        let left = self.users.count(doc! {"role": "ANONYMOUS"}).await?;
        Ok(all.saturating_sub(left))
    }

    /// Names and addresses of those of these users who have one.
    pub(crate) async fn contacts(&self, ids: &[ObjectId]) -> Result<Vec<Contact>, Error> {
        let users = self.users.find(doc! {"_id": {"$in": ids.to_vec()}}).await?;
        let contacts = users.try_filter_map(async |user| Ok(user.contact()));
        Ok(contacts.try_collect().await?)
    }

    /// Changes what is in `change`. Another address has to be
    /// verified anew, so it goes together with the request for a letter.
    pub(crate) async fn change_profile(
        &self,
        id: ObjectId,
        change: &ProfileChange,
        claim: &Claim<User>,
    ) -> Result<User, Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .change_profile_once(transaction.session(), id, change, claim)
                .await;
            if let Some(changed) = transaction.settle(attempt).await? {
                self.outbox.nudge();
                return Ok(changed);
            }
        }
    }

    async fn change_profile_once(
        &self,
        session: &mut ClientSession,
        id: ObjectId,
        change: &ProfileChange,
        claim: &Claim<User>,
    ) -> Result<User, Error> {
        let changed = self
            .users
            .find_one_and_update(present(doc! {"_id": id}), update(change))
            .return_document(ReturnDocument::After)
            .session(&mut *session)
            .await;
        let user = match changed.map_err(reen_mongo::Error::from) {
            Ok(user) => user.map(User::from).ok_or(Error::Closed)?,
            Err(error) if error.is_duplicate_key() => return Err(Error::EmailTaken),
            Err(error) => return Err(error.into()),
        };
        if let Some(email) = &change.email
            && !user.is_email_verified
        {
            let kind = LetterKind::EmailVerification;
            self.put_letter(session, kind, &email.normal_form()).await?;
        }
        claim.keep(session, &user).await?;
        Ok(user)
    }
}

/// What is in `change`. An address stays verified as long as it is the same.
fn update(change: &ProfileChange) -> Vec<Document> {
    let literal = |text: &str| doc! {"$literal": text};
    let mut set = doc! {"updatedAt": DateTime::now()};
    if let Some(name) = &change.name {
        set.insert("name", literal(name.as_str()));
    }
    if let Some(email) = &change.email {
        let email_key = literal(&email.normal_form());
        let is_same = doc! {"$eq": ["$emailKey", email_key.clone()]};
        let stays = doc! {"$and": [is_same, "$emailVerified"]};
        set.extend([
            ("email".to_owned(), Bson::from(literal(email.as_str()))),
            ("emailKey".to_owned(), Bson::from(email_key)),
            ("emailVerified".to_owned(), Bson::from(stays)),
        ]);
    }
    vec![doc! {"$set": set}]
}
