//! The service under test, and words for what its callers do.

mod carts;
mod ledger;
mod shop;

use bson::oid::ObjectId;
use reen_error::Code;
use reen_proto::products::v1::{CreateProductRequest, ImageUrls, Product, ProductChange};
use reen_testkit::refusal;
use tonic::Status;

pub(crate) use carts::Carts;
pub(crate) use ledger::Ledger;
pub(crate) use shop::{Shop, Sweeping, reservation};

/// A name that no other operation or hold has.
pub(crate) fn unique(what: &str) -> String {
    format!("{what}-{}", ObjectId::new())
}

/// The failing fields, sorted.
pub(crate) fn fields<T: std::fmt::Debug>(answer: Result<T, Status>) -> Vec<String> {
    let failure = refusal(answer);
    assert_eq!(failure.code, Code::ValidationFailed);
    let mut fields: Vec<String> = failure.fields.into_iter().map(|each| each.field).collect();
    fields.sort();
    fields
}

pub(crate) fn draft(name: &str, price_cents: i64, quantity: i64) -> CreateProductRequest {
    CreateProductRequest {
        name: name.to_owned(),
        description: "What it is.".to_owned(),
        price_cents,
        quantity,
        image_urls: vec!["https://img.example/1.png".to_owned()],
    }
}

pub(crate) fn new_price(product: &Product, price_cents: i64) -> ProductChange {
    ProductChange {
        id: product.id.clone(),
        price_cents: Some(price_cents),
        ..ProductChange::default()
    }
}

pub(crate) fn new_quantity(product: &Product, quantity: i64) -> ProductChange {
    ProductChange {
        id: product.id.clone(),
        quantity: Some(quantity),
        ..ProductChange::default()
    }
}

pub(crate) fn new_images(product: &Product, urls: &[&str]) -> ProductChange {
    let urls = urls.iter().map(ToString::to_string).collect();
    ProductChange {
        id: product.id.clone(),
        image_urls: Some(ImageUrls { urls }),
        ..ProductChange::default()
    }
}
