//! Documents, indexes and queries; nothing else speaks to MongoDB.

mod anonymise;
mod books;
mod clerk;
mod document;
mod fees;
mod indexes;
mod keys;
mod ledger;
mod passwords;
mod purchases;
mod reversals;
mod roles;
mod sessions;
mod sign_up;
mod transfers;
mod users;

use mongodb::Collection;
use reen_mongo::{Database, Fence};

use document::{
    ClerkUserDocument, CredentialDocument, KeyDocument, PostingDocument, PurchaseDocument,
    TokenDocument, UserDocument,
};

pub(crate) use books::{Books, Content};
pub(crate) use clerk::Newcomer;
pub(crate) use sessions::{IssuedToken, Presented};
pub(crate) use sign_up::NewAccount;

#[derive(Clone)]
pub(crate) struct Store {
    database: Database,
    users: Collection<UserDocument>,
    /// The users again, read only for their passwords' hashes.
    credentials: Collection<CredentialDocument>,
    postings: Collection<PostingDocument>,
    purchases: Collection<PurchaseDocument>,
    tokens: Collection<TokenDocument>,
    keys: Collection<KeyDocument>,
    clerk_users: Collection<ClerkUserDocument>,
    fence: Fence,
}

impl Store {
    pub(crate) async fn open(database: &Database) -> Result<Self, reen_mongo::Error> {
        let store = Self {
            database: database.clone(),
            users: database.collection("users"),
            credentials: database.collection("users"),
            postings: database.collection("postings"),
            purchases: database.collection("purchases"),
            tokens: database.collection("sessions"),
            keys: database.collection("signing_keys"),
            clerk_users: database.collection("clerk_users"),
            fence: Fence::open(database).await?,
        };
        store.make_indexes().await?;
        store.settle_anonymous_owner().await?;
        Ok(store)
    }
}
