use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use reen_proto::products::v1 as proto;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Error;
use crate::extract::{SignedIn, ValidJson};
use crate::gateway::Shared;
use crate::idempotency::IdempotencyKey;
use crate::joins::Beside;
use crate::views::bulk::{BulkView, OutcomeView, RemoveProducts, UpdateProducts};

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(update_products, remove_products))
}

/// Changes several products of the user's own. Each succeeds or fails alone.
#[utoipa::path(patch, path = "/products", tag = "products",
    params(IdempotencyKey), request_body = UpdateProducts,
    security(("bearer" = []), ("apiKey" = ["products:write"])), responses(
    (status = 207, description = "What became of each, in the order of the request", body = BulkView),
))]
async fn update_products(
    State(gateway): State<Shared>,
    SignedIn { user, .. }: SignedIn,
    ValidJson(body): ValidJson<UpdateProducts>,
) -> Result<(StatusCode, Json<BulkView>), Error> {
    body.refuse_repeated()?;
    let request = proto::UpdateProductsRequest::from(body);
    let ids: Vec<String> = request.changes.iter().map(|each| each.id.clone()).collect();
    // First, so that nothing can fail after products are changed.
    let sellers = BTreeSet::from([user.to_string()]);
    let beside = gateway
        .reads
        .beside(sellers, ids.iter().cloned().collect())
        .await?;
    let outcomes = gateway.peers.products().update_products(request).await?;
    gateway.cache.forget_written(&ids).await;
    let outcomes = outcomes.into_inner().outcomes;
    Ok(show(outcomes, Some(&beside)))
}

/// Removes several products of the user's own. Each succeeds or fails alone.
#[utoipa::path(delete, path = "/products", tag = "products", request_body = RemoveProducts,
    security(("bearer" = []), ("apiKey" = ["products:write"])), responses(
    (status = 207, description = "What became of each, in the order of the request", body = BulkView),
))]
async fn remove_products(
    State(gateway): State<Shared>,
    _: SignedIn,
    ValidJson(body): ValidJson<RemoveProducts>,
) -> Result<(StatusCode, Json<BulkView>), Error> {
    let request = proto::RemoveProductsRequest::from(body);
    let ids = request.ids.clone();
    let outcomes = gateway.peers.products().remove_products(request).await?;
    gateway.cache.forget_written(&ids).await;
    let outcomes = outcomes.into_inner().outcomes;
    Ok(show(outcomes, None))
}

fn show(
    outcomes: Vec<proto::ItemOutcome>,
    beside: Option<&Beside>,
) -> (StatusCode, Json<BulkView>) {
    let results = outcomes
        .into_iter()
        .map(|outcome| {
            OutcomeView::new(outcome, |product| beside.map(|beside| beside.show(product)))
        })
        .collect();
    (StatusCode::MULTI_STATUS, Json(BulkView { results }))
}
