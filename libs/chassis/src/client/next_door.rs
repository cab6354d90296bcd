//! One call to a role of this process.

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use h2::Reason;
use http::Response;
use http_body_util::Full;
use tokio::task::coop::consume_budget;
use tonic::Status;
use tonic::body::Body;

use super::address::Origin;
use super::exchange::{Answer, Broken, Outgoing};
use crate::neighbours::Neighbour;

/// Asks a neighbour on the task of whoever asks: when that stops waiting, the work ends as well.
pub(super) async fn ask(
    neighbour: &Neighbour,
    origin: &Origin,
    outgoing: &Outgoing,
) -> Result<Response<Answer>, Broken> {
    // Nothing here waits for the system: others get their turn.
    consume_budget().await;
    let Some(_calling) = neighbour.begin() else {
        return Err(Broken::Unsent(Reason::REFUSED_STREAM.into()));
    };
    let answering = AssertUnwindSafe(answer(neighbour, origin, outgoing));
    // A panic is the neighbour's, and ends this call alone.
    let answered = answering.catch_unwind().await;
    let answered = answered.unwrap_or_else(|_| Err(Status::internal("the peer panicked")));
    Ok(answered.unwrap_or_else(|status| status.into_http()))
}

async fn answer(
    neighbour: &Neighbour,
    origin: &Origin,
    outgoing: &Outgoing,
) -> Result<Response<Answer>, Status> {
    let message = Body::new(Full::new(outgoing.message.clone()));
    let request = outgoing.request(origin).map(|()| message);
    let (head, body) = neighbour.answer(request).await.into_parts();
    Ok(Response::from_parts(head, Answer::of(body).await?))
}
