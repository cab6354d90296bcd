use std::str::FromStr;

/// What a new user's account opens with when nothing else is set: 4,000,000.00.
pub(crate) const DEFAULT_STARTING_BALANCE: Cents = Cents(400_000_000);

/// The most that one posting moves: far more than any payment, and so little that a balance only
/// overflows after thousands of them.
pub(super) const MOST_CENTS: i64 = 1_000_000_000_000_000;

/// An amount of money as an operator writes it: major units with at most two decimals, read exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cents(i64);

impl Cents {
    pub(crate) fn count(self) -> i64 {
        self.0
    }
}

impl FromStr for Cents {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
        let is_number =
            |digits: &str| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
        if !is_number(major) || !is_number(minor) || minor.len() > 2 {
            return Err("must be an amount with at most two decimals, such as 4000000.00");
        }
        let cents = format!("{major}{minor:0<2}").parse();
        match cents {
            Ok(cents @ 0..=MOST_CENTS) => Ok(Self(cents)),
            _ => Err("is too large"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Cents, MOST_CENTS};

    fn cents(text: &str) -> Option<i64> {
        text.parse::<Cents>().ok().map(Cents::count)
    }

    #[test]
    fn an_amount_has_at_most_two_decimals() {
        assert_eq!(cents("4000000.00"), Some(400_000_000));
        assert_eq!(cents("12"), Some(1_200));
        assert_eq!(cents("12.3"), Some(1_230));
        assert_eq!(cents("0.01"), Some(1));
        for malformed in [
            "", ".", ".5", "5.", "1.005", "-1", "+1", "1e3", "1,00", " 1", "NaN",
        ] {
            assert_eq!(cents(malformed), None, "{malformed:?}");
        }
    }

    #[test]
    fn an_amount_that_no_posting_can_move_is_refused() {
        assert_eq!(cents("10000000000000.00"), Some(MOST_CENTS));
        assert_eq!(cents("10000000000000.01"), None);
        assert_eq!(cents("99999999999999999999999999"), None);
    }

    proptest! {
        #[test]
        fn every_cent_survives(count in 0..=MOST_CENTS) {
            let text = format!("{}.{:02}", count / 100, count % 100);
            prop_assert_eq!(cents(&text), Some(count));
        }
    }
}
