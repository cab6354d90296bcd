//! Amounts of money, which the first version writes as numbers in hundredths and the second as objects.

use serde_json::{Value, json};
use utoipa::ToSchema as _;

use super::second::operations;
use crate::money::{CURRENCY, Money};

/// Nothing but amounts of money comes in hundredths.
const HUNDREDTHS: f64 = 0.01;
const MINOR_UNITS: &str = "In minor units (cents)";

/// Makes every amount one in minor units: a bare one in queries, an object in bodies.
pub(super) fn count_minor_units(document: &mut Value) {
    for (_, operation) in operations(document) {
        // By index, what is absent would become null.
        let parameters = operation.get_mut("parameters");
        let parameters = parameters.and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten() {
            if is_amount(&parameter["schema"]) {
                parameter["schema"] = bare(&parameter["schema"]);
                say_minor_units(parameter);
            }
        }
    }
    let schemas = document.pointer_mut("/components/schemas");
    if let Some(money) = schemas.and_then(|all| all.get_mut(Money::name().as_ref())) {
        *money = object(money);
    }
    convert(document);
}

fn convert(value: &mut Value) {
    if is_amount(value) {
        *value = object(value);
        return;
    }
    match value {
        Value::Object(fields) => fields.values_mut().for_each(convert),
        Value::Array(items) => items.iter_mut().for_each(convert),
        _ => {}
    }
}

fn is_amount(schema: &Value) -> bool {
    schema["type"] == "number" && schema["multipleOf"] == HUNDREDTHS
}

/// The integer of minor units with the bounds of the number in major ones.
fn bare(number: &Value) -> Value {
    let mut integer = json!({ "type": "integer", "format": "int64" });
    for bound in ["minimum", "maximum"] {
        if let Some(cents) = cents(&number[bound]) {
            integer[bound] = json!(cents);
        }
    }
    if let Some(about) = number.get("description") {
        integer["description"] = about.clone();
        say_minor_units(&mut integer);
    }
    integer
}

fn object(number: &Value) -> Value {
    let mut amount = bare(number);
    amount["description"] = json!(format!("{MINOR_UNITS}."));
    let mut object = json!({
        "type": "object",
        "required": ["amount", "currency"],
        "properties": {
            "amount": amount,
            "currency": { "type": "string", "enum": [CURRENCY], "description": "ISO 4217." },
        },
        "additionalProperties": false,
    });
    if let Some(example) = cents(&number["examples"][0]) {
        object["examples"] = json!([{ "amount": example, "currency": CURRENCY }]);
    }
    object
}

fn say_minor_units(described: &mut Value) {
    if let Some(about) = described["description"].as_str() {
        described["description"] = json!(about.replace("In major units", MINOR_UNITS));
    }
}

fn cents(number: &Value) -> Option<i64> {
    number
        .as_number()
        .and_then(Money::from_number)
        .map(Money::cents)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::count_minor_units;

    #[test]
    fn an_amount_is_bare_in_a_query_and_an_object_in_a_body() {
        let price = json!({ "type": "number", "minimum": 0.01, "maximum": 1_000.5, "multipleOf": 0.01,
            "examples": [99.99] });
        let mut document = json!({ "paths": { "/things": { "get": {
            "parameters": [
                { "in": "query", "name": "minPrice", "schema": price },
                { "in": "query", "name": "size", "schema": { "type": "number" } },
            ],
            "requestBody": price,
        } } } });
        count_minor_units(&mut document);
        let operation = &document["paths"]["/things"]["get"];
        let integer =
            json!({ "type": "integer", "format": "int64", "minimum": 1, "maximum": 100_050 });
        assert_eq!(operation["parameters"][0]["schema"], integer);
        assert_eq!(
            operation["parameters"][1]["schema"],
            json!({ "type": "number" })
        );
        let body = &operation["requestBody"];
        assert_eq!(body["properties"]["amount"]["maximum"], 100_050);
        assert_eq!(body["required"], json!(["amount", "currency"]));
        assert_eq!(
            body["examples"][0],
            json!({ "amount": 9_999, "currency": "USD" })
        );
    }
}
