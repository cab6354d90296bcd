use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use reen_error::{Code, Coded as _};
use reen_proto::auth::v1 as proto;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Error;
use crate::extract::{SignedIn, UserId, ValidJson};
use crate::gateway::{Gateway, Shared};
use crate::paging::Paging;
use crate::views::Done;
use crate::views::users::{ChangeRole, PublicUserView, SomeUserView, UpdateProfile, UserView};

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(get_user))
        .routes(routes!(get_own_user, update_profile, remove_account))
        .routes(routes!(list_users))
        .routes(routes!(change_role))
}

/// The user who asks, whole.
#[utoipa::path(get, path = "/auth/users/me", tag = "users", security(("bearer" = [])), responses(
    (status = 200, description = "The user", body = SomeUserView),
))]
async fn get_own_user(
    State(gateway): State<Shared>,
    SignedIn { user }: SignedIn,
) -> Result<Json<SomeUserView>, Error> {
    show_user(&gateway, user.to_string()).await
}

/// A user: the whole of it for the user, the public part for others.
#[utoipa::path(get, path = "/auth/users/{id}", tag = "users", params(UserId),
    security((), ("bearer" = [])), responses(
    (status = 200, description = "The user", body = SomeUserView),
))]
async fn get_user(
    State(gateway): State<Shared>,
    UserId(id): UserId,
) -> Result<Json<SomeUserView>, Error> {
    show_user(&gateway, id).await
}

async fn show_user(gateway: &Gateway, id: String) -> Result<Json<SomeUserView>, Error> {
    let request = proto::GetUserRequest { id };
    let answer = gateway.peers.auth().get_user(request).await?.into_inner();
    let view = answer.view.ok_or_else(|| Error::of(Code::NotFound))?;
    Ok(Json(view.into()))
}

/// Every user's public part, newest first, at most 1,000.
#[utoipa::path(get, path = "/auth/find-all", tag = "users", responses(
    (status = 200, description = "Users", body = Vec<PublicUserView>,
        headers(("X-Total-Count" = i64, description = "How many there are in all"))),
))]
async fn list_users(
    State(gateway): State<Shared>,
    OriginalUri(uri): OriginalUri,
) -> Result<(HeaderMap, Json<Vec<PublicUserView>>), Error> {
    let paging = Paging::read(None, None)?;
    let request = proto::ListUsersRequest {
        limit: paging.limit(),
        skip: paging.skip(),
    };
    let found = gateway.peers.auth().list_users(request).await?.into_inner();
    let mut headers = paging.headers(found.total, &uri);
    // There are no further pages of users.
    headers.remove(axum::http::header::LINK);
    let users = found.users.into_iter().map(Into::into).collect();
    Ok((headers, Json(users)))
}

/// Becomes a seller or a buyer. To become a seller costs 160,000.00 from the balance.
#[utoipa::path(post, path = "/auth/update-user-role", tag = "users", request_body = ChangeRole,
    security(("bearer" = [])), responses(
    (status = 200, description = "The user in the new role", body = UserView),
    (status = 400, description = "`insufficient_balance`"),
    (status = 409, description = "`already_in_role`"),
))]
async fn change_role(
    State(gateway): State<Shared>,
    _: SignedIn,
    ValidJson(body): ValidJson<ChangeRole>,
) -> Result<Json<UserView>, Error> {
    let role = proto::Role::from(body.role).into();
    let request = proto::ChangeRoleRequest { role };
    let changed = gateway.peers.auth().change_role(request).await;
    let user = changed.map_err(|status| match Error::from(status) {
        poor if poor.code() == Code::InsufficientBalance => {
            poor.with_status(StatusCode::BAD_REQUEST)
        }
        other => other,
    })?;
    Ok(Json(user.into_inner().into()))
}

/// Changes the user's own name or e-mail address.
#[utoipa::path(patch, path = "/auth/users/me", tag = "users", request_body = UpdateProfile,
    security(("bearer" = [])), responses(
    (status = 200, description = "The user as it is now", body = UserView),
    (status = 409, description = "`email_taken`"),
))]
async fn update_profile(
    State(gateway): State<Shared>,
    _: SignedIn,
    ValidJson(body): ValidJson<UpdateProfile>,
) -> Result<Json<UserView>, Error> {
    let request = proto::UpdateProfileRequest {
        name: body.name,
        email: body.email,
    };
    let user = gateway.peers.auth().update_profile(request).await?;
    Ok(Json(user.into_inner().into()))
}

/// Removes the user's account: the cart, the products and what identifies the user. Orders stay. It
/// is under way when this is answered.
#[utoipa::path(delete, path = "/auth/users/me", tag = "users", security(("bearer" = [])), responses(
    (status = 202, description = "Will be done", body = Done),
))]
async fn remove_account(
    State(gateway): State<Shared>,
    SignedIn { user }: SignedIn,
) -> Result<impl IntoResponse, Error> {
    gateway.events.account_deletion(&user).await?;
    let cookie = gateway.refresh_cookie.clear()?;
    let status = "accepted";
    Ok((StatusCode::ACCEPTED, cookie, Json(Done { status })))
}
