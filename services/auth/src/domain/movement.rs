use std::collections::BTreeMap;
use std::ops::AddAssign;

use bson::oid::ObjectId;

use super::{Account, Kind, Posting};

/// What one posting changes of what is shown to one user.
///
/// The law: `balance = opening + gained - spent`. Gained counts what sales brought; spent counts
/// everything that was paid; a reversal takes back from the same sum what its original put there, and a
/// refund what the sale did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Movement {
    pub(crate) balance_cents: i64,
    pub(crate) gained_cents: i64,
    pub(crate) spent_cents: i64,
}

impl Posting {
    /// What it changes for each user, in the order of their ids, which is the order in which
    /// concurrent postings touch them.
    ///
    /// A posting moves so little that no sum of its legs overflows.
    pub(crate) fn movements(&self) -> BTreeMap<ObjectId, Movement> {
        let mut movements: BTreeMap<ObjectId, Movement> = BTreeMap::new();
        for leg in self.legs() {
            if let Account::User(user_id) = leg.account {
                let movement = movements.entry(user_id).or_default();
                movement.add(self.kind(), leg.amount_cents);
            }
        }
        movements
    }
}

impl AddAssign for Movement {
    fn add_assign(&mut self, other: Self) {
        self.balance_cents += other.balance_cents;
        self.gained_cents += other.gained_cents;
        self.spent_cents += other.spent_cents;
    }
}

impl Movement {
    fn add(&mut self, kind: Kind, amount_cents: i64) {
        self.balance_cents += amount_cents;
        match (kind, amount_cents) {
            (Kind::Opening, _) => {}
            (Kind::Reversal | Kind::Refund, 0..) => self.spent_cents -= amount_cents,
            (Kind::Reversal | Kind::Refund, ..0) => self.gained_cents += amount_cents,
            (_, 0..) => self.gained_cents += amount_cents,
            (_, ..0) => self.spent_cents -= amount_cents,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bson::oid::ObjectId;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::Movement;
    use crate::domain::{Charge, Posting, Share};

    fn user(number: u8) -> ObjectId {
        ObjectId::from_bytes([number; 12])
    }

    fn movement(balance_cents: i64, gained_cents: i64, spent_cents: i64) -> Movement {
        Movement {
            balance_cents,
            gained_cents,
            spent_cents,
        }
    }

    #[test]
    fn an_opening_is_neither_gained_nor_spent() {
        let opening = Posting::opening(user(1), 500).unwrap();
        assert_eq!(
            opening.movements(),
            BTreeMap::from([(user(1), movement(500, 0, 0))])
        );
    }

    #[test]
    fn what_is_paid_is_spent() {
        let upgrade = Posting::seller_upgrade(user(1)).unwrap();
        let paid = movement(-16_000_000, 0, 16_000_000);
        assert_eq!(upgrade.movements(), BTreeMap::from([(user(1), paid)]));
    }

    #[test]
    fn a_reversal_takes_back_what_its_original_did() {
        let charge = Charge {
            user_id: user(1),
            required_role: None,
            amount_cents: 40,
        };
        let fee = Posting::listing_fee(&charge).unwrap();
        assert_eq!(fee.movements()[&user(1)], movement(-40, 0, 40));
        let back = fee.reversal().unwrap();
        assert_eq!(back.movements()[&user(1)], movement(40, 0, -40));
    }

    #[test]
    fn who_buys_their_own_gains_and_spends() {
        let share = Share {
            seller_id: user(1),
            amount_cents: 100,
        };
        let sale = Posting::sale(user(1), 100, &[share]).unwrap();
        assert_eq!(sale.movements()[&user(1)], movement(0, 100, 100));
    }

    proptest! {
        #[test]
        fn balance_is_gained_less_spent(buyer in 0_u8..3, shares in vec((0_u8..3, 1_i64..1_000_000), 1..10)) {
            let shares: Vec<_> = shares
                .into_iter()
                .map(|(seller, amount_cents)| Share { seller_id: user(seller), amount_cents })
                .collect();
            let total = shares.iter().map(|share| share.amount_cents).sum();
            let sale = Posting::sale(user(buyer), total, &shares).unwrap();
            let back = sale.reversal().unwrap();
            for (user_id, done) in sale.movements() {
                prop_assert_eq!(done.balance_cents, done.gained_cents - done.spent_cents);
                let undone = back.movements()[&user_id];
                prop_assert_eq!(done.balance_cents + undone.balance_cents, 0);
                prop_assert_eq!(done.gained_cents + undone.gained_cents, 0);
                prop_assert_eq!(done.spent_cents + undone.spent_cents, 0);
            }
            let refund = Posting::refund(user(buyer), total, &shares).unwrap();
            prop_assert_eq!(refund.movements(), back.movements(), "all of it back is as if undone");
        }
    }
}
