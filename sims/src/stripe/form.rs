//! Form encoding with nested names, as Stripe reads it:
//! `line_items[0][price_data][unit_amount]=500`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::errors::ApiError;

/// Deeper than any parameter of the API.
const DEEPEST: usize = 8;
/// More than a session with 100 lines and full metadata needs.
const MOST_PAIRS: usize = 10_000;

/// One parameter: a text, or a hash (or array) of parameters.
///
/// Sorted, so that two encodings of the same parameters are equal whatever
/// their order: idempotency compares parameters, not bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Node {
    Text(String),
    Fields(BTreeMap<String, Node>),
}

impl Default for Node {
    fn default() -> Self {
        Self::Fields(BTreeMap::new())
    }
}

/// Reads a request's body or query.
///
/// # Errors
/// A name that cannot be read, or one that is both a text and a hash.
pub(crate) fn parse(encoded: &[u8]) -> Result<Node, ApiError> {
    let mut root = Node::default();
    for (count, (name, value)) in url::form_urlencoded::parse(encoded).enumerate() {
        if count >= MOST_PAIRS {
            return Err(ApiError::invalid("The request has too many parameters."));
        }
        let path = split_name(&name).ok_or_else(|| malformed(&name))?;
        insert(&mut root, &path, value.into_owned()).ok_or_else(|| malformed(&name))?;
    }
    Ok(root)
}

fn malformed(name: &str) -> ApiError {
    ApiError::invalid(format!("Invalid parameter name: {name}")).param(name)
}

/// `a[b][]` → `["a", "b", ""]`.
fn split_name(name: &str) -> Option<Vec<&str>> {
    let (first, mut rest) = match name.find('[') {
        Some(bracket) => name.split_at(bracket),
        None => (name, ""),
    };
    if first.is_empty() || first.contains(']') {
        return None;
    }
    let mut path = vec![first];
    while !rest.is_empty() {
        let (part, after) = rest.strip_prefix('[')?.split_once(']')?;
        if part.contains('[') || path.len() == DEEPEST {
            return None;
        }
        path.push(part);
        rest = after;
    }
    Some(path)
}

fn insert(node: &mut Node, path: &[&str], value: String) -> Option<()> {
    let Node::Fields(fields) = node else {
        return None;
    };
    let (part, deeper) = path.split_first()?;
    let key = if part.is_empty() {
        fields.len().to_string()
    } else {
        (*part).to_owned()
    };
    if !deeper.is_empty() {
        return insert(fields.entry(key).or_default(), deeper, value);
    }
    if matches!(fields.get(&key), Some(Node::Fields(_))) {
        return None;
    }
    fields.insert(key, Node::Text(value));
    Some(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(encoded: &str) -> serde_json::Value {
        serde_json::to_value(parse(encoded.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn nested_names_become_nested_parameters() {
        assert_eq!(
            parsed("mode=payment&line_items[0][price_data][unit_amount]=500&metadata[k]=a%26b"),
            json!({
                "mode": "payment",
                "line_items": {"0": {"price_data": {"unit_amount": "500"}}},
                "metadata": {"k": "a&b"},
            })
        );
    }

    #[test]
    fn encoded_brackets_and_open_arrays_are_read() {
        assert_eq!(
            parsed("expand%5B%5D=line_items&expand[]=payment_intent"),
            json!({"expand": {"0": "line_items", "1": "payment_intent"}})
        );
    }

    #[test]
    fn order_makes_no_difference() {
        assert_eq!(
            parse(b"metadata[b]=2&metadata[a]=1&mode=payment"),
            parse(b"mode=payment&metadata[a]=1&metadata[b]=2")
        );
    }

    #[test]
    fn malformed_names_are_refused() {
        for encoded in [
            "a[b=1",
            "a]b=1",
            "[a]=1",
            "=1",
            "a[b]c=1",
            "a[b[c]]=1",
            "a=1&a[b]=2",
            "a[b]=2&a=1",
            "a[1][2][3][4][5][6][7][8]=1",
        ] {
            assert!(parse(encoded.as_bytes()).is_err(), "{encoded}");
        }
    }
}
