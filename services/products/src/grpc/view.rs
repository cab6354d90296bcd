//! From what the rules know to messages.

use std::collections::HashSet;

use bson::DateTime;
use bson::oid::ObjectId;
use reen_chassis::Answered;
use reen_chassis::server::refuse;
use reen_error::Failure;
use reen_proto::paging::v1::Position;
use reen_proto::paging::v1::position::Key;
use reen_proto::products::v1 as proto;
use reen_proto::products::v1::item_outcome::Outcome;
use reen_proto::time::from_millis;

use crate::domain::{Counts, Difference, HeldLine, Listed, Place, PlaceKey, Product};
use crate::error::Error;
use crate::store::Comparison;

pub(super) fn product(product: Product) -> proto::Product {
    let time = |time: DateTime| Some(from_millis(time.timestamp_millis()));
    proto::Product {
        id: product.id.to_hex(),
        name: product.name,
        description: product.description,
        price_cents: product.price_cents,
        quantity: product.quantity,
        image_urls: product.image_urls,
        seller_id: product.seller_id.to_hex(),
        listed: product.listed,
        version: product.version,
        created_at: time(product.created_at),
        updated_at: time(product.updated_at),
    }
}

pub(super) fn page(listed: Listed) -> proto::ListProductsResponse {
    proto::ListProductsResponse {
        products: listed.products.into_iter().map(product).collect(),
        total: i64::try_from(listed.total).unwrap_or(i64::MAX),
        next: listed.next.map(position),
    }
}

fn position(place: Place) -> Position {
    let key = match place.key {
        PlaceKey::Text(text) => Key::Text(text),
        PlaceKey::Number(number) => Key::Number(number),
        PlaceKey::Time(time) => Key::Number(time.timestamp_millis()),
    };
    Position {
        key: Some(key),
        id: place.id.to_hex(),
    }
}

pub(super) fn repair(compared: Comparison) -> proto::RepairStockResponse {
    proto::RepairStockResponse {
        products: i64::try_from(compared.products).unwrap_or(i64::MAX),
        differences: compared.differences.into_iter().map(difference).collect(),
    }
}

fn difference(difference: Difference) -> proto::StockDifference {
    let counts = |counts: Counts| {
        Some(proto::StockCounts {
            available: counts.available,
            held: counts.held,
            sold: counts.sold,
            stocked: counts.stocked,
        })
    };
    proto::StockDifference {
        product_id: difference.product_id.to_hex(),
        counted: counts(difference.counted),
        expected: counts(difference.expected),
        repaired: difference.repaired,
    }
}

pub(super) fn reserved_line(line: HeldLine) -> proto::ReservedLine {
    proto::ReservedLine {
        product_id: line.product_id.to_hex(),
        name: line.name,
        seller_id: line.seller_id.to_hex(),
        unit_price_cents: line.unit_price_cents,
        quantity: line.quantity,
        image_url: line.image_url,
    }
}

pub(super) fn updated(
    (id, updated): (String, Result<Answered<proto::Product>, Error>),
) -> proto::ItemOutcome {
    let outcome = match updated {
        Ok(updated) => Outcome::Product(updated.answer),
        Err(error) => Outcome::Failure(item_failure(&error)),
    };
    proto::ItemOutcome {
        id,
        outcome: Some(outcome),
    }
}

/// One outcome for each id that was asked for, in that order.
pub(super) fn removals(asked: Vec<String>, removed: &[ObjectId]) -> Vec<proto::ItemOutcome> {
    let removed: HashSet<&ObjectId> = removed.iter().collect();
    let outcome = |id: String| {
        let is_removed = ObjectId::parse_str(&id).is_ok_and(|id| removed.contains(&id));
        let outcome = if is_removed {
            Outcome::Removed(proto::ItemRemoved {})
        } else {
            Outcome::Failure(item_failure(&Error::NotFound))
        };
        proto::ItemOutcome {
            id,
            outcome: Some(outcome),
        }
    };
    asked.into_iter().map(outcome).collect()
}

/// What a refusal of the whole call would say. There is no place for failing fields, so the message
/// names them.
fn item_failure(error: &Error) -> proto::ItemFailure {
    let failure = Failure::from_status(&refuse(error));
    let message = match failure.fields.as_slice() {
        [] => failure.message,
        fields => {
            let sentences = fields
                .iter()
                .map(|field| format!("{}: {}", field.field, field.message));
            sentences.collect::<Vec<_>>().join("; ")
        }
    };
    proto::ItemFailure {
        code: failure.code.word().to_owned(),
        message,
    }
}
