//! For operators: sagas, dead letters, and what is past its deadline.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use reen_proto::sagas::v1 as proto;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Error;
use crate::extract::{Operator, SagaId, ValidJson, ValidQuery};
use crate::gateway::Shared;
use crate::idempotency::IdempotencyKey;
use crate::views::admin::{
    AlertView, CompensateSaga, DeadLetterView, DroppedLetters, DroppedView, LettersQuery,
    ReplayedLetters, ReplayedView, SagaDetailsView, SagaView, SagasQuery,
};
use crate::views::listing::Listing;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list_sagas))
        .routes(routes!(get_saga))
        .routes(routes!(retry_saga))
        .routes(routes!(compensate_saga))
        .routes(routes!(list_dead_letters))
        .routes(routes!(replay_dead_letters))
        .routes(routes!(drop_dead_letters))
        .routes(routes!(list_alerts))
}

/// Sagas, the newest first. For operators.
#[utoipa::path(get, path = "/admin/sagas", tag = "admin", params(SagasQuery),
    extensions(("x-paged" = json!(true))), security(("bearer" = [])), responses(
    (status = 200, description = "Sagas", body = Vec<SagaView>),
    (status = 403, description = "`forbidden`: not an operator"),
))]
async fn list_sagas(
    State(gateway): State<Shared>,
    _: Operator,
    ValidQuery(query): ValidQuery<SagasQuery>,
) -> Result<Json<Listing<SagaView>>, Error> {
    let (request, part) = query.into_request()?;
    let found = gateway.peers.sagas().list_sagas(request).await?;
    let proto::ListSagasResponse { sagas, next } = found.into_inner();
    let sagas = sagas.into_iter().map(SagaView::from).collect();
    Ok(Json(part.listing(sagas, next.as_ref())))
}

/// A saga with everything it did. For operators.
#[utoipa::path(get, path = "/admin/sagas/{id}", tag = "admin", params(SagaId),
    security(("bearer" = [])), responses(
    (status = 200, description = "The saga", body = SagaDetailsView),
    (status = 403, description = "`forbidden`: not an operator"),
))]
async fn get_saga(
    State(gateway): State<Shared>,
    _: Operator,
    SagaId(id): SagaId,
) -> Result<Json<SagaDetailsView>, Error> {
    let request = proto::GetSagaRequest { id };
    let found = gateway.peers.sagas().get_saga(request).await?;
    SagaDetailsView::new(found.into_inner()).map(Json)
}

/// Goes on now with a saga that waits or is stuck. For operators.
#[utoipa::path(post, path = "/admin/sagas/{id}/retry", tag = "admin",
    params(SagaId, IdempotencyKey),
    security(("bearer" = [])), responses(
    (status = 200, description = "The saga, which goes on soon", body = SagaView),
    (status = 403, description = "`forbidden`: not an operator"),
    (status = 409, description = "`illegal_transition`: it has come to its end"),
))]
async fn retry_saga(
    State(gateway): State<Shared>,
    _: Operator,
    SagaId(id): SagaId,
) -> Result<Json<SagaView>, Error> {
    let request = proto::RetrySagaRequest { id };
    let saga = gateway.peers.sagas().retry_saga(request).await?;
    Ok(Json(saga.into_inner().into()))
}

/// Turns a saga around: it undoes what it did. For operators.
#[utoipa::path(post, path = "/admin/sagas/{id}/compensate", tag = "admin",
    params(SagaId, IdempotencyKey), request_body = CompensateSaga, security(("bearer" = [])), responses(
    (status = 200, description = "The saga, which undoes what it owes", body = SagaView),
    (status = 403, description = "`forbidden`: not an operator"),
    (status = 409, description = "`illegal_transition`: nothing may turn it around any more"),
))]
async fn compensate_saga(
    State(gateway): State<Shared>,
    _: Operator,
    SagaId(id): SagaId,
    ValidJson(body): ValidJson<CompensateSaga>,
) -> Result<Json<SagaView>, Error> {
    let reason = body.reason;
    let request = proto::CompensateSagaRequest { id, reason };
    let saga = gateway.peers.sagas().compensate_saga(request).await?;
    Ok(Json(saga.into_inner().into()))
}

/// Messages that nobody could work on, oldest first. For operators.
#[utoipa::path(get, path = "/admin/dead-letters", tag = "admin", params(LettersQuery),
    extensions(("x-paged" = json!(true))), security(("bearer" = [])), responses(
    (status = 200, description = "Dead letters", body = Vec<DeadLetterView>,
        headers(("X-Total-Count" = i64, description = "How many there are in all"))),
    (status = 403, description = "`forbidden`: not an operator"),
))]
async fn list_dead_letters(
    State(gateway): State<Shared>,
    _: Operator,
    ValidQuery(query): ValidQuery<LettersQuery>,
) -> Result<(HeaderMap, Json<Listing<DeadLetterView>>), Error> {
    let (request, part) = query.into_request()?;
    let found = gateway.peers.sagas().list_dead_letters(request).await?;
    let proto::ListDeadLettersResponse { letters, total } = found.into_inner();
    let (letters, next) = part.cut(letters, |letter| &letter.id);
    let shown = letters.into_iter().map(DeadLetterView::from).collect();
    let headers = part.total(total);
    Ok((headers, Json(part.listing(shown, next.as_ref()))))
}

/// Puts dead letters back to work: those with these ids, or all. For operators.
#[utoipa::path(post, path = "/admin/dead-letters/replay", tag = "admin",
    params(IdempotencyKey), request_body = ReplayedLetters, security(("bearer" = [])), responses(
    (status = 200, description = "How many were replayed", body = ReplayedView),
    (status = 403, description = "`forbidden`: not an operator"),
    (status = 404, description = "`not_found`: none of them is there any more"),
))]
async fn replay_dead_letters(
    State(gateway): State<Shared>,
    _: Operator,
    ValidJson(body): ValidJson<ReplayedLetters>,
) -> Result<Json<ReplayedView>, Error> {
    let request = body.into_request();
    let replayed = gateway.peers.sagas().replay_dead_letters(request).await?;
    let replayed = replayed.into_inner().replayed;
    Ok(Json(ReplayedView { replayed }))
}

/// Forgets dead letters; what they asked stays in the inbox. For operators.
#[utoipa::path(post, path = "/admin/dead-letters/drop", tag = "admin",
    params(IdempotencyKey), request_body = DroppedLetters, security(("bearer" = [])), responses(
    (status = 200, description = "How many were dropped", body = DroppedView),
    (status = 403, description = "`forbidden`: not an operator"),
    (status = 404, description = "`not_found`: none of them is there any more"),
))]
async fn drop_dead_letters(
    State(gateway): State<Shared>,
    _: Operator,
    ValidJson(body): ValidJson<DroppedLetters>,
) -> Result<Json<DroppedView>, Error> {
    let request = proto::DropDeadLettersRequest { ids: body.ids };
    let dropped = gateway.peers.sagas().drop_dead_letters(request).await?;
    let dropped = dropped.into_inner().dropped;
    Ok(Json(DroppedView { dropped }))
}

/// What is past its deadline and wants somebody to look at it. For operators.
#[utoipa::path(get, path = "/admin/alerts", tag = "admin", security(("bearer" = [])), responses(
    (status = 200, description = "Alerts; none when all is well", body = Vec<AlertView>),
    (status = 403, description = "`forbidden`: not an operator"),
))]
async fn list_alerts(
    State(gateway): State<Shared>,
    _: Operator,
) -> Result<Json<Listing<AlertView>>, Error> {
    let request = proto::ListAlertsRequest {};
    let found = gateway.peers.sagas().list_alerts(request).await?;
    let alerts = found.into_inner().alerts.into_iter();
    Ok(Json(Listing::whole(alerts.map(AlertView::from).collect())))
}
