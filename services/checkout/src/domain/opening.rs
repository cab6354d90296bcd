use std::time::Duration;

use bson::DateTime;
use bson::oid::ObjectId;

use super::{Checkout, HoldState, Line, Refusal, State};

/// The only currency of this shop.
const CURRENCY: &str = "usd";
/// Stripe's limits of one charge in this currency: <https://docs.stripe.com/currencies>.
pub(super) const LARGEST_TOTAL_CENTS: i64 = 99_999_999;
pub(super) const SMALLEST_TOTAL_CENTS: i64 = 50;
const MILLIS_PER_SECOND: i64 = 1_000;

/// A product in the cart and how many pieces of it are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CartLine {
    pub(crate) product_id: ObjectId,
    pub(crate) quantity: i64,
}

/// A checkout whose lines are not known yet.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) id: ObjectId,
    pub(crate) user_id: ObjectId,
    pub(crate) created_at: DateTime,
    /// When the payment page closes; whole seconds, because Stripe's are.
    pub(crate) expires_at: DateTime,
}

impl Draft {
    /// A new checkout, open from `now` for `open_for`.
    pub(crate) fn new(id: ObjectId, user_id: ObjectId, now: DateTime, open_for: Duration) -> Self {
        let closes = later(now, open_for).timestamp_millis();
        let expires_at = DateTime::from_millis(closes - closes.rem_euclid(MILLIS_PER_SECOND));
        Self {
            id,
            user_id,
            created_at: now,
            expires_at,
        }
    }
}

impl Checkout {
    /// A checkout over what was reserved, if the buyer can afford it and one payment can carry it.
    pub(crate) fn opening(
        draft: &Draft,
        lines: Vec<Line>,
        balance_cents: i64,
    ) -> Result<Self, Refusal> {
        let total_cents = payable_total(&lines, balance_cents)?;
        Ok(Self {
            id: draft.id,
            user_id: draft.user_id,
            state: State::Opening,
            lines,
            total_cents,
            currency: CURRENCY.to_owned(),
            hold_state: HoldState::Held,
            page: None,
            payment: None,
            paid_at: None,
            order_id: None,
            refund_id: None,
            operations: Vec::new(),
            epochs: Vec::new(),
            revision: 0,
            expires_at: draft.expires_at,
            created_at: draft.created_at,
            updated_at: draft.created_at,
        })
    }
}

fn payable_total(lines: &[Line], balance_cents: i64) -> Result<i64, Refusal> {
    let total_cents = total(lines).ok_or(Refusal::TotalTooLarge)?;
    if total_cents > balance_cents {
        return Err(Refusal::InsufficientBalance);
    }
    match total_cents {
        ..SMALLEST_TOTAL_CENTS => Err(Refusal::TotalTooSmall),
        SMALLEST_TOTAL_CENTS..=LARGEST_TOTAL_CENTS => Ok(total_cents),
        _ => Err(Refusal::TotalTooLarge),
    }
}

/// What the lines cost; none when it does not fit.
fn total(lines: &[Line]) -> Option<i64> {
    lines.iter().try_fold(0_i64, |sum, line| {
        sum.checked_add(line.unit_price_cents.checked_mul(line.quantity)?)
    })
}

/// A moment and a duration after it.
pub(crate) fn later(moment: DateTime, duration: Duration) -> DateTime {
    let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    DateTime::from_millis(moment.timestamp_millis().saturating_add(millis))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bson::DateTime;
    use bson::oid::ObjectId;
    use proptest::prelude::*;

    use super::{Draft, LARGEST_TOTAL_CENTS, Line, Refusal, payable_total, total};

    fn line(unit_price_cents: i64, quantity: i64) -> Line {
        Line {
            product_id: ObjectId::new(),
            name: "Lamp".to_owned(),
            seller_id: ObjectId::new(),
            unit_price_cents,
            quantity,
            image_url: String::new(),
        }
    }

    #[test]
    fn the_buyer_must_afford_it() {
        assert_eq!(payable_total(&[line(100, 3)], 300), Ok(300));
        let refused = payable_total(&[line(100, 3)], 299);
        assert_eq!(refused, Err(Refusal::InsufficientBalance));
    }

    #[test]
    fn one_payment_carries_from_fifty_cents_to_just_under_a_million() {
        let total = |cents| payable_total(&[line(cents, 1)], i64::MAX);
        assert_eq!(total(49), Err(Refusal::TotalTooSmall));
        assert_eq!(total(50), Ok(50));
        assert_eq!(total(LARGEST_TOTAL_CENTS), Ok(LARGEST_TOTAL_CENTS));
        assert_eq!(total(LARGEST_TOTAL_CENTS + 1), Err(Refusal::TotalTooLarge));
    }

    #[test]
    fn the_payment_page_closes_at_a_whole_second() {
        let now = DateTime::from_millis(1_732_147_200_123);
        let draft = Draft::new(
            ObjectId::new(),
            ObjectId::new(),
            now,
            Duration::from_secs(60),
        );
        assert_eq!(draft.expires_at.timestamp_millis(), 1_732_147_260_000);
    }

    proptest! {
        #[test]
        fn a_total_is_the_exact_sum_or_none(
            lines in prop::collection::vec((0..=i64::MAX, 0..=i64::MAX), 0..5),
        ) {
            let exact = lines
                .iter()
                .map(|(price, quantity)| i128::from(*price).saturating_mul(i128::from(*quantity)))
                .fold(0_i128, i128::saturating_add);
            let lines: Vec<_> = lines.iter().map(|(price, quantity)| line(*price, *quantity)).collect();
            prop_assert_eq!(total(&lines), i64::try_from(exact).ok());
        }

        #[test]
        fn a_total_that_is_accepted_is_affordable_and_chargeable(
            lines in prop::collection::vec((0..200_000_000_i64, 1..3_i64), 1..4),
            balance in 0..300_000_000_i64,
        ) {
            let lines: Vec<_> = lines.iter().map(|(price, quantity)| line(*price, *quantity)).collect();
            if let Ok(accepted) = payable_total(&lines, balance) {
                prop_assert!(accepted <= balance);
                prop_assert!((50..=LARGEST_TOTAL_CENTS).contains(&accepted));
            }
        }
    }
}
