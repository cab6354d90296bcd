use bolero::check;
use serde_json::{Number, Value};

use crate::extract::read_json;
use crate::money::Money;

/// Numbers of fifteen digits have a float of their own each. In hundred-thousandths that is a hundred times more
/// than any amount may be.
const EXACT: i128 = 10_i128.pow(15);

fn read(text: &str) -> Option<Money> {
    match read_json(text.as_bytes()) {
        Ok(Value::Number(number)) => Money::from_number(&number),
        _ => None,
    }
}

/// The nearest float, which is all that JSON promises of a number.
fn nearest(text: &str) -> f64 {
    text.parse().unwrap()
}

/// An amount that is written with so many decimals, in units of the last of them.
fn written(units: i64, decimals: u32) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let scale = 10_u64.pow(decimals);
    let (whole, rest) = (units.unsigned_abs() / scale, units.unsigned_abs() % scale);
    let width = usize::try_from(decimals).unwrap();
    match decimals {
        0 => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{rest:0width$}"),
    }
}

#[test]
fn an_amount_is_read_to_the_cent_or_not_at_all() {
    check!()
        .with_type::<(i64, u8)>()
        .for_each(|(units, decimals)| {
            let decimals = u32::from(decimals % 6);
            let text = written(*units, decimals);
            // In hundred-thousandths, in which every such text is whole.
            let exact = i128::from(*units) * 10_i128.pow(5 - decimals);
            let (cents, rest) = (exact / 1_000, exact % 1_000);
            match read(&text) {
                Some(money) if exact.abs() < EXACT => {
                    assert_eq!((i128::from(money.cents()), 0), (cents, rest), "{text}");
                }
                None if exact.abs() < EXACT => assert_ne!(rest, 0, "{text}"),
                // What is read is what a float can tell.
                Some(money) => assert_eq!(nearest(&money.to_string()), nearest(&text), "{text}"),
                None => {}
            }
        });
}

#[test]
fn what_is_read_is_written_the_same() {
    check!().with_type::<String>().for_each(|text| {
        if let Some(money) = read(text) {
            let again = read(&money.to_string());
            assert_eq!(
                again.map(|again| again.to_string()),
                Some(money.to_string())
            );
        }
    });
}

#[test]
fn no_float_is_read_as_another_amount() {
    check!().with_type::<u64>().for_each(|bits| {
        let float = f64::from_bits(*bits);
        let Some(money) = Number::from_f64(float).and_then(|float| Money::from_number(&float))
        else {
            return;
        };
        assert_eq!(nearest(&money.to_string()), float);
    });
}
