//! The use cases: sessions, users, the ledger.

mod access_tokens;
mod ledger;
mod passwords;
mod sessions;
mod users;

pub(crate) use access_tokens::AccessTokens;
pub(crate) use ledger::Ledger;
pub(crate) use passwords::Passwords;
pub(crate) use sessions::{Session, Sessions};
pub(crate) use users::{UserView, Users};
