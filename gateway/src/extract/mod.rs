//! What handlers take: each refuses what is not valid before the handler runs.

mod body;
mod client;
mod headers;
mod id;
mod operator;
mod query;
mod signed_in;
mod strict_json;

pub(crate) use body::{BodyLimit, NoBody, RawBody, ValidJson};
pub(crate) use client::{SigningIn, client_address};
pub(crate) use headers::{IfMatch, IfNoneMatch, only_header};
pub(crate) use id::{Id, SagaId, UserId, is_object_id};
pub(crate) use operator::Operator;
pub(crate) use query::ValidQuery;
pub(crate) use signed_in::SignedIn;
pub(crate) use strict_json::read_json;

use std::sync::Arc;

use axum::http::Extensions;
use reen_error::Code;

use crate::error::Error;
use crate::rules::Operation;

/// The rules of the operation, left by [`crate::middleware::apply_rules`].
fn operation(extensions: &Extensions) -> Result<Arc<Operation>, Error> {
    extensions
        .get::<Arc<Operation>>()
        .cloned()
        .ok_or_else(|| Error::of(Code::Internal))
}
