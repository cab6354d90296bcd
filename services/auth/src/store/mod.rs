//! Documents, indexes and queries; nothing else speaks to MongoDB.

mod anonymise;
mod api_keys;
mod attempts;
mod books;
mod clerk;
mod devices;
mod document;
mod fees;
mod keys;
mod ledger;
mod migrations;
mod passwords;
mod purchases;
mod recovery;
mod reversals;
mod roles;
mod second_factors;
mod sessions;
mod sign_up;
mod transfers;
mod users;

use reen_messaging::Outbox;
pub(crate) use reen_mongo::{Claim, Idempotency};
use reen_mongo::{Collection, Database, Fence};

use document::{
    ApiKeyDocument, ClerkUserDocument, CountDocument, CredentialDocument, DeviceDocument,
    KeyDocument, LetterDocument, PostingDocument, PurchaseDocument, SecondFactorDocument,
    TokenDocument, UserDocument,
};

pub(crate) use books::{Books, Content};
pub(crate) use clerk::Newcomer;
pub use migrations::schema;
pub(crate) use second_factors::Guess;
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
    letters: Collection<LetterDocument>,
    attempts: Collection<CountDocument>,
    devices: Collection<DeviceDocument>,
    second_factors: Collection<SecondFactorDocument>,
    api_keys: Collection<ApiKeyDocument>,
    outbox: Outbox,
    fence: Fence,
}

impl Store {
    pub(crate) fn open(database: &Database, outbox: Outbox) -> Self {
        Self {
            database: database.clone(),
            users: database.collection(migrations::USERS),
            credentials: database.collection(migrations::USERS),
            postings: database.collection(migrations::POSTINGS),
            purchases: database.collection("purchases"),
            tokens: database.collection(migrations::SESSIONS),
            keys: database.collection(migrations::SIGNING_KEYS),
            clerk_users: database.collection("clerk_users"),
            letters: database.collection(migrations::LETTERS),
            attempts: database.collection(migrations::ATTEMPTS),
            devices: database.collection(migrations::DEVICES),
            second_factors: database.collection("second_factors"),
            api_keys: database.collection(migrations::API_KEYS),
            outbox,
            fence: Fence::open(database),
        }
    }
}
