//! Amounts between JSON and whole cents: in the first version numbers in major units (`99.99`), without
//! arithmetic on floats; in the second minor units with their currency, or bare ones in a query.
//!
//! A float is read through its shortest decimal text, which is what the client wrote; an amount is
//! written as decimal text of its own, so that no cent is lost either way.

use std::fmt;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Number;
use serde_json::value::RawValue;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::version::Version;

const CENTS: i64 = 100;
/// In which everything is sold (ISO 4217).
pub(crate) const CURRENCY: &str = "USD";

/// An amount of money. How it is written and read is the version's matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Money {
    cents: i64,
}

impl Money {
    /// So many hundredths.
    pub(crate) const fn from_cents(cents: i64) -> Self {
        Self { cents }
    }

    /// In hundredths.
    pub(crate) const fn cents(self) -> i64 {
        self.cents
    }

    /// `None` when the number has more than two decimals or is out of range.
    pub(crate) fn from_number(number: &Number) -> Option<Self> {
        let cents = match number.as_i64() {
            Some(whole) => whole.checked_mul(CENTS)?,
            // `Display` of a float never uses an exponent, `Number`'s may.
            None => parse_cents(&number.as_f64()?.to_string())?,
        };
        Some(Self { cents })
    }
}

fn parse_cents(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = match fraction.len() {
        0 => "00".to_owned(),
        1 => format!("{fraction}0"),
        2 => fraction.to_owned(),
        _ => return None,
    };
    format!("{whole}{fraction}").parse().ok()
}

/// The shortest number: `99`, `99.9`, `99.99`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.cents < 0 { "-" } else { "" };
        let cents = self.cents.unsigned_abs();
        let (whole, fraction) = (cents / CENTS.unsigned_abs(), cents % CENTS.unsigned_abs());
        match (fraction, fraction % 10) {
            (0, _) => write!(f, "{sign}{whole}"),
            (_, 0) => write!(f, "{sign}{whole}.{}", fraction / 10),
            _ => write!(f, "{sign}{whole}.{fraction:02}"),
        }
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if Version::current() == Version::Second {
            return MinorUnits::from(*self).serialize(serializer);
        }
        RawValue::from_string(self.to_string())
            .map_err(S::Error::custom)?
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if Version::current() == Version::Second {
            return Asked::deserialize(deserializer).map(Self::from);
        }
        let number = Number::deserialize(deserializer)?;
        Self::from_number(&number).ok_or_else(|| D::Error::custom("not an amount of money"))
    }
}

/// An amount as the second version writes it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MinorUnits {
    amount: i64,
    currency: Currency,
}

/// There is one, so that nobody has to convert.
#[derive(Serialize, Deserialize)]
enum Currency {
    #[serde(rename = "USD")]
    Usd,
}

/// An amount as the second version takes it; which of both it must be, the document says.
#[derive(Deserialize)]
#[serde(untagged)]
enum Asked {
    InQuery(i64),
    InBody(MinorUnits),
}

impl From<Money> for MinorUnits {
    fn from(Money { cents: amount }: Money) -> Self {
        let currency = Currency::Usd;
        Self { amount, currency }
    }
}

impl From<Asked> for Money {
    fn from(asked: Asked) -> Self {
        match asked {
            Asked::InQuery(cents) | Asked::InBody(MinorUnits { amount: cents, .. }) => {
                Self { cents }
            }
        }
    }
}

impl PartialSchema for Money {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Number)
            .description(Some("In major units, with at most two decimals."))
            .examples([serde_json::json!(99.99)])
            .into()
    }
}

impl ToSchema for Money {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{CURRENCY, Money};
    use crate::version::{Asked, Version};

    fn read(text: &str) -> Option<i64> {
        serde_json::from_str::<Money>(text).ok().map(Money::cents)
    }

    #[test]
    fn numbers_are_read_exactly() {
        for (text, cents) in [
            ("0", 0),
            ("99.99", 9_999),
            ("99.9", 9_990),
            ("99.90", 9_990),
            ("0.01", 1),
            ("0.29", 29),
            ("1e2", 10_000),
            ("1.15", 115),
            ("-0.5", -50),
            ("1000000.00", 100_000_000),
            ("4000000", 400_000_000),
        ] {
            assert_eq!(read(text), Some(cents), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in [
            "99.999",
            "0.001",
            "1e-7",
            "0.30000000000000004",
            "1e300",
            "9223372036854775807",
            "\"1\"",
            "null",
            "true",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn amounts_are_written_short() {
        for (cents, text) in [
            (0, "0"),
            (5, "0.05"),
            (50, "0.5"),
            (9_999, "99.99"),
            (9_990, "99.9"),
            (-5, "-0.05"),
            (i64::MAX, "92233720368547758.07"),
            (i64::MIN, "-92233720368547758.08"),
        ] {
            let written = serde_json::to_string(&Money::from_cents(cents)).unwrap();
            assert_eq!(written, text);
        }
    }

    #[test]
    fn the_second_version_counts_minor_units_and_names_the_currency() {
        let second = Asked::of(Version::Second);
        let amount = json!({ "amount": -9_999, "currency": CURRENCY });
        let written = || serde_json::to_value(Money::from_cents(-9_999)).unwrap();
        assert_eq!(second.sync_scope(written), amount);
        let read = |value: Value| {
            second.sync_scope(|| serde_json::from_value(value).ok().map(Money::cents))
        };
        assert_eq!(read(amount), Some(-9_999));
        assert_eq!(read(json!(250)), Some(250));
        for refused in [
            json!(2.5),
            json!({ "amount": 1 }),
            json!({ "amount": 1, "currency": "EUR" }),
            json!({ "amount": 1.5, "currency": "USD" }),
            json!({ "amount": 1, "currency": "USD", "more": 1 }),
        ] {
            assert_eq!(read(refused.clone()), None, "{refused}");
        }
    }

    proptest! {
        /// Up to what a float can carry to the cent, which is far above every limit.
        #[test]
        fn an_amount_survives_the_wire(cents in -1_000_000_000_000_i64..1_000_000_000_000) {
            let written = serde_json::to_string(&json!({ "price": Value::Null })).unwrap();
            let written = written.replace("null", &Money::from_cents(cents).to_string());
            let value: Value = serde_json::from_str(&written).unwrap();
            let money: Money = serde_json::from_value(value["price"].clone()).unwrap();
            prop_assert_eq!(money.cents(), cents);
        }

        #[test]
        fn two_decimals_are_kept_and_more_are_refused(whole in 0_i64..1_000_000, fraction in 0_i64..100, more in 1_i64..10) {
            prop_assert_eq!(read(&format!("{whole}.{fraction:02}")), Some(whole * 100 + fraction));
            prop_assert_eq!(read(&format!("{whole}.{fraction:02}{more}")), None);
        }
    }
}
