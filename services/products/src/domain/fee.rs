use bson::DateTime;
use bson::oid::ObjectId;
use reen_error::FieldFailure;

use super::Product;

const PERCENT: i128 = 4;
const HUNDRED: i128 = 100;

/// What a seller owes for a listing or for making it worth more.
#[derive(Clone, Debug)]
pub(crate) struct Fee {
    /// The operation under which it is charged, and the saga that the operation belongs to.
    pub(crate) id: String,
    pub(crate) user_id: ObjectId,
    pub(crate) product_id: ObjectId,
    pub(crate) amount_cents: i64,
    pub(crate) payer: Payer,
    pub(crate) created_at: DateTime,
}

/// Who may pay a fee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Payer {
    /// Only sellers list products.
    Seller,
    /// Whoever owns a product changes it.
    Owner,
}

impl Fee {
    /// A fee that was not charged yet, for what has this name among all that fees are charged for.
    pub(crate) fn new(
        effect: &str,
        user_id: ObjectId,
        product_id: ObjectId,
        amount_cents: i64,
        payer: Payer,
    ) -> Self {
        Self {
            id: format!("listing-fee-{effect}"),
            user_id,
            product_id,
            amount_cents,
            payer,
            created_at: DateTime::now(),
        }
    }
}

/// The fee in cents for listing goods of this value: 4 %, half a cent rounds up.
///
/// # Errors
/// When the fee is more than an amount can be.
pub(crate) fn listing_fee(value_cents: i128) -> Result<i64, FieldFailure> {
    let hundredths = value_cents.saturating_mul(PERCENT);
    let cents = hundredths.saturating_add(HUNDRED / 2) / HUNDRED;
    i64::try_from(cents)
        .map_err(|_| FieldFailure::new("price", "too_large", "makes a fee that cannot be paid"))
}

/// The fee in cents for what a change adds to a product's value; what it takes away is not paid back.
///
/// # Errors
/// When the fee is more than an amount can be.
pub(crate) fn added_value_fee(before: &Product, after: &Product) -> Result<i64, FieldFailure> {
    let added = after.value_cents().saturating_sub(before.value_cents());
    listing_fee(added.max(0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::listing_fee;

    #[test]
    fn half_a_cent_rounds_up() {
        assert_eq!(listing_fee(0).unwrap(), 0);
        assert_eq!(listing_fee(12).unwrap(), 0);
        assert_eq!(listing_fee(13).unwrap(), 1);
        assert_eq!(listing_fee(9_999 * 10).unwrap(), 4_000);
        let all_the_goods = 100_000_000 * 1_000_000;
        assert_eq!(listing_fee(all_the_goods).unwrap(), 4_000_000_000_000);
    }

    #[test]
    fn a_fee_that_is_no_amount_is_refused() {
        assert_eq!(listing_fee(i128::MAX).unwrap_err().code, "too_large");
    }

    proptest! {
        #[test]
        fn a_fee_is_the_nearest_cent(value in 0_i64..=100_000_000_000_000) {
            let fee = listing_fee(value.into()).unwrap();
            let error = fee * 100 - value * 4;
            prop_assert!((-49..=50).contains(&error));
        }
    }
}
