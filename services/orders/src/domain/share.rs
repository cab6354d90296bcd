//! Who bears how much of what goes back.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

/// What one seller bears of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Share {
    pub(crate) seller_id: ObjectId,
    pub(crate) amount_cents: i64,
}

/// Divides an amount in proportion to what each seller has left, to the cent: what does not divide
/// goes to the largest remainders, so that nobody bears more than he has. `None` when there is less
/// left than the amount, or no amount.
pub(crate) fn apportion(amount_cents: i64, left: &BTreeMap<ObjectId, i64>) -> Option<Vec<Share>> {
    let amount = i128::from(amount_cents);
    let whole: i128 = left.values().copied().map(i128::from).sum();
    if !(1..=whole).contains(&amount) {
        return None;
    }
    let mut parts: Vec<Part> = left
        .iter()
        .map(|(seller_id, left)| Part::of(*seller_id, amount * i128::from(*left), whole))
        .collect();
    let given: i128 = parts.iter().map(|part| part.cents).sum();
    // Stable: of equal remainders the seller with the smaller id comes first.
    parts.sort_by_key(|part| Reverse(part.remainder));
    let missing = usize::try_from(amount - given).ok()?;
    for part in parts.iter_mut().take(missing) {
        part.cents += 1;
    }
    parts.retain(|part| part.cents > 0);
    parts.sort_by_key(|part| part.seller_id);
    parts.into_iter().map(Part::into_share).collect()
}

struct Part {
    seller_id: ObjectId,
    cents: i128,
    /// What was left over when it was rounded down.
    remainder: i128,
}

impl Part {
    fn of(seller_id: ObjectId, weighted: i128, whole: i128) -> Self {
        Self {
            seller_id,
            cents: weighted / whole,
            remainder: weighted % whole,
        }
    }

    fn into_share(self) -> Option<Share> {
        Some(Share {
            seller_id: self.seller_id,
            amount_cents: i64::try_from(self.cents).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bson::oid::ObjectId;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::apportion;

    fn seller(number: usize) -> ObjectId {
        let number = u8::try_from(number).unwrap();
        ObjectId::from_bytes([number; 12])
    }

    fn left(amounts: &[i64]) -> BTreeMap<ObjectId, i64> {
        let numbered = amounts.iter().enumerate();
        numbered
            .map(|(number, cents)| (seller(number), *cents))
            .collect()
    }

    fn cents(amount: i64, amounts: &[i64]) -> Option<Vec<(ObjectId, i64)>> {
        let shares = apportion(amount, &left(amounts))?;
        let pairs = shares
            .iter()
            .map(|share| (share.seller_id, share.amount_cents));
        Some(pairs.collect())
    }

    #[test]
    fn what_does_not_divide_goes_to_the_largest_remainders() {
        let thirds = [(seller(0), 34), (seller(1), 33), (seller(2), 33)];
        assert_eq!(cents(100, &[500, 500, 500]), Some(thirds.to_vec()));
        let uneven = [(seller(0), 1), (seller(1), 2)];
        assert_eq!(cents(3, &[100, 200]), Some(uneven.to_vec()));
    }

    #[test]
    fn who_has_nothing_left_bears_nothing() {
        assert_eq!(cents(7, &[0, 7, 0]), Some(vec![(seller(1), 7)]));
    }

    #[test]
    fn there_is_no_dividing_more_than_is_left_or_nothing() {
        for (amount, amounts) in [(8, vec![3, 4]), (0, vec![3]), (-1, vec![3]), (1, vec![])] {
            assert_eq!(cents(amount, &amounts), None);
        }
        assert!(cents(i64::MAX, &[i64::MAX, i64::MAX]).is_some());
    }

    proptest! {
        #[test]
        fn it_sums_exactly_and_nobody_bears_more_than_is_left(
            amounts in vec(prop_oneof![Just(0), 1_i64..100, 1..=i64::MAX / 64], 1..30),
            part in 0.0_f64..=1.0,
            near in -2_i64..=2,
        ) {
            let whole: i64 = amounts.iter().sum();
            let amount = share_of(whole, part) + near;
            let left = left(&amounts);
            let Some(shares) = apportion(amount, &left) else {
                prop_assert!(amount < 1 || amount > whole);
                return Ok(());
            };
            prop_assert!((1..=whole).contains(&amount));
            prop_assert_eq!(shares.iter().map(|share| share.amount_cents).sum::<i64>(), amount);
            for share in &shares {
                prop_assert!((1..=left[&share.seller_id]).contains(&share.amount_cents));
            }
            let mut sellers: Vec<_> = shares.iter().map(|share| share.seller_id).collect();
            sellers.dedup();
            prop_assert_eq!(sellers.len(), shares.len(), "each seller once");
        }

        #[test]
        fn nobody_is_off_by_a_cent_or_more(amounts in vec(1_i64..10_000, 1..10), part in 0.0_f64..=1.0) {
            let whole: i64 = amounts.iter().sum();
            let amount = share_of(whole, part).max(1);
            let left = left(&amounts);
            let shares = apportion(amount, &left).unwrap();
            for (seller, has) in left {
                let bears = shares.iter().find(|share| share.seller_id == seller);
                let bears = bears.map_or(0, |share| share.amount_cents);
                prop_assert!((bears * whole - amount * has).abs() < whole);
            }
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::float_arithmetic,
        reason = "any amount will do, as long as small and large ones come"
    )]
    fn share_of(whole: i64, part: f64) -> i64 {
        (whole as f64 * part) as i64
    }
}
