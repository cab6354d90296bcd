//! The committed documents of the interface are those of the routes.

use std::path::Path;

use reen_gateway::Documents;
use serde_json::Value;

/// The first place in which both differ, as a JSON pointer.
fn difference(committed: &Value, generated: &Value) -> Option<String> {
    match (committed, generated) {
        (Value::Object(left), Value::Object(right)) => {
            let mut names = left.keys().chain(right.keys());
            names.find_map(|name| {
                let missing = Value::Null;
                let pair = (left.get(name), right.get(name));
                let below = difference(pair.0.unwrap_or(&missing), pair.1.unwrap_or(&missing))?;
                Some(format!("/{}{below}", name.replace('/', "~1")))
            })
        }
        (left, right) => (left != right).then(String::new),
    }
}

#[test]
fn the_committed_documents_are_those_of_the_routes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi");
    let documents = Documents::of_routes().unwrap();
    for (name, generated) in [("v1.json", documents.first), ("v2.json", documents.second)] {
        let text = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        let committed: Value = serde_json::from_str(&text).unwrap_or_default();
        let difference = difference(&committed, &generated);
        assert!(
            difference.is_none(),
            "docs/openapi/{name} is not that of the routes, first at `{}`: cargo xtask openapi",
            difference.unwrap_or_default()
        );
    }
}
