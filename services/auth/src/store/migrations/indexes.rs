use std::time::Duration;

use bson::{Document, doc};
use mongodb::IndexModel;
use mongodb::options::IndexOptions;
use reen_mongo::Indexes;

use super::{API_KEYS, ATTEMPTS, DEVICES, LETTERS, POSTINGS, SESSIONS, SIGNING_KEYS, USERS};

pub(super) fn all() -> [Indexes; 8] {
    [
        of_users(),
        of_postings(),
        of_sessions(),
        of_signing_keys(),
        of_api_keys(),
        of_letters(),
        Indexes::of(ATTEMPTS, [forgotten_at_expiry()]),
        of_devices(),
    ]
}

fn of_users() -> Indexes {
    // Who left has neither address nor identity provider any more.
    let one_per_address = unique(doc! {"emailKey": 1}, sparse());
    let one_per_clerk_id = unique(doc! {"clerkId": 1}, sparse());
    let newest_in_role = plain(doc! {"role": 1, "_id": -1});
    Indexes::of(USERS, [one_per_address, one_per_clerk_id, newest_in_role])
}

fn of_postings() -> Indexes {
    // For statements: what happened to an account, newest first.
    let of_account = plain(doc! {"legs.account": 1, "createdAt": -1});
    Indexes::of(POSTINGS, [of_account])
}

fn of_sessions() -> Indexes {
    let of_family = plain(doc! {"familyId": 1});
    let of_user = plain(doc! {"userId": 1});
    Indexes::of(SESSIONS, [of_family, of_user, forgotten_at_expiry()])
}

fn of_signing_keys() -> Indexes {
    // However many replicas want the next key at once, one of them makes it.
    let one_a_generation = unique(doc! {"generation": 1}, IndexOptions::default());
    Indexes::of(SIGNING_KEYS, [one_a_generation])
}

fn of_api_keys() -> Indexes {
    // However many are made at once, a user has as many as there are places.
    let in_its_place = unique(doc! {"userId": 1, "place": 1}, IndexOptions::default());
    let newest = plain(doc! {"userId": 1, "_id": -1});
    Indexes::of(API_KEYS, [in_its_place, newest, forgotten_at_expiry()])
}

fn of_letters() -> Indexes {
    let of_minute = doc! {"emailKey": 1, "kind": 1, "minute": 1};
    let one_a_minute = unique(of_minute, IndexOptions::default());
    let by_token = unique(doc! {"token": 1}, sparse());
    let of_user = plain(doc! {"userId": 1});
    let letters = [one_a_minute, by_token, of_user, forgotten_at_expiry()];
    Indexes::of(LETTERS, letters)
}

fn of_devices() -> Indexes {
    let of_user = doc! {"userId": 1, "device": 1};
    let one_a_device = unique(of_user, IndexOptions::default());
    let last_used = plain(doc! {"userId": 1, "lastUsedAt": -1});
    let devices = [one_a_device, last_used, forgotten_at_expiry()];
    Indexes::of(DEVICES, devices)
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
