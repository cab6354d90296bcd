use bolero::check;
use serde_json::Value;

use crate::extract::read_json;

/// Whole numbers are the same however they are written.
fn is_same(strict: &Value, lenient: &Value) -> bool {
    match (strict, lenient) {
        (Value::Number(strict), Value::Number(lenient)) => strict.as_f64() == lenient.as_f64(),
        (Value::Array(strict), Value::Array(lenient)) => {
            strict.len() == lenient.len()
                && strict
                    .iter()
                    .zip(lenient)
                    .all(|(one, other)| is_same(one, other))
        }
        (Value::Object(strict), Value::Object(lenient)) => {
            strict.len() == lenient.len()
                && strict
                    .iter()
                    .all(|(key, value)| lenient.get(key).is_some_and(|other| is_same(value, other)))
        }
        _ => strict == lenient,
    }
}

#[test]
fn what_is_read_is_json_and_says_the_same() {
    check!().for_each(|bytes: &[u8]| {
        if let Ok(strict) = read_json(bytes) {
            let lenient: Value = serde_json::from_slice(bytes).unwrap();
            assert!(is_same(&strict, &lenient));
        }
    });
}

/// Text of the characters that JSON is made of is JSON more often than bytes of chance.
#[test]
fn what_looks_like_json_is_read_alike() {
    const LETTERS: &[u8] = b"{}[]:,\"\"\\u00e4dtruefalsnl-+.0123456789eE \"a\":[1,2]";
    check!().with_type::<Vec<u8>>().for_each(|choices| {
        let letters = choices
            .iter()
            .map(|choice| LETTERS[usize::from(*choice) % LETTERS.len()]);
        let text: Vec<u8> = letters.collect();
        let lenient = serde_json::from_slice::<Value>(&text);
        match (read_json(&text), lenient) {
            (Ok(strict), Ok(lenient)) => assert!(is_same(&strict, &lenient)),
            (Ok(strict), Err(error)) => panic!("{strict}: {error}"),
            // A key that is given twice, for one.
            (Err(_), _) => {}
        }
    });
}
