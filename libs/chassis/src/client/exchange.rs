//! One call over one connection: the request is sent whole, and the answer is read whole.
//!
//! Every method of the contracts takes one message and gives one, so that nothing is gained by handing
//! on an answer in pieces; and an answer that breaks off can be asked for again.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use h2::client::SendRequest;
use h2::{Reason, RecvStream};
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use http_body::{Body as _, Frame, SizeHint};
use tonic::body::Body;
use tonic::{Code, Status};

use super::address::Origin;

/// A call that can be sent, and sent again.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) method: PathAndQuery,
    pub(super) headers: HeaderMap,
    pub(super) message: Bytes,
}

impl Outgoing {
    /// Takes the call from tonic, which has encoded the message by the time it is asked for it.
    pub(super) async fn read(request: Request<Body>) -> Result<Self, Status> {
        let (head, mut body) = request.into_parts();
        let message = read_message(&mut body).await?;
        let method = head.uri.into_parts().path_and_query;
        let method = method.ok_or_else(|| Status::internal("a call of no method"))?;
        Ok(Self {
            method,
            headers: head.headers,
            message,
        })
    }

    pub(super) fn request(&self, origin: &Origin) -> Request<()> {
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = origin.uri(self.method.clone());
        *request.headers_mut() = self.headers.clone();
        request
    }
}

async fn read_message(body: &mut Body) -> Result<Bytes, Status> {
    let mut message = match next_data(body).await {
        Some(message) => message?,
        None => return Ok(Bytes::new()),
    };
    // Only a large message comes in several pieces.
    while let Some(more) = next_data(body).await {
        let mut whole = BytesMut::from(message);
        whole.extend_from_slice(&more?);
        message = whole.freeze();
    }
    Ok(message)
}

async fn next_data(body: &mut Body) -> Option<Result<Bytes, Status>> {
    if body.is_end_stream() {
        return None;
    }
    let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await?;
    frame.map(|frame| frame.into_data().ok()).transpose()
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Broken {
    /// The peer has not looked at the call, and will not.
    Unsent(h2::Error),
    /// It may have done what it was asked for.
    Cut(h2::Error),
}

impl From<h2::Error> for Broken {
    /// A peer that goes away names the last call that it works on, and resets with `REFUSED_STREAM` what
    /// it has not begun (RFC 9113, 6.8 and 8.7).
    fn from(error: h2::Error) -> Self {
        let refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
        if error.is_remote() && (error.is_go_away() || refused) {
            return Self::Unsent(error);
        }
        Self::Cut(error)
    }
}

impl Broken {
    /// Whether no other call can be made on the connection either.
    pub(super) fn ends_the_connection(&self) -> bool {
        let (Self::Unsent(error) | Self::Cut(error)) = self;
        error.is_io() || error.is_go_away()
    }
}

impl From<Broken> for Status {
    fn from(broken: Broken) -> Self {
        let (Broken::Unsent(error) | Broken::Cut(error)) = broken;
        if error.is_reset() {
            // What each reason means to gRPC is tonic's to know.
            return Self::from_error(Box::new(error));
        }
        Self::unavailable(format!("the connection broke: {error}"))
    }
}

/// Asks for `outgoing` over this connection.
pub(super) async fn exchange(
    mut sender: SendRequest<Bytes>,
    origin: &Origin,
    outgoing: &Outgoing,
) -> Result<Response<Answer>, Broken> {
    let request = outgoing.request(origin);
    let sent = sender.send_request(request, outgoing.message.is_empty());
    let (answering, mut stream) = sent.map_err(Broken::Unsent)?;
    if !outgoing.message.is_empty() {
        stream.send_data(outgoing.message.clone(), true)?;
    }
    let (head, body) = answering.await?.into_parts();
    Ok(Response::from_parts(head, Answer::read(body).await?))
}

/// What a peer answered, read to its end.
#[derive(Debug, Default)]
pub struct Answer {
    first: Bytes,
    /// Only a large answer comes in several pieces.
    more: VecDeque<Bytes>,
    trailers: Option<HeaderMap>,
}

impl Answer {
    async fn read(mut body: RecvStream) -> Result<Self, Broken> {
        let mut answer = Self::default();
        if body.is_end_stream() {
            return Ok(answer);
        }
        while let Some(data) = body.data().await {
            let data = data?;
            body.flow_control().release_capacity(data.len())?;
            answer.push(data);
        }
        answer.trailers = body.trailers().await?;
        Ok(answer)
    }

    /// What comes without a connection.
    pub(super) async fn of(mut body: Body) -> Result<Self, Status> {
        let mut answer = Self::default();
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            match frame?.into_data() {
                Ok(data) => answer.push(data),
                Err(last) => answer.trailers = last.into_trailers().ok(),
            }
        }
        Ok(answer)
    }

    fn push(&mut self, data: Bytes) {
        if self.first.is_empty() {
            self.first = data;
        } else {
            self.more.push_back(data);
        }
    }

    fn next_data(&mut self) -> Option<Bytes> {
        if self.first.is_empty() {
            return self.more.pop_front();
        }
        Some(std::mem::take(&mut self.first))
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let data = self.next_data().map(Frame::data);
        let next = data.or_else(|| self.trailers.take().map(Frame::trailers));
        Poll::Ready(next.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_empty() && self.more.is_empty() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let more: usize = self.more.iter().map(Bytes::len).sum();
        let size = u64::try_from(self.first.len() + more);
        size.map_or_else(|_| SizeHint::default(), SizeHint::with_exact)
    }
}

/// Whether the peer, or something before it, says that it cannot do its work: then the answer is its
/// head alone, with the status in it.
pub(super) fn is_unavailable(answer: &Response<Answer>) -> bool {
    let status = answer.headers().get("grpc-status");
    match status {
        Some(status) => Code::from_bytes(status.as_bytes()) == Code::Unavailable,
        None => matches!(
            answer.status(),
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
        ),
    }
}
