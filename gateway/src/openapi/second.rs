//! The document of the second version, derived from that of the first: the handlers are the same, and so
//! is what they say, but for amounts, lists and names.

use serde_json::{Map, Value, json};

use super::{amounts, lists, pruning};
use crate::version::rename_paths;

const ABOUT: &str = "The public interface of REEN, version 2. Amounts of money are objects that name their \
     currency and count its minor units; filters by amount count minor units as well. Lists are pages: the \
     `nextCursor` of one, given as `cursor`, leads to the next, and is null on the last. Ids are 24 \
     hexadecimal digits; times are RFC 3339 in UTC. Every error is a problem document (RFC 9457) whose \
     `code` is stable; a body or a query that is not what is described here is refused with every failing \
     field. Every answer carries `X-Request-Id` and `Reen-Version`. The version is named by the path, or \
     below `/api` by the header `Reen-Version: 2` (`unknown_version` when there is no such version).";

/// Derives the document from the completed one of the first version.
pub(super) fn derive(mut document: Value) -> Value {
    document["info"]["description"] = json!(ABOUT);
    lists::page_by_cursor(&mut document);
    amounts::count_minor_units(&mut document);
    if let Some(paths) = document["paths"].as_object_mut() {
        *paths = rename_paths(std::mem::take(paths));
    }
    pruning::drop_unused_schemas(&mut document);
    document
}

/// The operations of a document with their methods.
pub(super) fn operations(document: &mut Value) -> impl Iterator<Item = (&str, &mut Value)> {
    let paths = document["paths"].as_object_mut();
    let items = paths.into_iter().flat_map(Map::values_mut);
    let items = items.filter_map(Value::as_object_mut);
    items.flat_map(|item| {
        item.iter_mut()
            .map(|(method, each)| (method.as_str(), each))
    })
}
