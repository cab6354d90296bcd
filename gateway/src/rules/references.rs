//! Which parts of the document a schema needs: a validator keeps what it is given, and there are hundreds.

use serde_json::{Map, Value, json};

const SCHEMAS: &str = "#/components/schemas/";

/// Of `components` the schemas to which references lead from `schema`, also by way of others.
pub(super) fn led_to(schema: &Value, components: &Value) -> Value {
    let mut found = Map::new();
    let mut waiting = names_in(schema);
    while let Some(name) = waiting.pop() {
        let known = found.contains_key(name);
        if let Some(schema) = components["schemas"].get(name).filter(|_| !known) {
            waiting.extend(names_in(schema));
            found.insert(name.to_owned(), schema.clone());
        }
    }
    json!({ "schemas": found })
}

fn names_in(schema: &Value) -> Vec<&str> {
    match schema {
        Value::Array(items) => items.iter().flat_map(names_in).collect(),
        Value::Object(fields) => {
            let reference = fields.get("$ref").and_then(Value::as_str);
            let name = reference.and_then(|reference| reference.strip_prefix(SCHEMAS));
            fields.values().flat_map(names_in).chain(name).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::led_to;

    #[test]
    fn references_are_followed_and_nothing_else_is_kept() {
        let components = json!({ "schemas": {
            "Cart": { "items": { "$ref": "#/components/schemas/Line" } },
            "Line": { "anyOf": [{ "$ref": "#/components/schemas/Cart" }, { "type": "null" }] },
            "Order": { "type": "object" },
        }});
        let schema = json!({ "properties": { "cart": { "$ref": "#/components/schemas/Cart" } } });
        let needed = led_to(&schema, &components);
        let names: Vec<&String> = needed["schemas"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["Cart", "Line"]);
        assert_eq!(led_to(&json!({}), &components), json!({ "schemas": {} }));
    }
}
