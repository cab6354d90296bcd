//! Double entry: a posting is a set of legs that sum to zero, and there is no other way to make one.

use bson::oid::ObjectId;
use reen_error::FieldFailure;
use serde::{Deserialize, Serialize};

use super::money::MOST_CENTS;
use super::{Account, Role, SELLER_UPGRADE_CENTS};

/// What a posting is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Opening,
    ListingFee,
    SellerUpgrade,
    Sale,
    /// Money back to a buyer, from those who sold.
    Refund,
    /// Takes back what another posting did.
    Reversal,
}

/// What one account gets (positive) or gives (negative).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Leg {
    pub(crate) account: Account,
    pub(crate) amount_cents: i64,
}

/// What one seller gets of a sale, or gives back of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) seller_id: ObjectId,
    pub(crate) amount_cents: i64,
}

/// A fee to be charged, and the role that whoever pays it must have.
#[derive(Clone, Debug)]
pub(crate) struct Charge {
    pub(crate) user_id: ObjectId,
    pub(crate) required_role: Option<Role>,
    pub(crate) amount_cents: i64,
}

/// Legs that sum to zero. Their order says nothing, so it is always the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Posting {
    kind: Kind,
    legs: Vec<Leg>,
}

/// Why legs are no posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PostingError {
    #[error("the shares do not sum to the total")]
    Unbalanced,
    #[error("an amount is less than it can be")]
    TooSmall,
    #[error("more than one posting can move")]
    TooLarge,
    #[error("only fees and sales are taken back")]
    Irreversible,
}

impl From<PostingError> for FieldFailure {
    fn from(error: PostingError) -> Self {
        let (field, code) = match error {
            PostingError::Unbalanced => ("shares", "sum_mismatch"),
            PostingError::TooSmall => ("amountCents", "too_small"),
            PostingError::TooLarge => ("amountCents", "too_large"),
            PostingError::Irreversible => ("operation", "irreversible"),
        };
        Self::new(field, code, error.to_string())
    }
}

impl Posting {
    /// What a new user starts with.
    pub(crate) fn opening(user_id: ObjectId, amount_cents: i64) -> Result<Self, PostingError> {
        let user = Account::User(user_id);
        Self::transfer(Kind::Opening, Account::Openings, user, amount_cents)
    }

    pub(crate) fn listing_fee(charge: &Charge) -> Result<Self, PostingError> {
        let user = Account::User(charge.user_id);
        Self::transfer(Kind::ListingFee, user, Account::Fees, charge.amount_cents)
    }

    pub(crate) fn seller_upgrade(user_id: ObjectId) -> Result<Self, PostingError> {
        let user = Account::User(user_id);
        let price = SELLER_UPGRADE_CENTS;
        Self::transfer(Kind::SellerUpgrade, user, Account::Upgrades, price)
    }

    /// The buyer pays the total and each seller gets a share. Who buys a product of their own is
    /// charged and credited.
    pub(crate) fn sale(
        buyer_id: ObjectId,
        total_cents: i64,
        shares: &[Share],
    ) -> Result<Self, PostingError> {
        let legs = sale_legs(buyer_id, total_cents, shares)?;
        Self::balanced(Kind::Sale, legs)
    }

    /// The buyer gets the total back and each seller gives a share of it, as far below zero as it takes:
    /// the money is gone from the shop's account with the payment provider already, so what a seller
    /// does not have is a debt to the shop, and later sales pay it off.
    pub(crate) fn refund(
        buyer_id: ObjectId,
        total_cents: i64,
        shares: &[Share],
    ) -> Result<Self, PostingError> {
        let legs = sale_legs(buyer_id, total_cents, shares)?;
        Self::balanced(Kind::Refund, legs.into_iter().map(Leg::opposite).collect())
    }

    /// What takes back exactly what this one did.
    pub(crate) fn reversal(&self) -> Result<Self, PostingError> {
        if !matches!(self.kind, Kind::ListingFee | Kind::Sale) {
            return Err(PostingError::Irreversible);
        }
        let legs = self.legs.iter().copied().map(Leg::opposite);
        Self::balanced(Kind::Reversal, legs.collect())
    }

    /// A posting of these legs, if they are one. Legs of nothing are left out.
    pub(crate) fn balanced(kind: Kind, mut legs: Vec<Leg>) -> Result<Self, PostingError> {
        let amounts = legs.iter().map(|leg| i128::from(leg.amount_cents));
        let moved: i128 = amounts.clone().filter(|amount| amount.is_positive()).sum();
        if amounts.sum::<i128>() != 0 {
            return Err(PostingError::Unbalanced);
        }
        if moved > i128::from(MOST_CENTS) {
            return Err(PostingError::TooLarge);
        }
        legs.retain(|leg| leg.amount_cents != 0);
        legs.sort_unstable();
        Ok(Self { kind, legs })
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn legs(&self) -> &[Leg] {
        &self.legs
    }

    /// Whether it moves no money at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.legs.is_empty()
    }

    fn transfer(
        kind: Kind,
        from: Account,
        to: Account,
        amount_cents: i64,
    ) -> Result<Self, PostingError> {
        let given = match amount_cents {
            ..0 => return Err(PostingError::TooSmall),
            0.. => -amount_cents,
        };
        let leg = |account, amount_cents| Leg {
            account,
            amount_cents,
        };
        Self::balanced(kind, vec![leg(from, given), leg(to, amount_cents)])
    }
}

impl Leg {
    fn opposite(self) -> Self {
        Self {
            amount_cents: -self.amount_cents,
            ..self
        }
    }
}

fn sale_legs(
    buyer_id: ObjectId,
    total_cents: i64,
    shares: &[Share],
) -> Result<Vec<Leg>, PostingError> {
    if total_cents < 1 || shares.iter().any(|share| share.amount_cents < 0) {
        return Err(PostingError::TooSmall);
    }
    let paid = Leg {
        account: Account::User(buyer_id),
        amount_cents: -total_cents,
    };
    let gained = shares.iter().map(|share| Leg {
        account: Account::User(share.seller_id),
        amount_cents: share.amount_cents,
    });
    Ok(gained.chain([paid]).collect())
}

#[cfg(test)]
mod tests {
    use bson::oid::ObjectId;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::money::MOST_CENTS;
    use super::{Charge, Kind, Leg, Posting, PostingError, Share};
    use crate::domain::Account;

    fn user(number: u8) -> ObjectId {
        ObjectId::from_bytes([number; 12])
    }

    fn share(number: u8, amount_cents: i64) -> Share {
        Share {
            seller_id: user(number),
            amount_cents,
        }
    }

    fn fee(amount_cents: i64) -> Result<Posting, PostingError> {
        Posting::listing_fee(&Charge {
            user_id: user(1),
            required_role: None,
            amount_cents,
        })
    }

    fn sum(posting: &Posting) -> i128 {
        let amounts = posting.legs().iter().map(|leg| leg.amount_cents);
        amounts.map(i128::from).sum()
    }

    #[test]
    fn shares_must_sum_to_the_total() {
        let shares = [share(1, 70), share(2, 30)];
        assert!(Posting::sale(user(3), 100, &shares).is_ok());
        for wrong in [99, 101] {
            let refused = Posting::sale(user(3), wrong, &shares);
            assert_eq!(refused.unwrap_err(), PostingError::Unbalanced);
        }
    }

    #[test]
    fn a_sale_moves_something_and_nobody_pays_by_selling() {
        assert_eq!(
            Posting::sale(user(3), 0, &[]).unwrap_err(),
            PostingError::TooSmall
        );
        let shares = [share(1, 200), share(2, -100)];
        let refused = Posting::sale(user(3), 100, &shares);
        assert_eq!(refused.unwrap_err(), PostingError::TooSmall);
    }

    #[test]
    fn who_buys_their_own_is_charged_and_credited() {
        let posting = Posting::sale(user(1), 100, &[share(1, 100)]).unwrap();
        assert_eq!(posting.legs().len(), 2);
    }

    #[test]
    fn amounts_have_limits() {
        assert_eq!(fee(-1).unwrap_err(), PostingError::TooSmall);
        assert_eq!(fee(i64::MIN).unwrap_err(), PostingError::TooSmall);
        assert!(fee(0).unwrap().is_empty());
        assert!(fee(MOST_CENTS).is_ok());
        assert_eq!(fee(MOST_CENTS + 1).unwrap_err(), PostingError::TooLarge);
        assert_eq!(fee(i64::MAX).unwrap_err(), PostingError::TooLarge);
        let shares = [share(1, i64::MAX), share(2, i64::MAX)];
        assert!(Posting::sale(user(3), i64::MAX, &shares).is_err());
    }

    #[test]
    fn an_opening_and_a_refund_are_not_taken_back() {
        let opening = Posting::opening(user(1), 5).unwrap();
        assert_eq!(opening.reversal().unwrap_err(), PostingError::Irreversible);
        let refund = Posting::refund(user(1), 5, &[share(2, 5)]).unwrap();
        assert_eq!(refund.reversal().unwrap_err(), PostingError::Irreversible);
        let twice = fee(5).unwrap().reversal().unwrap().reversal();
        assert_eq!(twice.unwrap_err(), PostingError::Irreversible);
    }

    proptest! {
        #[test]
        fn every_posting_sums_to_zero(
            buyer in 0_u8..4,
            shares in vec((0_u8..4, 0_i64..1_000_000_000), 1..20),
            paid_too_much in -1_i64..=1,
        ) {
            let shares: Vec<_> = shares.into_iter().map(|(who, cents)| share(who, cents)).collect();
            let total: i64 = shares.iter().map(|share| share.amount_cents).sum();
            match Posting::sale(user(buyer), total + paid_too_much, &shares) {
                Ok(sale) => {
                    prop_assert_eq!(sum(&sale), 0);
                    prop_assert_eq!(sum(&sale.reversal().unwrap()), 0);
                    let refund = Posting::refund(user(buyer), total, &shares).unwrap();
                    prop_assert_eq!(sum(&refund), 0);
                }
                Err(_) => prop_assert!(paid_too_much != 0 || total == 0),
            }
        }

        #[test]
        fn arbitrary_legs_are_a_posting_only_when_they_sum_to_zero(amounts in vec(any::<i64>(), 0..6)) {
            let legs = amounts.iter().map(|&amount_cents| Leg { account: Account::Fees, amount_cents });
            if let Ok(posting) = Posting::balanced(Kind::Sale, legs.collect()) {
                prop_assert_eq!(sum(&posting), 0);
            }
        }
    }
}
