//! The test cards: <https://docs.stripe.com/testing#cards>.

use serde::{Deserialize, Serialize};

/// Shown for a number that is neither of the two.
pub(crate) const INVALID_NUMBER: &str = "Your card number is invalid.";
/// Shown when the bank refuses.
pub(crate) const DECLINED: &str = "Your card was declined.";

/// A card whose behaviour is known by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TestCard {
    /// 4242 4242 4242 4242: the payment succeeds.
    Pays,
    /// 4000 0000 0000 0002: the bank declines.
    Declines,
}

impl TestCard {
    /// Reads a number as people type it, with spaces or dashes.
    pub(crate) fn read(number: &str) -> Option<Self> {
        let digits: String = number
            .chars()
            .filter(|letter| !matches!(letter, ' ' | '-'))
            .collect();
        match digits.as_str() {
            "4242424242424242" => Some(Self::Pays),
            "4000000000000002" => Some(Self::Declines),
            _ => None,
        }
    }

    pub(crate) fn last4(self) -> &'static str {
        match self {
            Self::Pays => "4242",
            Self::Declines => "0002",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_typed() {
        assert_eq!(TestCard::read("4242 4242 4242 4242"), Some(TestCard::Pays));
        assert_eq!(
            TestCard::read("4000-0000-0000-0002"),
            Some(TestCard::Declines)
        );
        assert_eq!(TestCard::read("4111111111111111"), None);
        assert_eq!(TestCard::read(""), None);
    }
}
