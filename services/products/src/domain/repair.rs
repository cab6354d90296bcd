//! What the counts of a product must be, when they are not what its holds say.

use bson::oid::ObjectId;

/// How many pieces of a product there are on each pile, and in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) available: i64,
    pub(crate) held: i64,
    pub(crate) sold: i64,
    pub(crate) stocked: i64,
}

/// How many pieces of a product its holds hold and sold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Holdings {
    pub(crate) held: i64,
    pub(crate) sold: i64,
}

/// A product whose counts are not what they must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) product_id: ObjectId,
    pub(crate) counted: Counts,
    pub(crate) expected: Counts,
    /// Whether it was set right.
    pub(crate) repaired: bool,
}

impl Counts {
    /// What these must be. Holds are never wrong about themselves: buyers have paid for them. What the
    /// seller stocked stays, unless more than that is held and sold, and the rest of it is available.
    pub(crate) fn expected(self, holdings: Holdings) -> Self {
        let Holdings { held, sold } = holdings;
        let stocked = self.stocked.max(held.saturating_add(sold));
        Self {
            available: stocked - held - sold,
            held,
            sold,
            stocked,
        }
    }

    /// The difference between these and what they must be, if there is one.
    pub(crate) fn difference(self, product_id: ObjectId, holdings: Holdings) -> Option<Difference> {
        let expected = self.expected(holdings);
        (self != expected).then_some(Difference {
            product_id,
            counted: self,
            expected,
            repaired: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use bson::oid::ObjectId;
    use proptest::prelude::*;

    use super::{Counts, Holdings};

    fn counts([available, held, sold, stocked]: [i64; 4]) -> Counts {
        Counts {
            available,
            held,
            sold,
            stocked,
        }
    }

    #[test]
    fn pieces_that_no_hold_holds_are_available() {
        let lost = counts([5, 3, 2, 10]);
        let holdings = Holdings { held: 1, sold: 2 };
        assert_eq!(lost.expected(holdings), counts([7, 1, 2, 10]));
    }

    #[test]
    fn what_was_sold_was_there() {
        let short = counts([0, 0, 2, 2]);
        let holdings = Holdings { held: 1, sold: 4 };
        assert_eq!(short.expected(holdings), counts([0, 1, 4, 5]));
    }

    proptest! {
        #[test]
        fn what_is_repaired_keeps_the_law_and_differs_no_more(
            piles in prop::array::uniform4(-1_000..1_000_i64),
            held in 0..1_000_i64,
            sold in 0..1_000_i64,
        ) {
            let holdings = Holdings { held, sold };
            let right = counts(piles).expected(holdings);
            prop_assert_eq!(right.available + right.held + right.sold, right.stocked);
            prop_assert!(right.available >= 0);
            prop_assert_eq!((right.held, right.sold), (held, sold));
            prop_assert_eq!(right.difference(ObjectId::new(), holdings), None);
        }
    }
}
