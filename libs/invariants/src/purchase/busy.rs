//! Purchases that a saga is at.

use std::collections::HashSet;

use bson::{Document, doc};

use super::names::Names;
use crate::Error;
use crate::databases::Source;
use crate::sagas::UNSETTLED;

/// By what a saga's state names a purchase.
const MENTIONS: [&str; 4] = ["checkout_id", "order_id", "payment_intent_id", "refund_id"];

/// The checkouts of those purchases.
pub(super) async fn among(sagas: &Source, names: &Names) -> Result<HashSet<String>, Error> {
    let all = names.all();
    let mut mentions = vec![doc! {"key": {"$in": all.clone()}}];
    for field in MENTIONS {
        mentions.push(doc! {format!("state.{field}"): {"$in": all.clone()}});
    }
    let busy = doc! {"status": {"$in": UNSETTLED}, "$or": mentions};
    let found = sagas.find(busy, doc! {"key": 1, "state": 1}).await?;
    let meant = found.iter().flat_map(mentioned);
    Ok(meant
        .filter_map(|name| names.checkout(name).cloned())
        .collect())
}

fn mentioned(saga: &Document) -> impl Iterator<Item = &str> {
    let state = saga.get_document("state").ok();
    let in_state = MENTIONS
        .into_iter()
        .filter_map(move |field| state?.get_str(field).ok());
    saga.get_str("key").into_iter().chain(in_state)
}
