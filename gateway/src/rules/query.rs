//! Query strings: read strictly, typed and checked by what the document says of each parameter.

use std::collections::HashMap;

use jsonschema::Validator;
use reen_error::Code;
use serde_json::{Map, Value, json};

use super::{RulesError, compile, failures};
use crate::error::Error;

const HEX: u32 = 16;

/// The query parameters of one operation. Others that come along are passed over.
#[derive(Debug)]
pub(crate) struct QueryRules {
    /// Whether each parameter is a number; the others are text.
    numeric: HashMap<String, bool>,
    validator: Validator,
}

impl QueryRules {
    pub(super) fn read(parameters: &Value, components: &Value) -> Result<Self, RulesError> {
        let parameters = parameters.as_array().map(Vec::as_slice).unwrap_or_default();
        let mut numeric = HashMap::new();
        let mut properties = Map::new();
        for parameter in parameters.iter().filter(|each| each["in"] == "query") {
            let name = parameter["name"].as_str().unwrap_or_default().to_owned();
            let schema = &parameter["schema"];
            let is_number = schema["type"] == "number" || schema["type"] == "integer";
            numeric.insert(name.clone(), is_number);
            properties.insert(name, schema.clone());
        }
        let schema = json!({ "type": "object", "properties": properties });
        Ok(Self {
            numeric,
            validator: compile(&schema, components)?,
        })
    }

    /// The parameters of a query string as one JSON object.
    pub(crate) fn check(&self, query: &str) -> Result<Value, Error> {
        let mut values = Map::new();
        if self.numeric.is_empty() {
            // Who takes none does not look at it either, however malformed it is.
            return Ok(Value::Object(values));
        }
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            let Some(is_number) = self.numeric.get(&name) else {
                continue;
            };
            let value = if *is_number {
                number(&name, &value)?
            } else {
                Value::String(value)
            };
            if values.insert(name.clone(), value).is_some() {
                return Err(bad(format!("{name} is given twice")));
            }
        }
        let values = Value::Object(values);
        failures::check(&self.validator, &values).map_err(Error::invalid)?;
        Ok(values)
    }
}

fn number(name: &str, value: &str) -> Result<Value, Error> {
    // JSON lets white space stand around a number.
    let is_bare = !value.contains(char::is_whitespace);
    match crate::extract::read_json(value.as_bytes()) {
        Ok(number @ Value::Number(_)) if is_bare => Ok(number),
        _ => Err(bad(format!("{name} must be a number"))),
    }
}

/// Undoes percent-encoding; unlike the browsers' forgiving algorithm it refuses what is malformed.
fn decode(text: &str) -> Result<String, Error> {
    let malformed = || bad("the query string is not percent-encoded UTF-8".to_owned());
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = hex_digit(rest.next()).ok_or_else(malformed)?;
                let low = hex_digit(rest.next()).ok_or_else(malformed)?;
                high << 4 | low
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|error| malformed().because(error))
}

fn hex_digit(byte: Option<u8>) -> Option<u8> {
    let digit = char::from(byte?).to_digit(HEX)?;
    u8::try_from(digit).ok()
}

fn bad(message: String) -> Error {
    Error::new(Code::BadQuery, message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reen_error::{Code, Coded as _};
    use serde_json::{Value, json};

    use super::{QueryRules, decode};
    use crate::error::Error;

    fn check(query: &str) -> Result<Value, Error> {
        let parameters = json!([
            { "in": "query", "name": "name", "schema": { "type": "string", "maxLength": 5 } },
            { "in": "query", "name": "limit", "schema": { "type": "integer", "minimum": 1 } },
            { "in": "query", "name": "minPrice", "schema": { "type": "number", "multipleOf": 0.01 } },
            { "in": "path", "name": "id", "schema": { "type": "string" } }
        ]);
        QueryRules::read(&parameters, &json!({}))
            .unwrap()
            .check(query)
    }

    #[test]
    fn parameters_are_typed() {
        let read = check("name=a+b%C3%A4&limit=7&minPrice=0.10&utm=x&").unwrap();
        assert_eq!(read, json!({ "name": "a bä", "limit": 7, "minPrice": 0.1 }));
    }

    #[test]
    fn what_cannot_be_read_is_a_bad_query() {
        for query in [
            "limit=",
            "limit=abc",
            "limit=01",
            "limit=+1",
            "limit=0x10",
            "limit=NaN",
            "limit=1e999",
            "limit=[1]",
            "limit=1&limit=2",
            "name=%",
            "name=%4",
            "name=%zz",
            "name=%ff",
            "name=%C3",
            "%ff=1",
            "limit=%2B1",
        ] {
            assert_eq!(check(query).unwrap_err().code(), Code::BadQuery, "{query}");
        }
    }

    #[test]
    fn what_is_out_of_range_is_invalid_in_every_field() {
        let error = check("limit=0&minPrice=0.001&name=toolong").unwrap_err();
        let fields = error.fields();
        let mut codes: Vec<_> = fields.iter().map(|each| each.code.as_str()).collect();
        codes.sort_unstable();
        assert_eq!(codes, ["too_long", "too_many_decimals", "too_small"]);
    }

    proptest! {
        #[test]
        fn no_query_string_panics(query in "\\PC*") {
            let _outcome = check(&query);
        }

        #[test]
        fn what_was_encoded_is_decoded(text in "\\PC*") {
            let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
            prop_assert_eq!(decode(&encoded).unwrap(), text);
        }
    }
}
