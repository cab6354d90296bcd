//! A gateway of its own for each test, and what it needs around it.

mod gateway;
mod mesh;
mod services;
mod tokens;

pub(crate) use gateway::{Answer, CLERK_SECRET, Gateway, ORIGIN, WEBHOOK_SECRET, send, talk};
pub(crate) use mesh::{Mesh, Peer};
pub(crate) use services::{
    BUYER, CHECKOUT, DEVICE, ITEM, KEY_ID, OPERATOR, ORDER, PRODUCT, SAGA, SELLER, product,
};
pub(crate) use tokens::{Keys, claims};
