use std::collections::BTreeMap;
use std::ops::AddAssign;

use bson::oid::ObjectId;

/// Who bought from whom, for the counts that are shown of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Purchase {
    pub(crate) buyer_id: ObjectId,
    pub(crate) seller_ids: Vec<ObjectId>,
}

/// By how much the counts of one user change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) purchases: i64,
    pub(crate) sales: i64,
}

impl Purchase {
    /// One purchase for the buyer and one sale for each seller, however often it is named; in the
    /// order of ids, which is the order in which concurrent purchases touch users.
    pub(crate) fn counts(&self) -> BTreeMap<ObjectId, Counts> {
        let mut counts: BTreeMap<ObjectId, Counts> = BTreeMap::new();
        counts.entry(self.buyer_id).or_default().purchases = 1;
        for seller_id in &self.seller_ids {
            counts.entry(*seller_id).or_default().sales = 1;
        }
        counts
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.purchases += other.purchases;
        self.sales += other.sales;
    }
}

impl Counts {
    /// What takes these back.
    pub(crate) fn taken_back(self) -> Self {
        Self {
            purchases: -self.purchases,
            sales: -self.sales,
        }
    }
}

#[cfg(test)]
mod tests {
    use bson::oid::ObjectId;

    use super::{Counts, Purchase};

    #[test]
    fn each_seller_counts_once_and_the_buyer_may_be_one() {
        let [a, b] = [1, 2].map(|number| ObjectId::from_bytes([number; 12]));
        let purchase = Purchase {
            buyer_id: b,
            seller_ids: vec![b, a, a],
        };
        let counts: Vec<_> = purchase.counts().into_iter().collect();
        let once = |purchases, sales| Counts { purchases, sales };
        assert_eq!(counts, [(a, once(0, 1)), (b, once(1, 1))]);
    }
}
