use std::collections::HashSet;

use axum::http::StatusCode;
use reen_error::{Code, FieldFailure};
use reen_proto::products::v1 as proto;
use reen_proto::products::v1::item_outcome::Outcome;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::ArrayBuilder;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::fields;
use super::products::ProductView;
use crate::error::Error;
use crate::money::Money;

/// What of one product is to change; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ProductChange {
    #[schema(schema_with = fields::id)]
    id: String,
    #[schema(schema_with = fields::name)]
    name: Option<String>,
    #[schema(schema_with = fields::description)]
    description: Option<String>,
    #[schema(schema_with = fields::price)]
    price: Option<Money>,
    #[schema(schema_with = fields::stock)]
    quantity: Option<i64>,
    #[schema(schema_with = fields::image_urls)]
    image_urls: Option<Vec<String>>,
}

impl From<ProductChange> for proto::ProductChange {
    fn from(change: ProductChange) -> Self {
        Self {
            id: change.id.to_ascii_lowercase(),
            name: change.name,
            description: change.description,
            price_cents: change.price.map(Money::cents),
            quantity: change.quantity,
            image_urls: change.image_urls.map(|urls| proto::ImageUrls { urls }),
            expected_version: None,
        }
    }
}

/// Changes of several products, at most 100.
#[derive(Deserialize)]
pub(crate) struct UpdateProducts(Vec<ProductChange>);

impl PartialSchema for UpdateProducts {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new()
            .items(ProductChange::schema())
            .min_items(Some(1))
            .max_items(Some(fields::MOST_IN_BULK))
            .into()
    }
}

impl ToSchema for UpdateProducts {}

impl UpdateProducts {
    /// Refuses to change a product twice: which change came last would be chance.
    pub(crate) fn refuse_repeated(&self) -> Result<(), Error> {
        let mut seen = HashSet::new();
        let changes = self.0.iter().enumerate();
        let repeated: Vec<_> = changes
            .filter(|(_, change)| !seen.insert(change.id.to_ascii_lowercase()))
            .map(|(index, _)| {
                let field = format!("[{index}].id");
                FieldFailure::new(field, "duplicate", "must not be given twice")
            })
            .collect();
        if repeated.is_empty() {
            Ok(())
        } else {
            Err(Error::invalid(repeated))
        }
    }
}

impl From<UpdateProducts> for proto::UpdateProductsRequest {
    fn from(UpdateProducts(changes): UpdateProducts) -> Self {
        Self {
            changes: changes.into_iter().map(Into::into).collect(),
        }
    }
}

/// Several products to be removed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RemoveProducts {
    #[schema(schema_with = fields::ids)]
    ids: Vec<String>,
}

impl From<RemoveProducts> for proto::RemoveProductsRequest {
    fn from(RemoveProducts { ids }: RemoveProducts) -> Self {
        Self {
            ids: ids.into_iter().map(|id| id.to_ascii_lowercase()).collect(),
        }
    }
}

/// What became of each item, in the order of the request.
#[derive(Serialize, ToSchema)]
pub(crate) struct BulkView {
    pub(crate) results: Vec<OutcomeView>,
}

/// What became of one item.
#[derive(Serialize, ToSchema)]
pub(crate) struct OutcomeView {
    id: String,
    /// The HTTP status that the same request for this item alone would have had.
    #[schema(example = 200)]
    status: u16,
    /// As it is now, when it was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<ProductView>,
    /// Why not, when it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ItemErrorView>,
}

/// Why an item stayed as it was.
#[derive(Serialize, ToSchema)]
pub(crate) struct ItemErrorView {
    #[schema(example = "not_found")]
    code: &'static str,
    message: String,
}

impl OutcomeView {
    /// `show` makes the view of a changed product, where one is to be shown.
    pub(crate) fn new(
        item: proto::ItemOutcome,
        show: impl FnOnce(proto::Product) -> Option<ProductView>,
    ) -> Self {
        let (status, product, error) = match item.outcome {
            Some(Outcome::Product(product)) => (StatusCode::OK.as_u16(), show(product), None),
            Some(Outcome::Removed(_)) => (StatusCode::OK.as_u16(), None, None),
            Some(Outcome::Failure(failure)) => refused(failure),
            None => refused(proto::ItemFailure::default()),
        };
        Self {
            id: item.id,
            status,
            product,
            error,
        }
    }
}

fn refused(failure: proto::ItemFailure) -> (u16, Option<ProductView>, Option<ItemErrorView>) {
    let code = Code::from_word(&failure.code).unwrap_or(Code::Internal);
    let message = if code.is_public() {
        failure.message
    } else {
        code.title().to_owned()
    };
    let error = ItemErrorView {
        code: code.word(),
        message,
    };
    (code.http(), None, Some(error))
}
