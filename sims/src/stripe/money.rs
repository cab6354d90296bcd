//! Currencies, their limits, and amounts as people read them.

/// Stripe takes at most eight digits in one charge.
pub(crate) const MAXIMUM_CHARGE: i64 = 99_999_999;

/// A currency that the stand-in accepts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Currency {
    /// ISO 4217, lower case, as Stripe writes it.
    pub(crate) code: &'static str,
    symbol: &'static str,
    /// Digits after the point: minor units per major unit as a power of ten.
    decimals: u32,
    /// The smallest charge, in minor units.
    pub(crate) minimum: i64,
}

/// Minimum charges: <https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>.
const CURRENCIES: [Currency; 11] = [
    currency("usd", "$", 2, 50),
    currency("eur", "€", 2, 50),
    currency("gbp", "£", 2, 30),
    currency("aud", "A$", 2, 50),
    currency("cad", "CA$", 2, 50),
    currency("chf", "CHF ", 2, 50),
    currency("dkk", "DKK ", 2, 250),
    currency("jpy", "¥", 0, 50),
    currency("nok", "NOK ", 2, 300),
    currency("pln", "PLN ", 2, 200),
    currency("sek", "SEK ", 2, 300),
];

const fn currency(
    code: &'static str,
    symbol: &'static str,
    decimals: u32,
    minimum: i64,
) -> Currency {
    Currency {
        code,
        symbol,
        decimals,
        minimum,
    }
}

/// Finds a currency by its code in any case.
pub(crate) fn find(code: &str) -> Option<&'static Currency> {
    CURRENCIES
        .iter()
        .find(|currency| currency.code.eq_ignore_ascii_case(code))
}

/// `codes` of all currencies, for an error message.
pub(crate) fn known_codes() -> String {
    CURRENCIES.map(|currency| currency.code).join(", ")
}

/// `1234567` of `usd` reads `$12,345.67`. An unknown currency has two decimals.
pub(crate) fn display(amount: i64, code: &str) -> String {
    let (symbol, decimals) = find(code).map_or(("", 2), |found| (found.symbol, found.decimals));
    let minor_per_major = 10_u64.pow(decimals);
    let magnitude = amount.unsigned_abs();
    let sign = if amount < 0 { "-" } else { "" };
    let major = grouped(magnitude / minor_per_major);
    if decimals == 0 {
        return format!("{sign}{symbol}{major}");
    }
    let minor = magnitude % minor_per_major;
    format!("{sign}{symbol}{major}.{minor:02}")
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_like_prices() {
        assert_eq!(display(5, "usd"), "$0.05");
        assert_eq!(display(99_999_999, "usd"), "$999,999.99");
        assert_eq!(display(1_234, "jpy"), "¥1,234");
        assert_eq!(display(100_000, "eur"), "€1,000.00");
    }

    #[test]
    fn codes_are_found_in_any_case() {
        assert_eq!(find("USD").map(|found| found.code), Some("usd"));
        assert_eq!(find("xxx"), None);
    }
}
