//! Amounts: decimal numbers in JSON, whole cents everywhere else.

use std::fmt;
use std::ops::{Add, Sub};

use anyhow::{Context, Result};
use serde_json::{Number, Value};

/// Minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cents(pub(crate) i64);

impl Cents {
    /// From a JSON number with at most two decimals. It is read as text: no amount is ever a float.
    pub(crate) fn from_json(amount: &Value) -> Result<Self> {
        let number = amount
            .as_number()
            .with_context(|| format!("{amount} is no amount"))?;
        parse(&number.to_string()).with_context(|| format!("{amount} is no amount"))
    }

    /// As the REST API writes it.
    pub(crate) fn to_json(self) -> Result<Value> {
        let text = format!("{}.{:02}", self.0 / 100, self.0 % 100);
        let number: Number = serde_json::from_str(&text)?;
        Ok(Value::Number(number))
    }

    pub(crate) fn times(self, count: i64) -> Self {
        Self(self.0 * count)
    }
}

impl Add for Cents {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Cents {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

/// With thousands separated: `3,840,000.00`.
impl fmt::Display for Cents {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let digits = (self.0.unsigned_abs() / 100).to_string();
        let mut grouped = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        write!(
            formatter,
            "{sign}{grouped}.{:02}",
            self.0.unsigned_abs() % 100
        )
    }
}

fn parse(text: &str) -> Option<Cents> {
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if fraction.len() > 2 {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let fraction: i64 = format!("{fraction:0<2}").parse().ok()?;
    Some(Cents(sign * whole.checked_mul(100)?.checked_add(fraction)?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_are_read_exactly() {
        for (json, cents) in [
            (json!(99.99), 9_999),
            (json!(0.1), 10),
            (json!(4_000_000.0), 400_000_000),
            (json!(7), 700),
        ] {
            assert_eq!(Cents::from_json(&json).unwrap(), Cents(cents));
        }
        assert_eq!(Cents::from_json(&json!(-1.5)).unwrap(), Cents(-150));
        assert!(Cents::from_json(&json!(1.005)).is_err());
        assert!(Cents::from_json(&json!("1")).is_err());
    }

    #[test]
    fn amounts_are_written_as_they_are_read() {
        for cents in [0, 5, 14_990, 400_000_000] {
            let json = Cents(cents).to_json().unwrap();
            assert_eq!(Cents::from_json(&json).unwrap(), Cents(cents));
        }
    }

    #[test]
    fn thousands_are_separated() {
        assert_eq!(Cents(384_000_000).to_string(), "3,840,000.00");
        assert_eq!(Cents(-29_980).to_string(), "-299.80");
        assert_eq!(Cents(5).to_string(), "0.05");
    }
}
