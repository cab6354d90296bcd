//! The peers that this service asks.

mod auth;
mod cart_items;

pub(crate) use auth::Auth;
pub(crate) use cart_items::CartItems;
