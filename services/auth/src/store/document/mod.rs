//! How things are stored.

mod api_key;
mod clerk_user;
mod count;
mod device;
mod key;
mod letter;
mod posting;
mod purchase;
mod second_factor;
mod token;
mod user;

pub(super) use api_key::{ApiKeyDocument, PlaceDocument};
pub(super) use clerk_user::ClerkUserDocument;
pub(super) use count::CountDocument;
pub(super) use device::DeviceDocument;
pub(super) use key::KeyDocument;
pub(super) use letter::LetterDocument;
pub(super) use posting::PostingDocument;
pub(super) use purchase::PurchaseDocument;
pub(super) use second_factor::SecondFactorDocument;
pub(super) use token::TokenDocument;
pub(super) use user::{CredentialDocument, NewUserDocument, UserDocument};
