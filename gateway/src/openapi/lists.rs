//! Lists, which the first version answers as arrays and the second as pages with cursors.

use serde_json::{Value, json};

use super::second::operations;
use crate::cursor::{DEFAULT_LIMIT, LONGEST_CURSOR, MOST_ON_A_PAGE};

/// By this mark of an operation its handler says that it takes a cursor in the second version. A list
/// without it is short by nature, and one page.
const MARK: &str = "x-paged";
/// What stands for a part of a list in the first version.
const NUMBERED: [&str; 3] = ["limit", "page", "before"];
/// What tells of other parts of a list in the first version.
const HEADERS: [&str; 2] = ["X-Total-Count", "Link"];

/// Makes every list a page with a cursor.
pub(super) fn page_by_cursor(document: &mut Value) {
    let components = document["components"].take();
    for (method, operation) in operations(document) {
        let is_paged = operation[MARK] == true;
        if method == "get" {
            wrap_answer(operation, &components);
        }
        if is_paged {
            take_cursor(operation);
        }
    }
    document["components"] = components;
    forget_marks(document);
}

/// Removes what is of no use to clients.
pub(super) fn forget_marks(document: &mut Value) {
    for (_, operation) in operations(document) {
        if let Some(operation) = operation.as_object_mut() {
            operation.remove(MARK);
        }
    }
}

fn wrap_answer(operation: &mut Value, components: &Value) {
    let Some(answer) = operation.pointer_mut("/responses/200") else {
        return;
    };
    let schema = answer.pointer_mut("/content/application~1json/schema");
    let Some(schema) = schema else {
        return;
    };
    let Some(items) = items_of(schema, components) else {
        return;
    };
    *schema = json!({
        "type": "object",
        "required": ["items", "nextCursor"],
        "properties": {
            "items": { "type": "array", "items": items },
            "nextCursor": {
                "type": ["string", "null"],
                "description": "Leads to the next page as `cursor`; null on the last.",
            },
        },
    });
    answer["description"] = json!("A page of the list");
    if let Some(headers) = answer.get_mut("headers").and_then(Value::as_object_mut) {
        headers.retain(|name, _| !HEADERS.contains(&name.as_str()));
    }
}

/// What an array has for items; of alternatives, one that is an array.
fn items_of(schema: &Value, components: &Value) -> Option<Value> {
    if schema["type"] == "array" {
        return Some(schema["items"].clone());
    }
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.strip_prefix("#/components")?;
        return items_of(components.pointer(pointer)?, components);
    }
    let alternatives = schema["oneOf"].as_array()?;
    alternatives
        .iter()
        .find_map(|each| items_of(each, components))
}

fn take_cursor(operation: &mut Value) {
    let parameters = operation["parameters"].as_array().cloned();
    let mut parameters = parameters.unwrap_or_default();
    parameters.retain(|each| {
        let is_numbered = each["name"]
            .as_str()
            .is_some_and(|name| NUMBERED.contains(&name));
        !(is_numbered && each["in"] == "query")
    });
    parameters.push(json!({
        "name": "limit",
        "in": "query",
        "required": false,
        "description": "The length of a page.",
        "schema": {
            "type": "integer",
            "minimum": 1,
            "maximum": MOST_ON_A_PAGE,
            "default": DEFAULT_LIMIT,
        },
    }));
    parameters.push(json!({
        "name": "cursor",
        "in": "query",
        "required": false,
        "description": "The `nextCursor` of the page before, under the same filters and order.",
        "schema": { "type": "string", "minLength": 1, "maxLength": LONGEST_CURSOR },
    }));
    operation["parameters"] = json!(parameters);
    let refused = |about: &str| {
        let problem = json!({ "schema": { "$ref": "#/components/schemas/Problem" } });
        json!({ "description": about, "content": { "application/problem+json": problem } })
    };
    operation["responses"]["400"] = refused("`bad_query`, `bad_cursor`");
    operation["responses"]["422"] = refused("`validation_failed`");
}
