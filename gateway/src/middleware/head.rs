use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use reen_error::Code;

use crate::error::Error;

/// What the server itself takes is a little more, so that the refusal comes from here, as a problem.
const MOST_HEADERS: usize = 100;
const MOST_HEADER_BYTES: usize = 64 * 1024;
const LONGEST_ADDRESS: usize = 8 * 1024;

/// Refuses addresses and headers that no client of ours sends.
pub(crate) async fn bound_head(request: Request, next: Next) -> Response {
    match check(&request) {
        Ok(()) => next.run(request).await,
        Err(code) => Error::of(code).into_response(),
    }
}

fn check(request: &Request) -> Result<(), Code> {
    let address = request.uri().path_and_query();
    if address.is_some_and(|address| address.as_str().len() > LONGEST_ADDRESS) {
        return Err(Code::AddressTooLong);
    }
    let headers = request.headers();
    let bytes = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len());
    if headers.len() > MOST_HEADERS || bytes.sum::<usize>() > MOST_HEADER_BYTES {
        return Err(Code::HeadersTooLarge);
    }
    Ok(())
}
