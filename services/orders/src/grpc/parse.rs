//! From messages to what the rules know.

use bson::oid::ObjectId;
use reen_error::{Failure, FieldFailure};
use reen_proto::orders::v1 as proto;

use crate::domain::{CheckoutId, NewLine, NewOrder, Page, Status};

const MOST_IDS: usize = 1_000;

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

pub(super) fn page(limit: i32, skip: i64) -> Result<Page, Failure> {
    Page::parse(limit, skip).map_err(Failure::invalid)
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
