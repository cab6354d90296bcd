//! JSON as RFC 8259 recommends it: a key that is given twice is an error, not a choice.

use std::cell::Cell;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Number, Value};

const LONGEST_KEY: usize = 64;

/// Far more than any body that is asked for, far less than what a megabyte can hold: each value that is
/// wrong costs a description of what is wrong with it.
const MOST_VALUES: usize = 10_000;

/// Reads one JSON value and nothing after it. Numbers without a fraction are integers, however they
/// are written, so that `2.0` and `2` are the same quantity.
pub(crate) fn read_json(text: &[u8]) -> serde_json::Result<Value> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let left = Cell::new(MOST_VALUES);
    let value = Strict { left: &left }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

#[derive(Clone, Copy)]
struct Strict<'count> {
    /// How many values more may come.
    left: &'count Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.left.get().checked_sub(1) {
            Some(left) => self.left.set(left),
            None => return Err(D::Error::custom("there are too many values")),
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        let integer = value.to_string().parse::<i64>().ok().map(Number::from);
        let number = integer.or_else(|| Number::from_f64(value));
        Ok(number.map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(Key(key)) = entries.next_key()? {
            if object.contains_key(&key) {
                let shown: String = key.chars().take(LONGEST_KEY).collect();
                return Err(A::Error::custom(format_args!(
                    "the key {shown:?} is given twice"
                )));
            }
            let value = entries.next_value_seed(self)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::read_json;

    #[test]
    fn ordinary_values_are_read() {
        let text = br#"{"a":[1,-2,0.5,"x",null,true],"b":{"c":"\u00e4"}}"#;
        let value = json!({"a": [1, -2, 0.5, "x", null, true], "b": {"c": "ä"}});
        assert_eq!(read_json(text).unwrap(), value);
    }

    #[test]
    fn a_whole_number_is_an_integer() {
        assert_eq!(read_json(b"2.0").unwrap(), json!(2));
        assert_eq!(read_json(b"1e2").unwrap(), json!(100));
        assert_eq!(read_json(b"-0.0").unwrap(), json!(0));
    }

    #[test]
    fn what_is_no_json_or_says_two_things_is_refused() {
        for text in [
            "",
            " ",
            "{",
            "{\"a\":1,}",
            "{} {}",
            "nul",
            "NaN",
            "Infinity",
            "1e999",
            "01",
            "'a'",
            "{\"a\":1,\"a\":2}",
            "{\"a\":1,\"\\u0061\":2}",
            "\"\\ud800\"",
            "\"a\u{1}\"",
            "[1,]",
            "\u{feff}{}",
        ] {
            assert!(read_json(text.as_bytes()).is_err(), "{text}");
        }
        assert!(read_json(b"\"\xff\"").is_err());
    }

    #[test]
    fn nesting_has_an_end() {
        let deep = "[".repeat(100_000);
        assert!(read_json(deep.as_bytes()).is_err());
    }

    #[test]
    fn values_have_an_end() {
        let zeros = |count: usize| format!("[{}0]", "0,".repeat(count - 1));
        assert!(read_json(zeros(9_999).as_bytes()).is_ok());
        assert!(read_json(zeros(10_000).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _outcome = read_json(&bytes);
        }

        #[test]
        fn it_reads_what_the_lenient_reader_reads(text in "\\PC*", number in -1_000_000_i64..1_000_000) {
            let value = json!({ "text": text, "number": number });
            let written = serde_json::to_vec(&value).unwrap();
            let lenient: Value = serde_json::from_slice(&written).unwrap();
            prop_assert_eq!(read_json(&written).unwrap(), lenient);
        }
    }
}
