use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use reen_error::{Code, Coded as _};
use reen_proto::auth::v1 as proto;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::cookies::{RefreshCookie, SetCookies};
use crate::error::Error;
use crate::extract::{SignedIn, SigningIn, ValidJson};
use crate::gateway::{Gateway, Shared};
use crate::views::Done;
use crate::views::auth::{AccessTokenView, ChangePassword, SessionView, SignIn, SignUp};
use crate::views::users::UserView;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(sign_up))
        .routes(routes!(sign_in))
        .routes(routes!(refresh_session))
        .routes(routes!(sign_out))
        .routes(routes!(sign_out_everywhere))
        .routes(routes!(change_password))
}

/// Makes an account and signs in.
#[utoipa::path(post, path = "/auth/sign-up", tag = "auth", request_body = SignUp, responses(
    (status = 201, description = "Signed in; the refresh token is in a cookie", body = SessionView),
    (status = 409, description = "`email_taken`"),
))]
async fn sign_up(
    State(gateway): State<Shared>,
    SigningIn(client): SigningIn,
    ValidJson(body): ValidJson<SignUp>,
) -> Result<(StatusCode, SetCookies, Json<SessionView>), Error> {
    let request = proto::SignUpRequest {
        name: body.name,
        email: body.email,
        password: body.password,
        client: Some(client),
    };
    let session = gateway.peers.auth().sign_up(request).await?.into_inner();
    let (cookie, view) = show(&gateway, session)?;
    Ok((StatusCode::CREATED, cookie, view))
}

/// Signs in. The answer is the same for an unknown address and a wrong password. Only when the password is right
/// it tells that a code is needed as well. After too many wrong ones it is refused for a while; a browser that has
/// signed in to the account before (a cookie says so) only for its own.
#[utoipa::path(post, path = "/auth/sign-in", tag = "auth", request_body = SignIn, responses(
    (status = 200, description = "Signed in; the refresh token is in a cookie", body = SessionView),
    (status = 401, description = "`invalid_credentials`, `second_factor_required`, `invalid_code`"),
    (status = 429, description = "`rate_limited`, `too_many_attempts`: `Retry-After` says when to come back"),
))]
async fn sign_in(
    State(gateway): State<Shared>,
    SigningIn(client): SigningIn,
    ValidJson(body): ValidJson<SignIn>,
) -> Result<(SetCookies, Json<SessionView>), Error> {
    let request = proto::SignInRequest {
        email: body.email,
        password: body.password,
        client: Some(client),
        code: body.code.unwrap_or_default(),
    };
    let session = gateway.peers.auth().sign_in(request).await?.into_inner();
    show(&gateway, session)
}

/// Makes a fresh access token. The refresh token in the cookie is used up and replaced; one that is
/// presented again ends the whole session.
#[utoipa::path(post, path = "/auth/refresh-token", tag = "auth", responses(
    (status = 200, description = "The new refresh token is in a cookie", body = AccessTokenView),
    (status = 401, description = "`invalid_refresh_token`"),
    (status = 403, description = "`forbidden`: a page of another site asked"),
))]
async fn refresh_session(
    State(gateway): State<Shared>,
    headers: HeaderMap,
) -> Result<(SetCookies, Json<AccessTokenView>), Error> {
    refuse_other_sites(&gateway, &headers)?;
    let refresh_token =
        RefreshCookie::read(&headers).ok_or_else(|| Error::of(Code::InvalidRefreshToken))?;
    let request = proto::RefreshSessionRequest { refresh_token };
    let session = gateway.peers.auth().refresh_session(request).await?;
    let session = session.into_inner();
    let cookie = gateway.refresh_cookie.set(&session.refresh_token)?;
    let access_token = session.access_token;
    Ok((cookie, Json(AccessTokenView { access_token })))
}

/// Ends the session of the cookie. Without one there is nothing to end, and that is fine.
#[utoipa::path(post, path = "/auth/sign-out", tag = "auth", responses(
    (status = 200, description = "The cookie is cleared", body = Done),
    (status = 403, description = "`forbidden`: a page of another site asked"),
))]
async fn sign_out(
    State(gateway): State<Shared>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Error> {
    refuse_other_sites(&gateway, &headers)?;
    if let Some(refresh_token) = RefreshCookie::read(&headers) {
        let request = proto::SignOutRequest { refresh_token };
        let ended = gateway.peers.auth().sign_out(request).await;
        match ended.map_err(Error::from) {
            Err(error) if error.code() != Code::InvalidRefreshToken => return Err(error),
            _ => {}
        }
    }
    signed_out(&gateway)
}

/// Ends every session of the user.
#[utoipa::path(post, path = "/auth/sign-out-all", tag = "auth", security(("bearer" = [])), responses(
    (status = 200, description = "The cookie is cleared", body = Done),
))]
async fn sign_out_everywhere(
    State(gateway): State<Shared>,
    _: SignedIn,
) -> Result<impl IntoResponse, Error> {
    let request = proto::SignOutEverywhereRequest {};
    gateway.peers.auth().sign_out_everywhere(request).await?;
    signed_out(&gateway)
}

/// Changes the password. Every session ends, on every device, and this one begins anew.
#[utoipa::path(post, path = "/auth/change-password", tag = "auth", security(("bearer" = [])),
    request_body = ChangePassword, responses(
    (status = 200, description = "Signed in anew; the refresh token is in a cookie", body = SessionView),
    (status = 422, description = "`validation_failed`; `currentPassword` is `wrong` when it is another"),
))]
async fn change_password(
    State(gateway): State<Shared>,
    _: SignedIn,
    ValidJson(body): ValidJson<ChangePassword>,
) -> Result<(SetCookies, Json<SessionView>), Error> {
    let request = proto::ChangePasswordRequest {
        current_password: body.current_password,
        new_password: body.new_password,
    };
    let session = gateway.peers.auth().change_password(request).await?;
    show(&gateway, session.into_inner())
}

/// The session for the client: the refresh token in the cookie, the rest in the body.
pub(super) fn show(
    gateway: &Gateway,
    session: proto::Session,
) -> Result<(SetCookies, Json<SessionView>), Error> {
    let cookie = gateway.refresh_cookie;
    let cookies = cookie.set_with_device(&session.refresh_token, &session.device_token)?;
    // A session without a user would be a mistake of auth's.
    let user = session.user.ok_or_else(|| Error::of(Code::Internal))?;
    let view = SessionView {
        access_token: session.access_token,
        user: UserView::from(user),
    };
    Ok((cookies, Json(view)))
}

fn signed_out(gateway: &Gateway) -> Result<(SetCookies, Json<Done>), Error> {
    let status = "signed_out";
    Ok((gateway.refresh_cookie.clear()?, Json(Done { status })))
}

/// Browsers send the cookie along whoever asks; only the storefronts' pages may use it.
fn refuse_other_sites(gateway: &Gateway, headers: &HeaderMap) -> Result<(), Error> {
    if gateway.origins.may_use_cookies(headers) {
        return Ok(());
    }
    let message = "pages of this origin may not use the session";
    Err(Error::new(Code::Forbidden, message))
}
