//! What each buyer means to do: the same seed and number make the same story.

use std::time::Duration;

use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// How a purchase goes, as far as people decide it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The page is paid.
    Pay,
    /// A card is declined, another one pays.
    DeclinedFirst,
    /// Nobody pays until the page has run out.
    Abandon,
    /// The buyer gives the checkout up.
    Cancel,
    /// The buyer pays and gives up at the same time.
    CancelWhilePaying,
    /// A delayed payment that arrives.
    PayLater,
    /// A delayed payment that fails.
    PayLaterInVain,
    /// The hold is gone before the payment, and so is the stock: two pay for the same pieces.
    HoldLost,
    /// The seller deletes the product while the page is open.
    ProductDeleted,
    /// The seller leaves while the page is open.
    SellerLeaves,
    /// The buyer leaves right after the payment.
    BuyerLeaves,
}

/// How often each kind is, in percent.
const KINDS: [(Kind, u32); 11] = [
    (Kind::Pay, 59),
    (Kind::DeclinedFirst, 8),
    (Kind::Abandon, 6),
    (Kind::Cancel, 4),
    (Kind::CancelWhilePaying, 4),
    (Kind::PayLater, 6),
    (Kind::PayLaterInVain, 2),
    (Kind::HoldLost, 4),
    (Kind::ProductDeleted, 3),
    (Kind::SellerLeaves, 1),
    (Kind::BuyerLeaves, 3),
];

const LATE_MS: std::ops::Range<u64> = 200..4_000;

/// One purchase, before anything goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Story {
    /// How it goes.
    pub kind: Kind,
    /// The hot product, or another one by its number.
    pub product: Option<usize>,
    /// Pieces.
    pub quantity: i64,
    /// How often the webhook of the payment comes again, at the same time.
    pub repeats: usize,
    /// When it comes once more, after what was sent later.
    pub repeated_late: Option<Duration>,
}

impl Story {
    /// The story of a purchase. `duplicates` of a hundred webhooks come several times.
    #[must_use]
    pub fn of(seed: u64, purchase: u64, duplicates: u32) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(purchase + 1);
        let kind = KINDS.choose_weighted(&mut rng, |(_, weight)| *weight);
        let kind = kind.map_or(Kind::Pay, |(kind, _)| *kind);
        let is_hot = rng.random_ratio(3, 5);
        let other = rng.random_range(0..usize::MAX);
        let quantity = rng.random_range(1..=3);
        let is_repeated = rng.random_range(0..100) < duplicates;
        let repeats = rng.random_range(1..=3);
        let is_late = rng.random_bool(0.5);
        let late = Duration::from_millis(rng.random_range(LATE_MS));
        Self {
            kind,
            product: (!is_hot).then_some(other),
            quantity,
            repeats: if is_repeated { repeats } else { 0 },
            repeated_late: (is_repeated && is_late).then_some(late),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_seed_repeats_its_stories() {
        assert_eq!(Story::of(1, 5, 20), Story::of(1, 5, 20));
        let all: Vec<Story> = (0..50).map(|purchase| Story::of(1, purchase, 20)).collect();
        let others: Vec<Story> = (0..50).map(|purchase| Story::of(2, purchase, 20)).collect();
        assert_ne!(all, others);
    }

    #[test]
    fn three_hundred_purchases_have_every_kind_and_the_share_of_duplicates() {
        let all: Vec<Story> = (0..300).map(|it| Story::of(1, it, 20)).collect();
        let kinds: BTreeSet<Kind> = all.iter().map(|story| story.kind).collect();
        assert_eq!(kinds.len(), KINDS.len());
        let repeated = all.iter().filter(|story| story.repeats > 0).count();
        assert!((40..=80).contains(&repeated), "{repeated}");
        assert_eq!(KINDS.iter().map(|(_, weight)| weight).sum::<u32>(), 100);
    }
}
