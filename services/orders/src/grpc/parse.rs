//! From messages to what the rules know.

use bson::oid::ObjectId;
use reen_error::{Failure, FieldFailure};
use reen_proto::orders::v1 as proto;
use reen_proto::paging::v1::Keyset;

use crate::domain::{CheckoutId, NewLine, NewOrder, OutsideRefund, Page, Requester, Status, Wish};

const MOST_IDS: usize = 1_000;
const LONGEST_REASON: usize = 500;
const LONGEST_STRIPE_ID: usize = 255;

pub(super) fn object_id(field: &str, id: &str) -> Result<ObjectId, Failure> {
    ObjectId::parse_str(id).map_err(|_| {
        invalid(FieldFailure::new(
            field,
            "not_an_id",
            "must be 24 hex digits",
        ))
    })
}

/// The ids that can be one; the others belong to no product, and so to no order.
pub(super) fn product_ids(asked: &[String]) -> Result<Vec<ObjectId>, Failure> {
    if asked.len() > MOST_IDS {
        let sentence = format!("must have at most {MOST_IDS}");
        return Err(invalid(FieldFailure::new(
            "productIds",
            "too_many",
            sentence,
        )));
    }
    let ids = asked.iter().filter_map(|id| ObjectId::parse_str(id).ok());
    Ok(ids.collect())
}

pub(super) fn page(limit: i32, skip: i64, keyset: Option<&Keyset>) -> Result<Page, Failure> {
    let page = Page::parse(limit, skip).map_err(Failure::invalid)?;
    match keyset {
        None => Ok(page),
        Some(Keyset { after: None }) => Ok(page.behind(None)),
        Some(Keyset { after: Some(last) }) => {
            object_id("after", &last.id).map(|last| page.behind(Some(last)))
        }
    }
}

pub(super) fn status(status: proto::Status) -> Result<Status, Failure> {
    match status {
        proto::Status::Paid => Ok(Status::Paid),
        proto::Status::Processing => Ok(Status::Processing),
        proto::Status::Shipped => Ok(Status::Shipped),
        proto::Status::Delivered => Ok(Status::Delivered),
        proto::Status::Refunded => Ok(Status::Refunded),
        proto::Status::Unspecified => Err(invalid(FieldFailure::new(
            "status",
            "unknown",
            "must be a status of orders",
        ))),
    }
}

pub(super) fn checkout_id(id: String) -> Result<CheckoutId, Failure> {
    CheckoutId::parse(id).map_err(invalid)
}

pub(super) fn new_order(asked: proto::CreateOrderRequest) -> Result<NewOrder, Failure> {
    let user_id = object_id("userId", &asked.user_id)?;
    let lines = asked
        .lines
        .into_iter()
        .enumerate()
        .map(|(position, line)| new_line(position, line))
        .collect::<Result<Vec<_>, _>>()?;
    NewOrder::parse(asked.checkout_id, user_id, asked.total_cents, lines).map_err(Failure::invalid)
}

/// What is asked for on behalf of `requester`; every field that is wrong is named.
pub(super) fn wish(
    asked: proto::RequestRefundRequest,
    requester: Requester,
) -> Result<Wish, Failure> {
    let mut wrong = Vec::new();
    let refund_id = ObjectId::parse_str(&asked.refund_id).unwrap_or_else(|_| {
        let sentence = "must be 24 hex digits";
        wrong.push(FieldFailure::new("refundId", "not_an_id", sentence));
        ObjectId::default()
    });
    wrong.extend(asked.amount_cents.and_then(unrefundable));
    if asked.reason.chars().count() > LONGEST_REASON {
        let sentence = format!("must have at most {LONGEST_REASON} characters");
        wrong.push(FieldFailure::new("reason", "too_long", sentence));
    }
    if !wrong.is_empty() {
        return Err(Failure::invalid(wrong));
    }
    Ok(Wish {
        refund_id: refund_id.to_hex(),
        requester,
        amount_cents: asked.amount_cents,
        restock: asked.restock,
        reason: asked.reason,
    })
}

pub(super) fn outside_refund(
    stripe_refund_id: String,
    amount_cents: i64,
) -> Result<OutsideRefund, Failure> {
    if let Some(wrong) = unrefundable(amount_cents) {
        return Err(invalid(wrong));
    }
    Ok(OutsideRefund {
        stripe_refund_id: stripe_id("stripeRefundId", stripe_refund_id)?,
        amount_cents,
    })
}

/// An id that Stripe made.
pub(super) fn stripe_id(field: &str, id: String) -> Result<String, Failure> {
    if (1..=LONGEST_STRIPE_ID).contains(&id.len()) {
        return Ok(id);
    }
    let sentence = format!("must have 1 to {LONGEST_STRIPE_ID} characters");
    Err(invalid(FieldFailure::new(field, "out_of_range", sentence)))
}

fn unrefundable(amount_cents: i64) -> Option<FieldFailure> {
    let wrong = || FieldFailure::new("amountCents", "too_small", "must be at least 1");
    (amount_cents < 1).then(wrong)
}

fn new_line(position: usize, line: proto::NewLine) -> Result<NewLine, Failure> {
    let id = |field: &str, id: &str| object_id(&format!("lines[{position}].{field}"), id);
    Ok(NewLine {
        product_id: id("productId", &line.product_id)?,
        name: line.name,
        seller_id: id("sellerId", &line.seller_id)?,
        unit_price_cents: line.unit_price_cents,
        quantity: line.quantity,
        image_url: line.image_url,
    })
}

fn invalid(field: FieldFailure) -> Failure {
    Failure::invalid(vec![field])
}
