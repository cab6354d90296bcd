mod indexes;
mod rewrites;

use reen_messaging::Outbox;
use reen_mongo::{Fence, Idempotency, Migration, Schema};

pub(super) const USERS: &str = "users";
pub(super) const POSTINGS: &str = "postings";
pub(super) const SESSIONS: &str = "sessions";
pub(super) const SIGNING_KEYS: &str = "signing_keys";
pub(super) const LETTERS: &str = "letters";
pub(super) const ATTEMPTS: &str = "attempts";
pub(super) const DEVICES: &str = "devices";
pub(super) const API_KEYS: &str = "api_keys";

/// What was done to the database, from the first version on.
#[must_use]
pub fn schema() -> Schema {
    let first = indexes::all()
        .into_iter()
        .chain([Fence::indexes(), Idempotency::indexes(), Outbox::indexes()])
        .fold(Migration::expanding(1, "indexes"), Migration::indexes)
        .rewrite("anonymous-owner", |database| {
            Box::pin(rewrites::make_anonymous_owner(database))
        });
    // Once there was one key, which was marked and did not follow another.
    let dated = Migration::expanding(2, "signing-keys-have-dates")
        .rewrite("date-older-key", |database| {
            Box::pin(rewrites::date_older_key(database))
        });
    let unmarked = Migration::contracting(3, "signing-keys-have-no-mark", 2)
        .without_index(SIGNING_KEYS, "current_1")
        .rewrite("remove-mark", |database| {
            Box::pin(rewrites::remove_mark_of_older_key(database))
        });
    Schema::new(crate::NAME, 2, vec![first, dated, unmarked])
}
