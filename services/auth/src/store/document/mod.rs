//! How things are stored.

mod clerk_user;
mod key;
mod posting;
mod purchase;
mod token;
mod user;

pub(super) use clerk_user::ClerkUserDocument;
pub(super) use key::{KeyDocument, PublicKeyDocument};
pub(super) use posting::PostingDocument;
pub(super) use purchase::PurchaseDocument;
pub(super) use token::TokenDocument;
pub(super) use user::{CredentialDocument, NewUserDocument, UserDocument};
