//! The parties that this service asks.

mod auth;
mod cart_items;
mod products;
pub(crate) mod stripe;

use std::sync::Arc;

use bson::oid::ObjectId;
use reen_error::{Code, Failure};

use crate::error::Error;

pub(crate) use auth::Auth;
pub(crate) use cart_items::CartItems;
pub(crate) use products::{Hold, Products};
pub(crate) use stripe::{Payments, SessionState};

/// All of them.
pub(crate) struct Parties {
    pub(crate) auth: Auth,
    pub(crate) cart_items: CartItems,
    pub(crate) products: Products,
    pub(crate) payments: Arc<dyn Payments>,
}

/// An id that a peer answered.
fn answered_id(id: &str) -> Result<ObjectId, Error> {
    ObjectId::parse_str(id).map_err(|_| {
        let why = format!("a peer answered {id:?}, which is not an id");
        Error::Peer(Failure::new(Code::Internal, why))
    })
}
