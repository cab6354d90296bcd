use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Error;
use crate::gateway::Shared;
use crate::views::recovery::KeySet;

const MEDIA_TYPE: &str = "application/json";
/// A key is published for two minutes before it signs.
const CACHING: &str = "public, max-age=60";

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(show_key_set))
}

/// The keys that verify access tokens, for who does that without asking us. They change; a key is here before its
/// first signature and until the last token that it signed has expired.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "auth", responses(
    (status = 200, description = "A JSON Web Key Set", body = KeySet),
))]
async fn show_key_set(State(gateway): State<Shared>) -> Result<impl IntoResponse, Error> {
    let set = gateway.access_tokens.key_set().await?;
    let headers = [
        (header::CONTENT_TYPE, MEDIA_TYPE),
        (header::CACHE_CONTROL, CACHING),
    ];
    Ok((headers, set.to_string()))
}
