const CENTS: u64 = 100;

/// An amount for a person: `$1,234.50`.
pub(crate) fn show_cents(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let absolute = cents.unsigned_abs();
    let digits = (absolute / CENTS).to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}${grouped}.{:02}", absolute % CENTS)
}

#[cfg(test)]
mod tests {
    use super::show_cents;

    #[test]
    fn thousands_are_grouped_and_cents_padded() {
        assert_eq!(show_cents(0), "$0.00");
        assert_eq!(show_cents(5), "$0.05");
        assert_eq!(show_cents(99_999), "$999.99");
        assert_eq!(show_cents(123_456_789), "$1,234,567.89");
        assert_eq!(show_cents(-100_000), "-$1,000.00");
    }
}
