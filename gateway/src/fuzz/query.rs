use std::collections::HashMap;
use std::sync::LazyLock;

use axum::http::Method;
use bolero::check;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::error::Error;
use crate::rules::Rules;

/// Some of everything that parameters are.
static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let parameter =
        |name: &str, schema: Value| json!({"in": "query", "name": name, "schema": schema});
    let parameters = [
        parameter("name", json!({"type": "string", "maxLength": 100})),
        parameter("order", json!({"type": "string", "enum": ["asc", "desc"]})),
        parameter(
            "limit",
            json!({"type": "integer", "minimum": 1, "maximum": 100}),
        ),
        parameter(
            "minPrice",
            json!({"type": "number", "minimum": 0, "multipleOf": 0.01}),
        ),
    ];
    let document = json!({"paths": {"/things": {"get": {"parameters": parameters}}}});
    Rules::read(&document).unwrap()
});

fn read(query: &str) -> Result<Value, Error> {
    let operation = RULES.of("/things", &Method::GET).unwrap();
    operation.query.check(query)
}

/// The forgiving reader of browsers, of another's making.
fn as_browsers_read(query: &str) -> HashMap<String, String> {
    form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

#[test]
fn what_is_accepted_is_what_was_sent() {
    check!().with_type::<String>().for_each(|query| {
        let Ok(Value::Object(accepted)) = read(query) else {
            return;
        };
        let sent = as_browsers_read(query);
        for (name, value) in accepted {
            match value {
                Value::String(text) => assert_eq!(Some(&text), sent.get(&name)),
                number => assert_eq!(number.as_f64(), sent[&name].parse().ok()),
            }
        }
    });
}

#[test]
fn what_was_encoded_is_understood() {
    check!()
        .with_type::<(String, u8, bool)>()
        .for_each(|(name, limit, ascending)| {
            let order = if *ascending { "asc" } else { "desc" };
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("name", name)
                .append_pair("limit", &limit.to_string())
                .append_pair("order", order)
                .finish();
            let is_valid = (1..=100).contains(limit) && name.chars().count() <= 100;
            let expected = is_valid.then(|| json!({"name": name, "limit": limit, "order": order}));
            assert_eq!(read(&query).ok(), expected, "{query}");
        });
}

/// What looks like a query more often than text of chance does.
#[test]
fn pieces_of_queries_are_read_or_refused() {
    const PIECES: [&str; 20] = [
        "&", "=", "%", "+", "name", "limit", "minPrice", "order", "asc", "desc", "7", "0.1", "1e2",
        "-", "%2B", "%C3%A4", "%ff", "%00", " ", ".",
    ];
    check!().with_type::<Vec<u8>>().for_each(|choices| {
        let pieces = choices
            .iter()
            .map(|choice| PIECES[usize::from(*choice) % PIECES.len()]);
        let query: String = pieces.take(24).collect();
        if let Ok(accepted) = read(&query) {
            let sent = as_browsers_read(&query);
            let known = accepted.as_object().unwrap().keys();
            assert!(
                known.into_iter().all(|name| sent.contains_key(name)),
                "{query}"
            );
        }
    });
}
