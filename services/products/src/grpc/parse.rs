//! From messages to what the rules know.

use std::collections::HashSet;

use bson::DateTime;
use bson::oid::ObjectId;
use reen_error::{Failure, FieldFailure};
use reen_proto::paging::v1::Position;
use reen_proto::paging::v1::position::Key;
use reen_proto::products::v1 as proto;
use reen_proto::time::to_millis;

use crate::domain::{
    Change, Criteria, Draft, HoldId, Page, Place, PlaceKey, Range, Reservation, Search, Sort,
    SortField, StockLine, Wish, page_size,
};
use crate::error::Error;
use crate::service::ProductChange;

const MOST_IDS: usize = 1_000;
const MOST_ITEMS: usize = 100;

pub(super) fn object_id(field: &str, id: &str) -> Result<ObjectId, Failure> {
    ObjectId::parse_str(id).map_err(|_| {
        let malformed = FieldFailure::new(field, "not_an_id", "must be 24 hex digits");
        Failure::invalid(vec![malformed])
    })
}

/// The ids that can be one; the others belong to nothing.
pub(super) fn ids(ids: &[String]) -> Vec<ObjectId> {
    ids.iter()
        .filter_map(|id| ObjectId::parse_str(id).ok())
        .collect()
}

pub(super) fn known_ids(asked: &[String]) -> Result<Vec<ObjectId>, Failure> {
    if asked.len() > MOST_IDS {
        let sentence = format!("must have at most {MOST_IDS}");
        return Err(invalid(FieldFailure::new("ids", "too_many", sentence)));
    }
    Ok(ids(asked))
}

/// Bulk requests have one outcome for each item, so each product comes once.
pub(super) fn some_items(field: &str, ids: &[String]) -> Result<(), Failure> {
    if !(1..=MOST_ITEMS).contains(&ids.len()) {
        let sentence = format!("must have 1 to {MOST_ITEMS}");
        return Err(invalid(FieldFailure::new(field, "out_of_range", sentence)));
    }
    let mut seen = HashSet::new();
    let repeated: Vec<FieldFailure> = ids
        .iter()
        .enumerate()
        .filter(|(_, id)| !seen.insert(id.to_ascii_lowercase()))
        .map(|(position, _)| {
            FieldFailure::new(
                format!("{field}[{position}]"),
                "repeated",
                "each product once",
            )
        })
        .collect();
    if repeated.is_empty() {
        Ok(())
    } else {
        Err(Failure::invalid(repeated))
    }
}

pub(super) fn limit(limit: i32) -> Result<i64, Failure> {
    page_size(limit).map_err(invalid)
}

pub(super) fn search(asked: &proto::ListProductsRequest) -> Result<Search, Failure> {
    let page = page(asked);
    let bounded = Criteria {
        name: None,
        price_cents: Range {
            least: asked.min_price_cents,
            most: asked.max_price_cents,
        },
        quantity: Range {
            least: asked.min_quantity,
            most: asked.max_quantity,
        },
    };
    let sort = Sort {
        by: sort_field(asked.sort_by()),
        ascending: asked.ascending,
    };
    match (bounded.named(asked.name.as_deref()), page) {
        (Ok(criteria), Ok(page)) => Ok(Search {
            criteria,
            sort,
            page,
        }),
        (criteria, page) => {
            let mut failures: Vec<FieldFailure> = criteria.err().into_iter().collect();
            failures.extend(page.err().unwrap_or_default());
            Err(Failure::invalid(failures))
        }
    }
}

fn page(asked: &proto::ListProductsRequest) -> Result<Page, Vec<FieldFailure>> {
    let page = Page::parse(asked.limit, asked.skip)?;
    match &asked.keyset {
        None => Ok(page),
        Some(keyset) => {
            let after = keyset.after.as_ref();
            let place = after.map(|after| place(after, sort_field(asked.sort_by())));
            Ok(page.behind(place.transpose()?))
        }
    }
}

/// A position must be one in the order that is asked for.
fn place(position: &Position, field: SortField) -> Result<Place, Vec<FieldFailure>> {
    let key = match (field, &position.key) {
        (SortField::Name, Some(Key::Text(text))) => Some(PlaceKey::Text(text.clone())),
        (SortField::Price | SortField::Quantity, Some(Key::Number(number))) => {
            Some(PlaceKey::Number(*number))
        }
        (SortField::CreatedAt | SortField::UpdatedAt, Some(Key::Number(millis))) => {
            Some(PlaceKey::Time(DateTime::from_millis(*millis)))
        }
        _ => None,
    };
    match (key, ObjectId::parse_str(&position.id)) {
        (Some(key), Ok(id)) => Ok(Place { key, id }),
        _ => Err(vec![FieldFailure::new(
            "after",
            "not_valid",
            "must be a position in this order",
        )]),
    }
}

fn sort_field(by: proto::SortBy) -> SortField {
    match by {
        proto::SortBy::Name => SortField::Name,
        proto::SortBy::Price => SortField::Price,
        proto::SortBy::Quantity => SortField::Quantity,
        proto::SortBy::UpdatedAt => SortField::UpdatedAt,
        proto::SortBy::CreatedAt | proto::SortBy::Unspecified => SortField::CreatedAt,
    }
}

pub(super) fn draft(asked: proto::CreateProductRequest) -> Result<Draft, Failure> {
    let wish = Wish {
        name: Some(asked.name),
        description: Some(asked.description),
        price_cents: Some(asked.price_cents),
        quantity: Some(asked.quantity),
        image_urls: Some(asked.image_urls),
    };
    Draft::parse(&wish).map_err(Failure::invalid)
}

/// A malformed id is that of no product; it is told like one, because in a bulk request the other
/// changes still count.
pub(super) fn product_change(asked: proto::ProductChange) -> Result<ProductChange, Error> {
    let id = ObjectId::parse_str(&asked.id).map_err(|_| Error::NotFound)?;
    let wish = Wish {
        name: asked.name,
        description: asked.description,
        price_cents: asked.price_cents,
        quantity: asked.quantity,
        image_urls: asked.image_urls.map(|images| images.urls),
    };
    Ok(ProductChange {
        id,
        change: Change::parse(&wish)?,
        expected_version: asked.expected_version,
    })
}

pub(super) fn hold_id(id: String) -> Result<HoldId, Failure> {
    HoldId::parse(id).map_err(invalid)
}

pub(super) fn reservation(asked: proto::ReserveStockRequest) -> Result<Reservation, Failure> {
    let lines = asked
        .lines
        .iter()
        .enumerate()
        .map(|(position, line)| stock_line(position, line))
        .collect::<Result<Vec<_>, _>>()?;
    let expires_at = asked
        .expires_at
        .map(|expires_at| DateTime::from_millis(to_millis(&expires_at)));
    Reservation::parse(asked.hold_id, lines, expires_at).map_err(Failure::invalid)
}

fn stock_line(position: usize, line: &proto::StockLine) -> Result<StockLine, Failure> {
    let field = format!("lines[{position}].productId");
    Ok(StockLine {
        product_id: object_id(&field, &line.product_id)?,
        quantity: line.quantity,
    })
}

fn invalid(field: FieldFailure) -> Failure {
    Failure::invalid(vec![field])
}
