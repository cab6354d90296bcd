use std::sync::Arc;

use bson::oid::ObjectId;
use reen_chassis::Operation;

use crate::clients::IdentityProvider;
use crate::domain::{
    ClerkUser, Contact, Page, Posting, ProfileChange, Refusal, Role, User, UserKey, normal_form,
};
use crate::error::Error;
use crate::store::{Claim, Newcomer, Store};

/// What is known of users, and by whom.
pub(crate) struct Users {
    store: Store,
    provider: Option<Arc<dyn IdentityProvider>>,
    starting_balance_cents: i64,
}

/// A user, as the one who asks may see them.
pub(crate) enum UserView {
    Own(User),
    Public(User),
}

impl Users {
    pub(crate) fn new(
        store: Store,
        provider: Option<Arc<dyn IdentityProvider>>,
        starting_balance_cents: i64,
    ) -> Self {
        Self {
            store,
            provider,
            starting_balance_cents,
        }
    }

    /// The user of `key`, asked for by `viewer`. Who has left is not there any more.
    pub(crate) async fn get(
        &self,
        viewer: Option<ObjectId>,
        key: &UserKey,
    ) -> Result<UserView, Error> {
        let user = match key {
            UserKey::Local(id) => self.store.present_user(*id).await,
            UserKey::Clerk(clerk_id) => self.store.user_by_clerk_id(clerk_id).await,
        };
        let user = user?.ok_or_else(|| missing(viewer, key))?;
        if viewer == Some(user.id) {
            Ok(UserView::Own(user))
        } else {
            Ok(UserView::Public(user))
        }
    }

    /// Users by their ids, those who have left included, so that what they left behind has an owner.
    pub(crate) async fn find(&self, ids: &[ObjectId]) -> Result<Vec<User>, Error> {
        self.store.users(ids).await
    }

    /// A page of users, newest first, and how many there are.
    pub(crate) async fn list(&self, page: Page) -> Result<(Vec<User>, u64), Error> {
        tokio::try_join!(self.store.newest_users(page), self.store.count_users())
    }

    /// So many users who came before `after`, newest first, and the one behind whom it goes on.
    pub(crate) async fn list_behind(
        &self,
        after: Option<ObjectId>,
        limit: i64,
    ) -> Result<(Vec<User>, Option<ObjectId>), Error> {
        let mut users = self.store.users_behind(after, limit + 1).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let goes_on = users.len() > limit;
        users.truncate(limit);
        let last = users.last().filter(|_| goes_on).map(|user| user.id);
        Ok((users, last))
    }

    pub(crate) async fn contacts(&self, ids: &[ObjectId]) -> Result<Vec<Contact>, Error> {
        self.store.contacts(ids).await
    }

    pub(crate) async fn change_profile(
        &self,
        id: ObjectId,
        change: &ProfileChange,
        claim: &Claim<User>,
    ) -> Result<User, Error> {
        self.store.change_profile(id, change, claim).await
    }

    pub(crate) async fn change_role(
        &self,
        id: ObjectId,
        role: Role,
        claim: &Claim<User>,
    ) -> Result<User, Error> {
        match role {
            Role::Seller => self.store.become_seller(id, claim).await,
            Role::Buyer => self.store.become_buyer(id, claim).await,
            Role::Anonymous | Role::Operator => Err(Refusal::Forbidden.into()),
        }
    }

    /// Makes the user with this address an operator, or none.
    pub(crate) async fn set_operator(&self, email: &str, is_operator: bool) -> Result<User, Error> {
        let user = self
            .store
            .set_operator(&normal_form(email), is_operator)
            .await?;
        tracing::warn!(user = %user.id, role = ?user.role, "the role was set by the command line");
        Ok(user)
    }

    /// Makes the local user of a Clerk user, or brings it up to date; `None` for one who was deleted.
    pub(crate) async fn sync_clerk_user(
        &self,
        operation: &Operation,
        user: &ClerkUser,
    ) -> Result<Option<ObjectId>, Error> {
        self.sync(Some(operation), user).await
    }

    /// The account of a Clerk user who is signed in there. Who is seen for the first time gets one,
    /// as the webhook would make it, which may come before, after, or at the same time.
    pub(crate) async fn resolve_clerk_user(&self, clerk_id: &str) -> Result<ObjectId, Error> {
        if let Some(known) = self.store.user_by_clerk_id(clerk_id).await? {
            return Ok(known.id);
        }
        let profile = self.provider()?.user(clerk_id).await?;
        let profile = profile.ok_or(Error::Closed)?;
        self.sync(None, &profile).await?.ok_or(Error::Closed)
    }

    /// The keys that verify the tokens of Clerk's users.
    pub(crate) async fn clerk_keys(&self) -> Result<String, Error> {
        self.provider()?.keys().await
    }

    fn provider(&self) -> Result<&dyn IdentityProvider, Error> {
        self.provider.as_deref().ok_or(Error::NoProvider)
    }

    async fn sync(
        &self,
        operation: Option<&Operation>,
        user: &ClerkUser,
    ) -> Result<Option<ObjectId>, Error> {
        let id = ObjectId::new();
        let opening = Posting::opening(id, self.starting_balance_cents)?;
        let newcomer = Newcomer { id, opening };
        self.store.sync_clerk_user(operation, user, &newcomer).await
    }

    /// Notes that a Clerk user is gone for good, and answers whose account that was.
    pub(crate) async fn forget_clerk_user(
        &self,
        operation: &Operation,
        clerk_id: &str,
    ) -> Result<Option<ObjectId>, Error> {
        self.store.forget_clerk_user(operation, clerk_id).await
    }

    pub(crate) async fn anonymise(&self, operation: &Operation, id: ObjectId) -> Result<(), Error> {
        self.store.anonymise(operation, id).await
    }
}

/// Somebody else who is not there, or the viewer, who has left.
fn missing(viewer: Option<ObjectId>, key: &UserKey) -> Error {
    match key {
        UserKey::Local(id) if viewer == Some(*id) => Error::Closed,
        _ => Error::NotFound,
    }
}
