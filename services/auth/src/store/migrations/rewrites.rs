use bson::{DateTime, Document, doc};
use reen_mongo::{Database, Error};

use super::{SIGNING_KEYS, USERS};
use crate::domain::{ANONYMOUS_NAME, ANONYMOUS_OWNER, Role};
use crate::store::document::UserDocument;
use crate::store::keys::FIRST;

/// Makes the owner of what sellers leave behind, unless it is there.
pub(super) async fn make_anonymous_owner(database: &Database) -> Result<u64, Error> {
    let now = DateTime::now();
    let owner = UserDocument::new(ANONYMOUS_OWNER, ANONYMOUS_NAME, Role::Anonymous, now);
    let users = database.collection::<UserDocument>(USERS);
    match users.insert_one(owner).await.map_err(Error::from) {
        Ok(_) => Ok(1),
        Err(error) if error.is_duplicate_key() => Ok(0),
        Err(error) => Err(error),
    }
}

/// It goes on as the first of those that follow each other.
pub(super) async fn date_older_key(database: &Database) -> Result<u64, Error> {
    let undated = doc! {"generation": {"$exists": false}};
    let dated = vec![doc! {"$set": {"generation": FIRST, "signsFrom": "$createdAt"}}];
    let keys = database.collection::<Document>(SIGNING_KEYS);
    Ok(keys.update_one(undated, dated).await?.modified_count)
}

pub(super) async fn remove_mark_of_older_key(database: &Database) -> Result<u64, Error> {
    let marked = doc! {"current": {"$exists": true}};
    let unmarked = doc! {"$unset": {"current": ""}};
    let keys = database.collection::<Document>(SIGNING_KEYS);
    Ok(keys.update_many(marked, unmarked).await?.modified_count)
}
