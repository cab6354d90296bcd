//! The rules of users, sessions and the ledger, without I/O.

mod account;
mod api_key;
mod attempts;
mod clerk;
mod fields;
mod key;
mod key_ring;
mod money;
mod movement;
mod page;
mod posting;
mod purchase;
mod recovery;
mod sealing;
mod second_factor;
mod token;
mod user;

pub(crate) use account::Account;
pub(crate) use api_key::{
    ApiKey, ApiKeySecret, MOST_API_KEYS, NewApiKey, Scope, last_use_worth_noting, prefix,
};
pub(crate) use attempts::{Client, Count, Counter};
pub(crate) use clerk::{ClerkMark, ClerkUser, Owner, Standing};
pub(crate) use fields::{Email, Name, NewUser, Password, ProfileChange, normal_form};
pub(crate) use key::{PublishedKey, SigningKey};
pub(crate) use key_ring::{DatedKey, KeyRing, KeyState, KeyStatus};
pub(crate) use money::{Cents, DEFAULT_STARTING_BALANCE};
pub(crate) use movement::Movement;
pub(crate) use page::{Page, check_count};
pub(crate) use posting::{Charge, Kind, Leg, Posting, PostingError, Share};
pub(crate) use purchase::{Counts, Purchase};
pub(crate) use recovery::{Addressee, LetterKind};
pub(crate) use sealing::Unopened;
pub use sealing::{NotASealingKey, SealingKey};
pub(crate) use second_factor::{
    GUESSES_COUNT_FOR, MOST_GUESSES, PresentedCode, RecoveryCode, Step, TotpSecret,
};
pub(crate) use token::{OpaqueToken, TokenHash};
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
/// How long an access token is good. A session that is over is seen at the latest after this time, when
/// the client has to refresh.
pub(crate) const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// How long a client is known again, counted from its last sign-in.
pub(crate) const DEVICE_LIFETIME: Duration = Duration::from_secs(90 * 24 * 60 * 60);
