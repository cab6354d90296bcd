//! The use cases: sessions, users, the ledger.

mod access_tokens;
mod api_keys;
mod attempts;
mod keys;
mod ledger;
mod passwords;
mod proofs;
mod recovery;
mod second_factors;
mod sessions;
mod users;

pub(crate) use access_tokens::AccessTokens;
pub(crate) use api_keys::ApiKeys;
pub(crate) use attempts::Attempts;
pub(crate) use keys::SigningKeys;
pub(crate) use ledger::Ledger;
pub(crate) use passwords::Passwords;
pub(crate) use proofs::Proofs;
pub(crate) use recovery::{IssuedLetter, Recovery};
pub(crate) use second_factors::SecondFactors;
pub(crate) use sessions::{Session, Sessions};
pub(crate) use users::{UserView, Users};
