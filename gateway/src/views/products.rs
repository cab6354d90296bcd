use std::sync::Arc;

use reen_proto::paging::v1::Position;
use reen_proto::products::v1 as proto;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::ObjectBuilder;
use utoipa::{IntoParams, ToSchema};

use super::listing::{Listing, PageQuery};
use super::{fields, rfc3339};
use crate::error::Error;
use crate::money::Money;
use crate::paging::{PageMeta, Part};

/// Shown for the owner of a product whose account is gone.
const NAMELESS: &str = "Anonymous";

/// A product in the catalogue.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProductView {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) price: Money,
    /// How many can be bought now; what is reserved for others is not in it.
    pub(crate) quantity: i64,
    pub(crate) image_urls: Vec<String>,
    pub(crate) admin_id: String,
    pub(crate) admin: AdminView,
    /// In how many orders it is.
    pub(crate) order_count: i64,
    #[schema(format = DateTime)]
    pub(crate) created_at: String,
    #[schema(format = DateTime)]
    pub(crate) updated_at: String,
}

/// Who sells a product.
#[derive(Serialize, ToSchema)]
pub(crate) struct AdminView {
    id: String,
    #[schema(value_type = String)]
    name: Arc<str>,
}

impl AdminView {
    /// `name` is that of the user, when there still is one.
    pub(crate) fn new(id: String, name: Option<Arc<str>>) -> Self {
        Self {
            id,
            name: name.unwrap_or_else(|| NAMELESS.into()),
        }
    }
}

impl ProductView {
    /// Joins a product with the name of its seller and its orders.
    pub(crate) fn new(product: proto::Product, seller: Option<Arc<str>>, order_count: i64) -> Self {
        Self {
            id: product.id,
            name: product.name,
            description: product.description,
            price: Money::from_cents(product.price_cents),
            quantity: product.quantity,
            image_urls: product.image_urls,
            admin: AdminView::new(product.seller_id.clone(), seller),
            admin_id: product.seller_id,
            order_count,
            created_at: rfc3339(product.created_at),
            updated_at: rfc3339(product.updated_at),
        }
    }
}

/// One numbered page of the catalogue.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProductPage {
    pub(crate) products: Vec<ProductView>,
    pub(crate) meta: PageMeta,
}

/// The catalogue as far as a list may go, or a page of it.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Catalogue {
    Page(ProductPage),
    #[schema(value_type = Vec<ProductView>)]
    List(Listing<ProductView>),
}

impl Catalogue {
    /// The part of it that was asked for, of so many products in `total`.
    pub(crate) fn new(
        part: &Part,
        products: Vec<ProductView>,
        total: i64,
        next: Option<&Position>,
    ) -> Self {
        match part {
            Part::Numbered(paging) if paging.is_paged() => {
                let meta = paging.meta(total);
                Self::Page(ProductPage { products, meta })
            }
            _ => Self::List(part.listing(products, next)),
        }
    }
}

/// What a product is sorted by.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum SortBy {
    Name,
    Price,
    Quantity,
    #[default]
    CreatedAt,
    UpdatedAt,
}

impl From<SortBy> for proto::SortBy {
    fn from(sort_by: SortBy) -> Self {
        match sort_by {
            SortBy::Name => Self::Name,
            SortBy::Price => Self::Price,
            SortBy::Quantity => Self::Quantity,
            SortBy::CreatedAt => Self::CreatedAt,
            SortBy::UpdatedAt => Self::UpdatedAt,
        }
    }
}

/// Which end comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Direction {
    Asc,
    #[default]
    Desc,
}

fn sort_by() -> ObjectBuilder {
    fields::one_of(["createdAt", "updatedAt", "name", "price", "quantity"])
}

fn direction() -> ObjectBuilder {
    fields::one_of(["desc", "asc"])
}

/// What of the catalogue is asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub(crate) struct CatalogueQuery {
    #[param(schema_with = fields::search)]
    name: Option<String>,
    #[param(schema_with = fields::price_bound)]
    min_price: Option<Money>,
    #[param(schema_with = fields::price_bound)]
    max_price: Option<Money>,
    #[param(schema_with = fields::quantity_bound)]
    min_quantity: Option<i64>,
    #[param(schema_with = fields::quantity_bound)]
    max_quantity: Option<i64>,
    #[param(schema_with = sort_by)]
    sort_by: Option<SortBy>,
    #[param(schema_with = direction)]
    order: Option<Direction>,
    #[param(schema_with = fields::limit)]
    limit: Option<u32>,
    #[param(schema_with = fields::page)]
    page: Option<u32>,
    /// In the second version only, whose document has it.
    #[param(ignore)]
    cursor: Option<String>,
}

impl CatalogueQuery {
    /// The same question to the service, and which part of the answer is asked for.
    pub(crate) fn into_request(self) -> Result<(proto::ListProductsRequest, Part), Error> {
        let page = PageQuery::new(self.limit, self.page, self.cursor.clone());
        let question = self.into_question();
        let part = page.part(&question)?;
        let request = proto::ListProductsRequest {
            limit: part.limit(),
            skip: part.skip(),
            keyset: part.keyset(),
            ..question
        };
        Ok((request, part))
    }

    fn into_question(self) -> proto::ListProductsRequest {
        let sort_by = proto::SortBy::from(self.sort_by.unwrap_or_default());
        proto::ListProductsRequest {
            name: self.name.filter(|name| !name.is_empty()),
            min_price_cents: self.min_price.map(Money::cents),
            max_price_cents: self.max_price.map(Money::cents),
            min_quantity: self.min_quantity,
            max_quantity: self.max_quantity,
            sort_by: sort_by.into(),
            ascending: self.order.unwrap_or_default() == Direction::Asc,
            ..proto::ListProductsRequest::default()
        }
    }
}

/// A product to be sold.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreateProduct {
    #[schema(schema_with = fields::name)]
    name: String,
    #[schema(schema_with = fields::description)]
    description: String,
    #[schema(schema_with = fields::price)]
    price: Money,
    #[schema(schema_with = fields::stock)]
    quantity: i64,
    #[schema(schema_with = fields::image_urls)]
    image_urls: Vec<String>,
}

impl From<CreateProduct> for proto::CreateProductRequest {
    fn from(product: CreateProduct) -> Self {
        Self {
            name: product.name,
            description: product.description,
            price_cents: product.price.cents(),
            quantity: product.quantity,
            image_urls: product.image_urls,
        }
    }
}

/// What of a product is to change; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(min_properties = 1)]
pub(crate) struct UpdateProduct {
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

impl UpdateProduct {
    /// The change of the product `id`, if it still has `expected_version`.
    pub(crate) fn into_change(
        self,
        id: String,
        expected_version: Option<i64>,
    ) -> proto::ProductChange {
        proto::ProductChange {
            id,
            name: self.name,
            description: self.description,
            price_cents: self.price.map(Money::cents),
            quantity: self.quantity,
            image_urls: self.image_urls.map(|urls| proto::ImageUrls { urls }),
            expected_version,
        }
    }
}
