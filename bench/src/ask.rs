use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderValue};

/// One request, before it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: hyper::Method,
    pub(crate) path: String,
    /// `Bearer …`, when somebody asks.
    pub(crate) credentials: Option<HeaderValue>,
    pub(crate) body: Option<Bytes>,
    /// No remembered answer is wanted.
    pub(crate) is_for_the_truth: bool,
    /// Any other answer is a failure.
    pub(crate) expected: u16,
}

impl Ask {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self {
            method: hyper::Method::GET,
            path: path.into(),
            credentials: None,
            body: None,
            is_for_the_truth: false,
            expected: 200,
        }
    }

    pub(crate) fn post(path: impl Into<String>, body: &serde_json::Value) -> Self {
        Self {
            method: hyper::Method::POST,
            body: Some(Bytes::from(body.to_string())),
            ..Self::get(path)
        }
    }

    pub(crate) fn by(mut self, credentials: &HeaderValue) -> Self {
        self.credentials = Some(credentials.clone());
        self
    }

    /// Asks for what is, not for what a gateway remembers.
    pub(crate) fn for_the_truth(mut self) -> Self {
        self.is_for_the_truth = true;
        self
    }

    pub(crate) fn expecting(mut self, status: u16) -> Self {
        self.expected = status;
        self
    }

    /// As it goes over a connection to `host`.
    pub(crate) fn request(&self, host: SocketAddr) -> Result<Request<Full<Bytes>>> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(&self.path)
            .header(HOST, host.to_string());
        if let Some(credentials) = &self.credentials {
            request = request.header(AUTHORIZATION, credentials);
        }
        if self.is_for_the_truth {
            request = request.header(CACHE_CONTROL, "no-cache");
        }
        if self.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = self.body.clone().unwrap_or_default();
        request.body(Full::new(body)).context("a request")
    }
}

/// What is asked for in a row: the n-th request, the same for the same number.
pub(crate) type Asks = Arc<dyn Fn(u64) -> Ask + Send + Sync>;
