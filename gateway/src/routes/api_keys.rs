//! The keys with which programs act for a user. No key makes another.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use reen_error::Code;
use reen_proto::auth::v1 as proto;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Error;
use crate::extract::{Id, SignedIn, ValidJson};
use crate::gateway::Shared;
use crate::views::Done;
use crate::views::api_keys::{ApiKeyView, CreateApiKey, CreatedApiKey};
use crate::views::listing::Listing;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(create_api_key, list_api_keys))
        .routes(routes!(revoke_api_key))
}

/// Makes an API key for a program, which acts for the user as far as the scopes go; never as an operator.
#[utoipa::path(post, path = "/auth/api-keys", tag = "auth", security(("bearer" = [])),
    request_body = CreateApiKey, responses(
    (status = 201, description = "The key; shown this once", body = CreatedApiKey),
    (status = 409, description = "`too_many_api_keys`: at most 20"),
))]
async fn create_api_key(
    State(gateway): State<Shared>,
    _: SignedIn,
    ValidJson(body): ValidJson<CreateApiKey>,
) -> Result<(StatusCode, Json<CreatedApiKey>), Error> {
    let request = body.into_proto()?;
    let created = gateway.peers.api_keys().create_api_key(request).await?;
    let created = created.into_inner();
    // Without what can be shown of it, it would be a mistake of auth's.
    let api_key = created.api_key.ok_or_else(|| Error::of(Code::Internal))?;
    let view = CreatedApiKey {
        api_key: api_key.into(),
        key: created.key,
    };
    Ok((StatusCode::CREATED, Json(view)))
}

/// The user's API keys, the newest first, without the keys themselves.
#[utoipa::path(get, path = "/auth/api-keys", tag = "auth", security(("bearer" = [])), responses(
    (status = 200, description = "At most 20", body = Vec<ApiKeyView>),
))]
async fn list_api_keys(
    State(gateway): State<Shared>,
    _: SignedIn,
) -> Result<Json<Listing<ApiKeyView>>, Error> {
    let request = proto::ListApiKeysRequest {};
    let found = gateway.peers.api_keys().list_api_keys(request).await?;
    let keys = found.into_inner().api_keys.into_iter();
    Ok(Json(Listing::whole(keys.map(ApiKeyView::from).collect())))
}

/// Takes an API key back. It may still work for some seconds.
#[utoipa::path(delete, path = "/auth/api-keys/{id}", tag = "auth", params(Id),
    security(("bearer" = [])), responses(
    (status = 200, description = "Taken back", body = Done),
))]
async fn revoke_api_key(
    State(gateway): State<Shared>,
    _: SignedIn,
    Id(id): Id,
) -> Result<Json<Done>, Error> {
    let request = proto::RevokeApiKeyRequest { id };
    gateway.peers.api_keys().revoke_api_key(request).await?;
    let status = "revoked";
    Ok(Json(Done { status }))
}
