//! The rules of a cart, without I/O.

use bson::oid::ObjectId;
use reen_error::FieldFailure;

/// How many different products a cart holds: as many lines as one payment can show.
pub(crate) const MOST_LINES: i64 = 100;
/// How many pieces of one product a cart holds.
pub(crate) const MOST_PIECES: i64 = 2_000;

/// A number of pieces, from 1 to [`MOST_PIECES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Quantity(i64);

impl Quantity {
    pub(crate) fn parse(pieces: i64) -> Result<Self, FieldFailure> {
        match pieces {
            ..1 => Err(FieldFailure::new(
                "quantity",
                "too_small",
                "must be at least 1",
            )),
            1..=MOST_PIECES => Ok(Self(pieces)),
            _ => Err(too_many()),
        }
    }

    pub(crate) fn pieces(self) -> i64 {
        self.0
    }
}

/// More pieces than a cart holds of one product.
pub(crate) fn too_many() -> FieldFailure {
    FieldFailure::new(
        "quantity",
        "too_large",
        format!("must be at most {MOST_PIECES}"),
    )
}

/// One product in one cart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CartItem {
    pub(crate) id: ObjectId,
    pub(crate) user_id: ObjectId,
    pub(crate) product_id: ObjectId,
    pub(crate) quantity: i64,
    pub(crate) created_at: bson::DateTime,
    pub(crate) updated_at: bson::DateTime,
}

/// A product and how many pieces of it were bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BoughtLine {
    pub(crate) product_id: ObjectId,
    pub(crate) quantity: i64,
}

/// How many pieces of an item leave the cart when `bought` pieces were bought: what was added after
/// the checkout was opened stays.
pub(crate) fn pieces_to_take(in_cart: i64, bought: i64) -> i64 {
    in_cart.min(bought).max(0)
}

#[cfg(test)]
mod tests {
    use super::{MOST_PIECES, Quantity, pieces_to_take};

    #[test]
    fn a_quantity_is_from_one_to_the_most() {
        assert_eq!(Quantity::parse(0).unwrap_err().code, "too_small");
        assert_eq!(Quantity::parse(1).unwrap().pieces(), 1);
        assert_eq!(Quantity::parse(MOST_PIECES).unwrap().pieces(), MOST_PIECES);
        assert_eq!(
            Quantity::parse(MOST_PIECES + 1).unwrap_err().code,
            "too_large"
        );
    }

    #[test]
    fn what_was_added_meanwhile_stays() {
        assert_eq!(pieces_to_take(5, 3), 3);
        assert_eq!(pieces_to_take(2, 3), 2);
    }
}
