use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use reen_chassis::CallContext;
use reen_error::{Code, Coded as _};
use reen_proto::auth::v1 as proto;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::cache::{Answer, Key, ReadHeaders};
use crate::error::Error;
use crate::extract::{SignedIn, UserId, ValidJson, ValidQuery, is_object_id};
use crate::gateway::{Gateway, Shared};
use crate::idempotency::IdempotencyKey;
use crate::paging::Part;
use crate::version::Version;
use crate::views::Done;
use crate::views::listing::PageQuery;
use crate::views::users::{ChangeRole, PublicUserView, SomeUserView, UpdateProfile, UserView};

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(get_user))
        .routes(routes!(get_own_user, update_profile, remove_account))
        .routes(routes!(list_users))
        .routes(routes!(change_role))
}

/// The user who asks, whole.
#[utoipa::path(get, path = "/auth/users/me", tag = "users", security(("bearer" = []), ("apiKey" = ["account:read"])), responses(
    (status = 200, description = "The user", body = SomeUserView),
))]
async fn get_own_user(
    State(gateway): State<Shared>,
    SignedIn { user, .. }: SignedIn,
) -> Result<Json<SomeUserView>, Error> {
    show_user(&gateway, user.to_string()).await
}

/// A user: the whole of it for the user, the public part, at most two seconds old, for others.
#[utoipa::path(get, path = "/auth/users/{id}", tag = "users", params(UserId, ReadHeaders),
    security((), ("bearer" = []), ("apiKey" = ["account:read"])), responses(
    (status = 200, description = "The user", body = SomeUserView,
        headers(("ETag" = String, description = "Of the public part: changes whenever it does"))),
    (status = 304, description = "Not changed"),
))]
async fn get_user(
    State(gateway): State<Shared>,
    UserId(id): UserId,
    asked: ReadHeaders,
) -> Result<Response, Error> {
    let mut response = if may_be_own(&id) {
        show_user(&gateway, id).await?.into_response()
    } else {
        let key = Key::user(Version::current(), &id);
        let load = || load_user(&gateway, id.clone());
        gateway
            .cache
            .answer(&key, &asked, load)
            .await?
            .respond(&asked)
    };
    let varies = HeaderValue::from_static("authorization");
    response.headers_mut().append(header::VARY, varies);
    Ok(response)
}

/// Whether a user may be asking for themselves; whose an id of Clerk is, only auth knows.
fn may_be_own(id: &str) -> bool {
    let user = CallContext::current().user;
    user.is_some_and(|user| !is_object_id(id) || *user == *id)
}

async fn load_user(gateway: &Gateway, id: String) -> Result<Answer, Error> {
    let Json(view) = show_user(gateway, id).await?;
    Answer::showing(&view)
}

async fn show_user(gateway: &Gateway, id: String) -> Result<Json<SomeUserView>, Error> {
    let request = proto::GetUserRequest { id };
    let answer = gateway.peers.auth().get_user(request).await?.into_inner();
    let view = answer.view.ok_or_else(|| Error::of(Code::NotFound))?;
    Ok(Json(view.into()))
}

/// Every user's public part, newest first, at most a second old.
#[utoipa::path(get, path = "/auth/find-all", tag = "users", params(ReadHeaders),
    extensions(("x-paged" = json!(true))), responses(
    (status = 200, description = "At most 1,000 users", body = Vec<PublicUserView>, headers(
        ("ETag" = String, description = "Changes whenever the body does"),
        ("X-Total-Count" = i64, description = "How many there are in all"))),
    (status = 304, description = "Not changed"),
))]
async fn list_users(
    State(gateway): State<Shared>,
    OriginalUri(uri): OriginalUri,
    asked: ReadHeaders,
    ValidQuery(query): ValidQuery<PageQuery>,
) -> Result<Response, Error> {
    let part = query.part(&proto::ListUsersRequest::default())?;
    let request = proto::ListUsersRequest {
        limit: part.limit(),
        skip: part.skip(),
        keyset: part.keyset(),
    };
    let key = Key::users(Version::current(), "list", &request);
    let load = || load_users(&gateway, &part, request.clone());
    let answer = gateway.cache.answer(&key, &asked, load).await?;
    let mut headers = part.headers(answer.total(), &uri);
    // There are no further pages by number.
    headers.remove(header::LINK);
    let mut response = answer.respond(&asked);
    response.headers_mut().extend(headers);
    Ok(response)
}

async fn load_users(
    gateway: &Gateway,
    part: &Part,
    request: proto::ListUsersRequest,
) -> Result<Answer, Error> {
    let found = gateway.peers.auth().list_users(request).await?.into_inner();
    let users: Vec<PublicUserView> = found.users.into_iter().map(Into::into).collect();
    let shown = part.listing(users, found.next.as_ref());
    Ok(Answer::showing(&shown)?.with_total(found.total))
}

/// Becomes a seller or a buyer. To become a seller costs 160,000.00 from the balance.
#[utoipa::path(post, path = "/auth/update-user-role", tag = "users",
    params(IdempotencyKey), request_body = ChangeRole,
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
    let user = user.into_inner();
    gateway.cache.forget_user(&user.id).await;
    Ok(Json(user.into()))
}

/// Changes the user's own name or e-mail address.
#[utoipa::path(patch, path = "/auth/users/me", tag = "users",
    params(IdempotencyKey), request_body = UpdateProfile,
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
    let user = user.into_inner();
    gateway.cache.forget_user(&user.id).await;
    Ok(Json(user.into()))
}

/// Removes the user's account: the cart, the products and what identifies the user. Orders stay. It
/// is under way when this is answered.
#[utoipa::path(delete, path = "/auth/users/me", tag = "users", security(("bearer" = [])), responses(
    (status = 202, description = "Will be done", body = Done),
))]
async fn remove_account(
    State(gateway): State<Shared>,
    SignedIn { user, .. }: SignedIn,
) -> Result<impl IntoResponse, Error> {
    gateway.events.account_deletion(&user).await?;
    let cookie = gateway.refresh_cookie.clear()?;
    let status = "accepted";
    Ok((StatusCode::ACCEPTED, cookie, Json(Done { status })))
}
