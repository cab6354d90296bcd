//! What nobody refers to any more goes out of a document.

use std::collections::BTreeSet;

use serde_json::Value;

const SCHEMAS: &str = "/components/schemas";

/// Drops the schemas to which no operation leads.
pub(super) fn drop_unused_schemas(document: &mut Value) {
    let mut used = BTreeSet::new();
    follow(&document["paths"], document, &mut used);
    if let Some(Value::Object(schemas)) = document.pointer_mut(SCHEMAS) {
        schemas.retain(|name, _| used.contains(name));
    }
}

fn follow(value: &Value, document: &Value, used: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            let reference = fields.get("$ref").and_then(Value::as_str);
            if let Some(name) = reference.and_then(|each| each.rsplit('/').next())
                && used.insert(name.to_owned())
            {
                follow(&document["components"]["schemas"][name], document, used);
            }
            fields
                .values()
                .for_each(|each| follow(each, document, used));
        }
        Value::Array(items) => items.iter().for_each(|each| follow(each, document, used)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::drop_unused_schemas;

    #[test]
    fn what_is_led_to_stays() {
        let mut document = json!({
            "paths": { "/": [{ "$ref": "#/components/schemas/A" }] },
            "components": { "schemas": {
                "A": { "x": { "$ref": "#/components/schemas/B" } },
                "B": { "y": { "$ref": "#/components/schemas/A" } },
                "C": {},
            } },
        });
        drop_unused_schemas(&mut document);
        let kept = document["components"]["schemas"].as_object().unwrap();
        assert_eq!(kept.keys().collect::<Vec<_>>(), ["A", "B"]);
    }
}
