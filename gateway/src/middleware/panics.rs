use std::any::Any;

use axum::response::{IntoResponse as _, Response};

use crate::error::Error;

#[derive(Debug, thiserror::Error)]
#[error("a handler panicked: {0}")]
struct Panicked(String);

/// A panic is a mistake of ours: the client is told so, and the connection goes on.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the layer hands the payload over"
)]
pub(crate) fn answer(payload: Box<dyn Any + Send>) -> Response {
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("without a message");
    Error::internal(Panicked(text.to_owned())).into_response()
}
