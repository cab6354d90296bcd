//! The stand-ins: each answers what the contract says, from next to nothing.

mod api_keys;
mod auth;
mod products;
mod recovery;
mod sagas;
mod second_factor;
mod shopping;

pub(crate) use products::product;

use reen_error::{Code, Failure};
use tonic::{Response, Status};

pub(crate) const BUYER: &str = "66f0c0ffee66f0c0ffee0001";
pub(crate) const SELLER: &str = "66f0c0ffee66f0c0ffee0002";
pub(crate) const OPERATOR: &str = "66f0c0ffee66f0c0ffee0003";
pub(crate) const SAGA: &str = "order-completed:66f0c0ffee66f0c0ffee0c01";
pub(crate) const PRODUCT: &str = "66f0c0ffee66f0c0ffee0a01";
pub(crate) const ITEM: &str = "66f0c0ffee66f0c0ffee0b01";
pub(crate) const CHECKOUT: &str = "66f0c0ffee66f0c0ffee0c01";
pub(crate) const ORDER: &str = "66f0c0ffee66f0c0ffee0d01";
pub(crate) const KEY_ID: &str = "66f0c0ffee66f0c0ffee0e01";
/// By which a browser is known.
pub(crate) const DEVICE: &str = "q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq84";
const BORN: i64 = 1_750_000_000_123;

type Answer<T> = Result<Response<T>, Status>;

fn answer<T>(message: T) -> Answer<T> {
    Ok(Response::new(message))
}

fn not_found() -> Status {
    Failure::new(Code::NotFound, "There is no such thing").into_status()
}
