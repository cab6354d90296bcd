//! What one version has and another has no more, or under another name.

use serde_json::{Map, Value, json};

use super::Version;

/// A route of the first version that has another path in the second.
struct Renamed {
    /// Below the base of the version; the router knows it by this.
    first: &'static str,
    second: &'static str,
    /// Since when clients should not use it in the first version, in seconds since 1970.
    deprecated_at: i64,
    /// The day before which it does not go away there.
    sunset: &'static str,
}

const RENAMED: [Renamed; 1] = [Renamed {
    first: "/auth/find-all",
    second: "/auth/users",
    // 2026-11-21T00:00:00Z
    deprecated_at: 1_795_219_200,
    sunset: "2028-01-01",
}];

/// The path that the router knows for `rest` of a version; `None` when this version has no such path.
pub(super) fn routed(version: Version, rest: &str) -> Option<&str> {
    if version == Version::First {
        return Some(rest);
    }
    if RENAMED.iter().any(|each| each.first == rest) {
        return None;
    }
    let renamed = RENAMED.iter().find(|each| each.second == rest);
    Some(renamed.map_or(rest, |each| each.first))
}

/// The path that the router knows for a path of the second version's document.
pub(crate) fn routed_path(path: &str) -> String {
    let rest = path.strip_prefix(Version::Second.base());
    match rest.and_then(|rest| routed(Version::Second, rest)) {
        Some(rest) => format!("{}{rest}", Version::First.base()),
        None => path.to_owned(),
    }
}

/// Marks in the document of the first version what is better called in the second.
pub(crate) fn announce_retirements(document: &mut Value) {
    for renamed in &RENAMED {
        let path = format!("{}{}", Version::First.base(), renamed.first);
        let operations = document["paths"]
            .get_mut(path)
            .and_then(Value::as_object_mut);
        for operation in operations.into_iter().flat_map(Map::values_mut) {
            let successor = format!("{}{}", Version::Second.base(), renamed.second);
            operation["deprecated"] = json!(true);
            operation["x-deprecated-at"] = json!(renamed.deprecated_at);
            operation["x-sunset"] = json!(renamed.sunset);
            operation["x-successor"] = json!(successor);
        }
    }
}

/// The paths of the first version as the second has them.
pub(crate) fn rename_paths(paths: Map<String, Value>) -> Map<String, Value> {
    let (first, second) = (Version::First.base(), Version::Second.base());
    let rename = |path: String| match path.strip_prefix(first) {
        Some(rest) => {
            let renamed = RENAMED.iter().find(|each| each.first == rest);
            format!("{second}{}", renamed.map_or(rest, |each| each.second))
        }
        None => path,
    };
    paths
        .into_iter()
        .map(|(path, item)| (rename(path), item))
        .collect()
}
