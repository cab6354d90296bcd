//! The rules of users, sessions and the ledger, without I/O.

mod account;
mod clerk;
mod fields;
mod key;
mod money;
mod movement;
mod page;
mod posting;
mod purchase;
mod token;
mod user;

pub(crate) use account::Account;
pub(crate) use clerk::{ClerkMark, ClerkUser, Owner, Standing};
pub(crate) use fields::{Email, Name, NewUser, Password, ProfileChange, normal_form};
pub(crate) use key::{PublishedKey, SigningKey};
pub(crate) use money::{Cents, DEFAULT_STARTING_BALANCE};
pub(crate) use movement::Movement;
pub(crate) use page::{Page, check_count};
pub(crate) use posting::{Charge, Kind, Leg, Posting, PostingError, Share};
pub(crate) use purchase::{Counts, Purchase};
pub(crate) use token::{RefreshToken, TokenHash};
pub(crate) use user::{Contact, Refusal, Role, User, UserKey};

use std::time::Duration;

use bson::oid::ObjectId;

/// Owns the products of sellers who left or took them back; the catalogue knows it by the same id.
pub(crate) const ANONYMOUS_OWNER: ObjectId =
    ObjectId::from_bytes([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
/// What is left of the name of a user who left.
pub(crate) const ANONYMOUS_NAME: &str = "Anonymous";

/// What becoming a seller costs, in cents.
pub(crate) const SELLER_UPGRADE_CENTS: i64 = 16_000_000;

/// How long a refresh token can be exchanged for a new one.
pub(crate) const REFRESH_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);
