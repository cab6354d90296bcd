//! Reading of stored documents, which may be damaged.

use std::collections::HashMap;
use std::fmt::Display;

use bson::{Bson, Document};
use serde::de::DeserializeOwned;

use crate::finding::{Finding, Invariant, Subject};

/// A document as what it should be, or the finding that it is not.
pub(crate) fn read<T: DeserializeOwned>(
    kind: &'static str,
    invariant: Invariant,
    document: Document,
) -> Result<T, Finding> {
    let id = id_text(document.get("_id"));
    bson::deserialize_from_document(document).map_err(|error| Finding {
        invariant,
        subject: Subject::new(kind, id),
        what: format!("cannot be read: {error}"),
    })
}

/// An id for people and for comparisons between services, of which some store ObjectIds as text.
pub(crate) fn id_text(id: Option<&Bson>) -> String {
    match id {
        Some(Bson::ObjectId(id)) => id.to_hex(),
        Some(Bson::String(id)) => id.clone(),
        Some(other) => other.to_string(),
        None => "without id".to_owned(),
    }
}

/// Documents by their id.
pub(crate) fn by_id(documents: Vec<Document>) -> HashMap<String, Document> {
    let keyed = documents
        .into_iter()
        .map(|document| (id_text(document.get("_id")), document));
    keyed.collect()
}

/// A whole number of any size that MongoDB counts in.
pub(crate) fn whole(value: Option<&Bson>) -> Option<i128> {
    match value {
        Some(Bson::Int32(number)) => Some(i128::from(*number)),
        Some(Bson::Int64(number)) => Some(i128::from(*number)),
        _ => None,
    }
}

/// The number of a field for people, also when it is none.
pub(crate) fn shown(value: Option<&Bson>) -> String {
    value.map_or_else(|| "nothing".to_owned(), ToString::to_string)
}

/// `one, two and three`, the first few of them.
pub(crate) fn listed<T: Display>(items: &[T]) -> String {
    const MOST: usize = 5;
    let mut words: Vec<String> = items.iter().take(MOST).map(ToString::to_string).collect();
    if items.len() > MOST {
        words.push(format!("{} more", items.len() - MOST));
    }
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => "none".to_owned(),
    }
}
