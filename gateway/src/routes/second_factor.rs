//! The second factor of those who sign in with a password.

use axum::Json;
use axum::extract::State;
use reen_error::Code;
use reen_proto::auth::v1 as proto;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth;
use crate::cookies::SetCookies;
use crate::error::Error;
use crate::extract::{SignedIn, ValidJson};
use crate::gateway::Shared;
use crate::views::Done;
use crate::views::second_factor::{
    BeginSecondFactor, EndSecondFactor, ProveSecondFactor, RecoveryCodes, SecondFactorConfirmed,
    SecondFactorSecret,
};

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(begin_second_factor, end_second_factor))
        .routes(routes!(confirm_second_factor))
        .routes(routes!(renew_recovery_codes))
}

/// Makes a secret for an authenticator app. The second factor is on once a code of the app has confirmed it.
#[utoipa::path(post, path = "/auth/second-factor", tag = "auth", security(("bearer" = [])),
    request_body = BeginSecondFactor, responses(
    (status = 200, description = "For the app; shown this once", body = SecondFactorSecret),
    (status = 409, description = "`second_factor_on`"),
    (status = 422, description = "`validation_failed`; `currentPassword` is `wrong` when it is another"),
))]
async fn begin_second_factor(
    State(gateway): State<Shared>,
    _: SignedIn,
    ValidJson(body): ValidJson<BeginSecondFactor>,
) -> Result<Json<SecondFactorSecret>, Error> {
    let request = proto::BeginSecondFactorRequest {
        current_password: body.current_password,
    };
    let mut second_factors = gateway.peers.second_factors();
    let begun = second_factors.begin_second_factor(request).await?;
    Ok(Json(begun.into_inner().into()))
}

/// Turns the second factor on with a first code of the app. Every session ends, on every device, and this one
/// begins anew.
#[utoipa::path(post, path = "/auth/second-factor/confirm", tag = "auth", security(("bearer" = [])),
    request_body = ProveSecondFactor, responses(
    (status = 200, description = "It is on; the refresh token is in a cookie", body = SecondFactorConfirmed),
    (status = 409, description = "`second_factor_on`, `second_factor_off`: there is no secret to confirm"),
    (status = 422, description = "`validation_failed`; `code` is `wrong` when it is another"),
    (status = 429, description = "`rate_limited`, `too_many_attempts`: `Retry-After` says when to come back"),
))]
async fn confirm_second_factor(
    State(gateway): State<Shared>,
    _: SignedIn,
    ValidJson(body): ValidJson<ProveSecondFactor>,
) -> Result<(SetCookies, Json<SecondFactorConfirmed>), Error> {
    let request = proto::ConfirmSecondFactorRequest { code: body.code };
    let mut second_factors = gateway.peers.second_factors();
    let confirmed = second_factors.confirm_second_factor(request).await?;
    let confirmed = confirmed.into_inner();
    // Without a session it would be a mistake of auth's.
    let session = confirmed.session.ok_or_else(|| Error::of(Code::Internal))?;
    let (cookie, Json(session)) = auth::show(&gateway, session)?;
    let codes = RecoveryCodes {
        recovery_codes: confirmed.recovery_codes,
    };
    Ok((cookie, Json(SecondFactorConfirmed { codes, session })))
}

/// Turns the second factor off and forgets the secret.
#[utoipa::path(delete, path = "/auth/second-factor", tag = "auth", security(("bearer" = [])),
    request_body = EndSecondFactor, responses(
    (status = 200, description = "It is off", body = Done),
    (status = 409, description = "`second_factor_off`"),
    (status = 422, description = "`validation_failed`; `currentPassword` or `code` is `wrong`"),
    (status = 429, description = "`rate_limited`, `too_many_attempts`: `Retry-After` says when to come back"),
))]
async fn end_second_factor(
    State(gateway): State<Shared>,
    _: SignedIn,
    ValidJson(body): ValidJson<EndSecondFactor>,
) -> Result<Json<Done>, Error> {
    let request = proto::EndSecondFactorRequest {
        current_password: body.current_password,
        code: body.code,
    };
    let mut second_factors = gateway.peers.second_factors();
    second_factors.end_second_factor(request).await?;
    let status = "turned_off";
    Ok(Json(Done { status }))
}

/// Makes ten new recovery codes; the old ones open nothing any more.
#[utoipa::path(post, path = "/auth/second-factor/recovery-codes", tag = "auth",
    security(("bearer" = [])), request_body = ProveSecondFactor, responses(
    (status = 200, description = "Shown this once", body = RecoveryCodes),
    (status = 409, description = "`second_factor_off`"),
    (status = 422, description = "`validation_failed`; `code` is `wrong` when it is another"),
    (status = 429, description = "`rate_limited`, `too_many_attempts`: `Retry-After` says when to come back"),
))]
async fn renew_recovery_codes(
    State(gateway): State<Shared>,
    _: SignedIn,
    ValidJson(body): ValidJson<ProveSecondFactor>,
) -> Result<Json<RecoveryCodes>, Error> {
    let request = proto::RenewRecoveryCodesRequest { code: body.code };
    let mut second_factors = gateway.peers.second_factors();
    let renewed = second_factors.renew_recovery_codes(request).await?;
    let recovery_codes = renewed.into_inner().recovery_codes;
    Ok(Json(RecoveryCodes { recovery_codes }))
}
