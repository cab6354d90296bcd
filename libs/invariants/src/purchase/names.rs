//! Under which names the parts of a purchase are stored. They are made by events-handler and never
//! change: operation ids rest on them.

use std::collections::HashMap;

use bson::oid::ObjectId;
use bson::{Bson, Document};

use crate::fields::id_text;
use crate::order::Refund;

/// The kind of the saga that makes an order of a payment; its key is the checkout's id.
pub(crate) const ORDER_COMPLETED: &str = "order-completed";
/// Steps of [`ORDER_COMPLETED`].
pub(crate) const POST_SALE: &str = "post-sale";
pub(crate) const RECORD_PURCHASE: &str = "record-purchase";
pub(super) const TAKE_OUT_OF_CART: &str = "take-out-of-cart";
pub(super) const CREATE_ORDER: &str = "create-order";
const REFUND_REQUESTED: &str = "refund-requested:";
const POST_REFUND: &str = "/post-refund";

/// The saga of a checkout's payment.
pub(super) fn saga_of(checkout_id: &str) -> String {
    format!("{ORDER_COMPLETED}:{checkout_id}")
}

/// The operation of a step of that saga.
pub(super) fn step(checkout_id: &str, name: &str) -> String {
    format!("{ORDER_COMPLETED}:{checkout_id}/{name}")
}

/// The checkout of such an operation.
pub(crate) fn checkout_of_step<'id>(operation_id: &'id str, name: &str) -> Option<&'id str> {
    let saga = operation_id.strip_suffix(name)?.strip_suffix('/')?;
    let key = saga.strip_prefix(ORDER_COMPLETED)?.strip_prefix(':')?;
    ObjectId::parse_str(key).is_ok().then_some(key)
}

/// The hold that was made anew for a late payment.
pub(super) fn late_hold(checkout_id: &str) -> String {
    format!("{checkout_id}/late")
}

/// The operation that posts a refund, whichever saga found out about it.
pub(super) fn refund_operation(refund: &Refund) -> String {
    format!("{REFUND_REQUESTED}{}{POST_REFUND}", refund.id)
}

/// The refund of such an operation.
pub(crate) fn refund_of_operation(operation_id: &str) -> Option<&str> {
    let id = operation_id.strip_prefix(REFUND_REQUESTED)?;
    id.strip_suffix(POST_REFUND)
}

/// What the purchases of a batch are called, and which of them is meant.
#[derive(Debug, Default)]
pub(super) struct Names {
    checkouts: Vec<String>,
    refund_operations: Vec<String>,
    /// From every name to the checkout.
    meant: HashMap<String, String>,
}

impl Names {
    pub(super) fn add_checkout(&mut self, checkout: &Document) {
        let id = id_text(checkout.get("_id"));
        self.meant.insert(id.clone(), id.clone());
        let payment = checkout.get_document("payment").ok();
        if let Some(intent) = payment.and_then(|payment| payment.get_str("intentId").ok()) {
            self.meant.insert(intent.to_owned(), id.clone());
        }
        self.checkouts.push(id);
    }

    pub(super) fn add_order(&mut self, order: &Document) {
        let checkout_id = id_text(order.get("checkoutId"));
        self.meant
            .insert(id_text(order.get("_id")), checkout_id.clone());
        let refunds = order.get_array("refunds").into_iter().flatten();
        let refunds = refunds.filter_map(|it| bson::deserialize_from_bson(it.clone()).ok());
        for refund in refunds.collect::<Vec<Refund>>() {
            self.refund_operations.push(refund_operation(&refund));
            self.meant.insert(refund.id, checkout_id.clone());
        }
    }

    /// The checkout that is meant by a name.
    pub(super) fn checkout(&self, name: &str) -> Option<&String> {
        self.meant.get(name)
    }

    pub(super) fn all(&self) -> Vec<&String> {
        self.meant.keys().collect()
    }

    pub(super) fn checkouts(&self) -> Vec<Bson> {
        self.each(str::to_owned)
    }

    pub(super) fn sagas_of_payments(&self) -> Vec<Bson> {
        self.each(saga_of)
    }

    pub(super) fn steps(&self, name: &str) -> Vec<Bson> {
        self.each(|checkout_id| step(checkout_id, name))
    }

    pub(super) fn holds(&self) -> Vec<Bson> {
        let late = self.each(late_hold);
        self.checkouts().into_iter().chain(late).collect()
    }

    pub(super) fn postings(&self) -> Vec<Bson> {
        let refunds = self.refund_operations.iter().cloned().map(Bson::from);
        self.steps(POST_SALE).into_iter().chain(refunds).collect()
    }

    fn each(&self, name: impl Fn(&str) -> String) -> Vec<Bson> {
        self.checkouts.iter().map(|id| name(id).into()).collect()
    }
}
