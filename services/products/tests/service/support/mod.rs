//! The service under test, and words for what its callers do.

mod carts;
mod ledger;
mod shop;

use bson::oid::ObjectId;
use reen_chassis::{CallContext, Operation};
use reen_error::{Code, Failure};
use reen_proto::operation::v1 as operation;
use reen_proto::products::v1::{CreateProductRequest, ImageUrls, Product, ProductChange};
use tonic::{Response, Status};

pub(crate) use carts::Carts;
pub(crate) use ledger::Ledger;
pub(crate) use shop::{Shop, Sweeping, reservation};

/// Does `work` on behalf of a user.
pub(crate) async fn acting<F: Future>(user: ObjectId, work: F) -> F::Output {
    let context = CallContext {
        user: Some(user.to_hex().into()),
        ..CallContext::default()
    };
    context.scope(work).await
}

/// An operation of a saga of its own.
pub(crate) fn own_operation(id: &str) -> Option<operation::Operation> {
    saga_operation(id, id, 1)
}

pub(crate) fn saga_operation(id: &str, saga: &str, epoch: i64) -> Option<operation::Operation> {
    let operation = Operation {
        id: id.to_owned(),
        saga: saga.to_owned(),
        epoch,
    };
    Some(operation.to_proto())
}

/// A name that no other operation or hold has.
pub(crate) fn unique(what: &str) -> String {
    format!("{what}-{}", ObjectId::new())
}

pub(crate) fn body<T>(answer: Result<Response<T>, Status>) -> T {
    answer.expect("no refusal").into_inner()
}

pub(crate) fn refusal<T: std::fmt::Debug>(answer: Result<T, Status>) -> Failure {
    Failure::from(answer.expect_err("a refusal"))
}

pub(crate) fn code<T: std::fmt::Debug>(answer: Result<T, Status>) -> Code {
    refusal(answer).code
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
