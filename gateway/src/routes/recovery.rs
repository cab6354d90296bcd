use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use reen_proto::auth::v1 as proto;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::show;
use crate::cookies::SetCookies;
use crate::error::Error;
use crate::extract::{SignedIn, SigningIn, ValidJson};
use crate::gateway::Shared;
use crate::views::Done;
use crate::views::recovery::{PasswordResetView, RequestPasswordReset, ResetPassword, VerifyEmail};

const ACCEPTED: (StatusCode, Json<Done>) =
    (StatusCode::ACCEPTED, Json(Done { status: "accepted" }));

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(request_password_reset))
        .routes(routes!(reset_password))
        .routes(routes!(request_email_verification))
        .routes(routes!(verify_email))
}

/// Asks for a letter with a link to a new password; at most one in a minute. The answer is the same whether or not
/// there is an account with this address.
#[utoipa::path(post, path = "/auth/password-reset", tag = "auth", request_body = RequestPasswordReset,
    responses((status = 202, description = "If there is such an account, a letter is on its way", body = Done),
))]
async fn request_password_reset(
    State(gateway): State<Shared>,
    ValidJson(body): ValidJson<RequestPasswordReset>,
) -> Result<(StatusCode, Json<Done>), Error> {
    let request = proto::RequestPasswordResetRequest { email: body.email };
    gateway
        .peers
        .recovery()
        .request_password_reset(request)
        .await?;
    Ok(ACCEPTED)
}

/// Sets a new password with the token of the letter, once. Every session ends, on every device, and this one
/// begins; unless there is a second factor: then nobody is signed in.
#[utoipa::path(post, path = "/auth/password-reset/confirm", tag = "auth", request_body = ResetPassword,
    responses(
    (status = 200, description = "The password is set; the refresh token is in a cookie", body = PasswordResetView),
    (status = 400, description = "`malformed_body`; `invalid_token`: the link was used or has expired"),
))]
async fn reset_password(
    State(gateway): State<Shared>,
    SigningIn(client): SigningIn,
    ValidJson(body): ValidJson<ResetPassword>,
) -> Result<(Option<SetCookies>, Json<PasswordResetView>), Error> {
    let request = proto::ResetPasswordRequest {
        token: body.token,
        new_password: body.new_password,
        client: Some(client),
    };
    let reset = gateway.peers.recovery().reset_password(request).await?;
    let Some(session) = reset.into_inner().session else {
        let done = Done { status: "reset" };
        return Ok((None, Json(PasswordResetView::Done(done))));
    };
    let (cookies, Json(session)) = show(&gateway, session)?;
    let view = PasswordResetView::SignedIn(Box::new(session));
    Ok((Some(cookies), Json(view)))
}

/// Asks for another letter that verifies the user's e-mail address; at most one in a minute, and none when it is
/// verified.
#[utoipa::path(post, path = "/auth/email-verification", tag = "auth", security(("bearer" = [])), responses(
    (status = 202, description = "A letter is on its way", body = Done),
))]
async fn request_email_verification(
    State(gateway): State<Shared>,
    _: SignedIn,
) -> Result<(StatusCode, Json<Done>), Error> {
    let request = proto::RequestEmailVerificationRequest {};
    gateway
        .peers
        .recovery()
        .request_email_verification(request)
        .await?;
    Ok(ACCEPTED)
}

/// Verifies the e-mail address with the token of the letter, once.
#[utoipa::path(post, path = "/auth/email-verification/confirm", tag = "auth", request_body = VerifyEmail,
    responses(
    (status = 200, description = "The address is the user's", body = Done),
    (status = 400, description = "`malformed_body`; `invalid_token`: the link was used or has expired"),
))]
async fn verify_email(
    State(gateway): State<Shared>,
    ValidJson(body): ValidJson<VerifyEmail>,
) -> Result<Json<Done>, Error> {
    let request = proto::VerifyEmailRequest { token: body.token };
    gateway.peers.recovery().verify_email(request).await?;
    Ok(Json(Done { status: "verified" }))
}
