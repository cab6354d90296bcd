use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use reen_chassis::CallContext;
use reen_error::Code;
use reen_proto::products::v1 as proto;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::cache::{Answer, Key, ReadHeaders};
use crate::error::Error;
use crate::etag::{self, Precondition};
use crate::extract::{Id, IfMatch, SignedIn, ValidJson, ValidQuery};
use crate::gateway::{Gateway, Shared};
use crate::idempotency::IdempotencyKey;
use crate::paging::Part;
use crate::version::{Asked, Version};
use crate::views::Done;
use crate::views::products::{
    Catalogue, CatalogueQuery, CreateProduct, ProductView, UpdateProduct,
};

/// A body that is serialised already.
type JsonBytes = ([(HeaderName, HeaderValue); 1], Vec<u8>);

/// Versions begin with 1: no product has this one.
const NO_VERSION: i64 = 0;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list_products, create_product))
        .routes(routes!(get_product, update_product, remove_product))
}

/// The catalogue, at most a second old.
#[utoipa::path(get, path = "/products", tag = "products", params(CatalogueQuery, ReadHeaders),
    extensions(("x-paged" = json!(true))), responses(
    (status = 200, description = "At most 1,000 products, or, with `limit` or `page`, a page of them",
        body = Catalogue, headers(
        ("ETag" = String, description = "Changes whenever the body does"),
        ("X-Total-Count" = i64, description = "How many there are in all"),
        ("Link" = String, description = "The pages before and after (RFC 8288)"))),
    (status = 304, description = "Not changed"),
))]
async fn list_products(
    State(gateway): State<Shared>,
    OriginalUri(uri): OriginalUri,
    asked: ReadHeaders,
    ValidQuery(query): ValidQuery<CatalogueQuery>,
) -> Result<Response, Error> {
    let (request, part) = query.into_request()?;
    let form = if part.has_meta() { "page" } else { "list" };
    let key = Key::products(Version::current(), form, &request);
    let load = || load_products(&gateway, &part, request.clone());
    let answer = gateway.cache.answer(&key, &asked, load).await?;
    let mut response = answer.respond(&asked);
    let headers = part.headers(answer.total(), &uri);
    response.headers_mut().extend(headers);
    Ok(response)
}

async fn load_products(
    gateway: &Gateway,
    part: &Part,
    request: proto::ListProductsRequest,
) -> Result<Answer, Error> {
    let found = gateway.peers.products().list_products(request).await?;
    let proto::ListProductsResponse {
        products,
        total,
        next,
    } = found.into_inner();
    let products = gateway.reads.show_products(products).await?;
    let shown = Catalogue::new(part, products, total, next.as_ref());
    Ok(Answer::showing(&shown)?.with_total(total))
}

/// One product, at most two seconds old, and younger when it was changed through this gateway.
/// `If-None-Match` saves sending what the client has.
#[utoipa::path(get, path = "/products/{id}", tag = "products", params(Id, ReadHeaders), responses(
    (status = 200, description = "The product", body = ProductView,
        headers(("ETag" = String, description = "Changes whenever the answer does"))),
    (status = 304, description = "Not changed"),
))]
async fn get_product(
    State(gateway): State<Shared>,
    Id(id): Id,
    asked: ReadHeaders,
) -> Result<Response, Error> {
    let key = Key::product(Version::current(), &id);
    let load = || load_product(&gateway, id.clone());
    let answer = gateway.cache.answer(&key, &asked, load).await?;
    Ok(answer.respond(&asked))
}

async fn load_product(gateway: &Gateway, id: String) -> Result<Answer, Error> {
    let product = gateway.reads.listed_product(&id).await?;
    let version = product.version;
    let body = serialised(&gateway.reads.show_product(product).await?)?;
    Ok(Answer::tagged(etag::of(version, &body)?, body))
}

/// Offers a product for sale. For sellers; costs 4 % of price times quantity from the balance.
#[utoipa::path(post, path = "/products", tag = "products",
    params(IdempotencyKey), request_body = CreateProduct,
    security(("bearer" = []), ("apiKey" = ["products:write"])), responses(
    (status = 201, description = "The product", body = ProductView, headers(
        ("Location" = String, description = "Where it is"),
        ("ETag" = String, description = "Names this version"))),
    (status = 403, description = "`forbidden`: not a seller"),
    (status = 409, description = "`insufficient_balance`"),
))]
async fn create_product(
    State(gateway): State<Shared>,
    SignedIn { user, .. }: SignedIn,
    ValidJson(body): ValidJson<CreateProduct>,
) -> Result<Response, Error> {
    // First, so that nothing can fail after the product is made.
    let sellers = BTreeSet::from([user.to_string()]);
    let beside = gateway.reads.beside(sellers, BTreeSet::new()).await?;
    let request = proto::CreateProductRequest::from(body);
    let product = gateway.peers.products().create_product(request).await?;
    let product = product.into_inner();
    gateway.cache.forget_written(&[&product.id]).await;
    let location = format!("{}/products/{}", Asked::current().base, product.id);
    let (tag, body) = tagged(product.version, &beside.show(product))?;
    let location = [(header::LOCATION, location)];
    Ok((StatusCode::CREATED, location, [(header::ETAG, tag)], body).into_response())
}

/// Changes a product of the user's own. Costs 4 % of what price times quantity grows by.
#[utoipa::path(patch, path = "/products/{id}", tag = "products", request_body = UpdateProduct,
    params(Id, IdempotencyKey,
        ("If-Match" = Option<String>, Header, description = "The tag of the version to change")),
    security(("bearer" = []), ("apiKey" = ["products:write"])), responses(
    (status = 200, description = "The product as it is now", body = ProductView,
        headers(("ETag" = String, description = "Names this version"))),
    (status = 409, description = "`insufficient_balance`, `version_mismatch`"),
    (status = 412, description = "`precondition_failed`: it was changed meanwhile"),
))]
async fn update_product(
    State(gateway): State<Shared>,
    SignedIn { user, .. }: SignedIn,
    Id(id): Id,
    IfMatch(precondition): IfMatch,
    ValidJson(body): ValidJson<UpdateProduct>,
) -> Result<Response, Error> {
    // First, so that nothing can fail after the product is changed.
    let sellers = BTreeSet::from([user.to_string()]);
    let beside = gateway
        .reads
        .beside(sellers, BTreeSet::from([id.clone()]))
        .await?;
    let expected_version = meant_version(&gateway, &id, precondition.as_ref()).await?;
    let change = Some(body.into_change(id, expected_version));
    let request = proto::UpdateProductRequest { change };
    let product = gateway.peers.products().update_product(request).await?;
    let product = product.into_inner();
    gateway.cache.forget_written(&[&product.id]).await;
    let (tag, body) = tagged(product.version, &beside.show(product))?;
    Ok(([(header::ETAG, tag)], body).into_response())
}

/// The version that a change is meant for; `None` for any. Whoever changes the product between this
/// look and the change is found out by the version.
async fn meant_version(
    gateway: &Gateway,
    id: &str,
    precondition: Option<&Precondition>,
) -> Result<Option<i64>, Error> {
    let Some(precondition @ Precondition::Tags(_)) = precondition else {
        return Ok(None);
    };
    let product = gateway.reads.listed_product(id).await?;
    let version = product.version;
    let (current, _) = tagged(version, &gateway.reads.show_product(product).await?)?;
    if precondition.covers_strongly(&current) {
        return Ok(Some(version));
    }
    // A repeat under the same name meets the version that the first made: the service tells it.
    match CallContext::current().idempotency {
        Some(_) => Ok(Some(NO_VERSION)),
        None => Err(Error::of(Code::PreconditionFailed)),
    }
}

/// Takes a product of the user's own out of the catalogue and out of every cart. One that was ordered
/// is kept for the orders.
#[utoipa::path(delete, path = "/products/{id}", tag = "products", params(Id),
    security(("bearer" = []), ("apiKey" = ["products:write"])), responses(
    (status = 200, description = "Removed", body = Done),
))]
async fn remove_product(
    State(gateway): State<Shared>,
    _: SignedIn,
    Id(id): Id,
) -> Result<Json<Done>, Error> {
    let request = proto::RemoveProductRequest { id: id.clone() };
    gateway.peers.products().remove_product(request).await?;
    gateway.cache.forget_written(&[&id]).await;
    Ok(Json(Done { status: "removed" }))
}

/// The body, and the tag that stands for it.
fn tagged(version: i64, product: &ProductView) -> Result<(HeaderValue, JsonBytes), Error> {
    let body = serialised(product)?;
    let tag = etag::of(version, &body)?;
    let json = HeaderValue::from_static("application/json");
    Ok((tag, ([(header::CONTENT_TYPE, json)], body)))
}

fn serialised(product: &ProductView) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(product).map_err(Error::internal)
}
