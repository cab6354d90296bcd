//! The peers that this service asks.

mod products;

pub(crate) use products::Products;
