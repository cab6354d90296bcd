//! The rules of the catalogue and its stock, without I/O.

mod draft;
mod fee;
mod fields;
mod hold;
mod product;
mod repair;
mod reservation;
mod search;
mod stock;

pub(crate) use draft::{Change, Draft, Wish};
pub(crate) use fee::{Fee, Payer, added_value_fee, listing_fee};
pub(crate) use fields::{Description, ImageUrls, Name, Pieces, Price};
pub(crate) use hold::{HeldLine, Hold, HoldId, HoldRefusal, HoldState, Step};
pub(crate) use hold::{commit, give_back, release, repeat};
pub(crate) use product::{Product, fold};
pub(crate) use repair::{Counts, Difference, Holdings};
pub(crate) use reservation::{Reservation, ShortLine, StockLine};
pub(crate) use search::{
    Criteria, Listed, Page, Place, PlaceKey, Range, Search, Sort, SortField, Start, page_size,
};
pub(crate) use stock::{Movement, Pile};

use bson::oid::ObjectId;

/// Owns the products of sellers who left or took them back.
pub(crate) const ANONYMOUS_OWNER: ObjectId =
    ObjectId::from_bytes([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
