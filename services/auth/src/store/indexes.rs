use std::time::Duration;

use bson::{Document, doc};
use mongodb::IndexModel;
use mongodb::options::IndexOptions;
use reen_mongo::sync_indexes;

use super::Store;

impl Store {
    pub(super) async fn make_indexes(&self) -> Result<(), reen_mongo::Error> {
        // Who left has neither address nor identity provider any more.
        let one_per_address = unique(doc! {"emailKey": 1}, sparse());
        let one_per_clerk_id = unique(doc! {"clerkId": 1}, sparse());
        let newest_in_role = plain(doc! {"role": 1, "_id": -1});
        let users = [one_per_address, one_per_clerk_id, newest_in_role];
        sync_indexes(&self.users, users).await?;

        // For statements: what happened to an account, newest first.
        let of_account = plain(doc! {"legs.account": 1, "createdAt": -1});
        sync_indexes(&self.postings, [of_account]).await?;

        let of_family = plain(doc! {"familyId": 1});
        let of_user = plain(doc! {"userId": 1});
        sync_indexes(&self.tokens, [of_family, of_user, forgotten_at_expiry()]).await?;

        // However many replicas start at once, one of them makes the key that signs.
        let is_current = IndexOptions::builder().partial_filter_expression(doc! {"current": true});
        let one_signs = unique(doc! {"current": 1}, is_current.build());
        sync_indexes(&self.keys, [one_signs]).await
    }
}

fn plain(keys: Document) -> IndexModel {
    IndexModel::builder().keys(keys).build()
}

fn unique(keys: Document, mut options: IndexOptions) -> IndexModel {
    options.unique = Some(true);
    IndexModel::builder().keys(keys).options(options).build()
}

fn sparse() -> IndexOptions {
    IndexOptions::builder().sparse(true).build()
}

fn forgotten_at_expiry() -> IndexModel {
    let at_once = IndexOptions::builder().expire_after(Duration::ZERO).build();
    IndexModel::builder()
        .keys(doc! {"expiresAt": 1})
        .options(at_once)
        .build()
}
