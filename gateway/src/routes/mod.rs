//! The handlers, one file for each resource: take what was checked, ask the services, show.
//!
//! A handler's name is the operation's id in the documentation, which its attribute writes.

mod admin;
mod api_keys;
mod auth;
mod bulk;
mod cart_items;
mod checkout;
mod health;
mod keys;
mod orders;
mod products;
mod recovery;
mod refunds;
mod second_factor;
mod users;
mod webhooks;

use utoipa_axum::router::OpenApiRouter;

use crate::error::Error;
use crate::gateway::Shared;
use reen_error::Code;

const BASE: &str = "/api/v1";

/// Every route, with its documentation.
pub(crate) fn all() -> OpenApiRouter<Shared> {
    let api = OpenApiRouter::new()
        .merge(auth::routes())
        .merge(recovery::routes())
        .merge(second_factor::routes())
        .merge(api_keys::routes())
        .merge(users::routes())
        .merge(products::routes())
        .merge(bulk::routes())
        .merge(cart_items::routes())
        .merge(checkout::routes())
        .merge(orders::routes())
        .merge(refunds::routes())
        .merge(webhooks::routes())
        .merge(admin::routes());
    OpenApiRouter::new()
        .nest(BASE, api)
        .merge(health::routes())
        .merge(keys::routes())
}

/// Nothing is at this path.
pub(crate) async fn no_route() -> Error {
    Error::of(Code::RouteNotFound)
}

/// Something is at this path, but it does not take the method.
pub(crate) async fn no_method() -> Error {
    Error::of(Code::MethodNotAllowed)
}
