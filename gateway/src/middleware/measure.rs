//! How many requests of each route ended how, and how long they took.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::task::{Context, Poll, ready};

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::response::Response;
use metrics::{Gauge, Label, counter, gauge};
use pin_project_lite::pin_project;
use reen_chassis::metrics::{Names, Outcomes, Running, UNKNOWN};
use reen_error::{Code, Coded as _};
use tower::{Layer, Service};

use crate::error::Error;
use crate::limits::Class;

static REQUESTS: Names = Names {
    total: "reen_http_requests_total",
    seconds: "reen_http_request_seconds",
    label: "status",
    outcomes: &["1xx", "2xx", "3xx", "4xx", "5xx", "dropped"],
};
const IN_FLIGHT: &str = "reen_http_requests_in_flight";
const REFUSALS: &str = "reen_gateway_refusals_total";
/// Those that a route may take; whatever else clients make up is one.
const METHODS: [&str; 8] = [
    "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", UNKNOWN,
];

fn describe() {
    metrics::describe_counter!(
        REQUESTS.total,
        "Requests, by route, method and class of status; dropped: the client hung up."
    );
    metrics::describe_histogram!(
        REQUESTS.seconds,
        "How long a request took to the head of its answer, by route and method."
    );
    metrics::describe_gauge!(IN_FLIGHT, "Requests that are worked on.");
    metrics::describe_counter!(
        REFUSALS,
        "Requests that were refused or failed, by the word of the problem and the class of its limit."
    );
}

/// Measures every request.
#[derive(Clone)]
pub(crate) struct MeasureLayer(Arc<Requests>);

impl MeasureLayer {
    pub(crate) fn new() -> Self {
        describe();
        Self(Arc::new(Requests {
            routes: RwLock::default(),
            in_flight: gauge!(IN_FLIGHT),
        }))
    }
}

impl<S> Layer<S> for MeasureLayer {
    type Service = Measure<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Measure {
            inner,
            requests: Arc::clone(&self.0),
        }
    }
}

/// The routes that were asked for. The router knows them, so that they are few.
struct Requests {
    routes: RwLock<HashMap<Box<str>, Arc<Route>>>,
    in_flight: Gauge,
}

impl Requests {
    fn route(&self, request: &Request) -> Arc<Route> {
        let path = request.extensions().get::<MatchedPath>();
        let path = path.map_or(UNKNOWN, MatchedPath::as_str);
        let known = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(route) = known.get(path) {
            return Arc::clone(route);
        }
        drop(known);
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(
            routes
                .entry(path.into())
                .or_insert_with(|| Route::new(path)),
        )
    }
}

/// One route, with what is measured of each method.
struct Route {
    path: Box<str>,
    methods: [OnceLock<Arc<Outcomes>>; METHODS.len()],
}

impl Route {
    fn new(path: &str) -> Arc<Self> {
        Arc::new(Self {
            path: path.into(),
            methods: Default::default(),
        })
    }

    fn begin(&self, method: &Method) -> Running {
        let last = METHODS.len() - 1;
        let known = METHODS.iter().position(|word| *word == method.as_str());
        let index = known.unwrap_or(last);
        let Some(outcomes) = self.methods.get(index) else {
            return self.outcomes(UNKNOWN).begin();
        };
        let word = METHODS.get(index).copied().unwrap_or(UNKNOWN);
        Arc::clone(outcomes.get_or_init(|| self.outcomes(word))).begin()
    }

    fn outcomes(&self, method: &'static str) -> Arc<Outcomes> {
        let labels = vec![
            Label::new("route", self.path.to_string()),
            Label::from_static_parts("method", method),
        ];
        Arc::new(Outcomes::new(&REQUESTS, labels))
    }
}

/// What is behind it is measured.
#[derive(Clone)]
pub(crate) struct Measure<S> {
    inner: S,
    requests: Arc<Requests>,
}

impl<S> Service<Request> for Measure<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answering<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let route = self.requests.route(&request);
        Answering {
            running: Some(route.begin(request.method())),
            _place: Place::take(&self.requests.in_flight),
            class: Class::of(&route.path, request.method()),
            work: self.inner.call(request),
        }
    }
}

pin_project! {
    /// A request that is worked on.
    pub(crate) struct Answering<F> {
        #[pin]
        work: F,
        running: Option<Running>,
        class: Class,
        _place: Place,
    }
}

impl<F> Future for Answering<F>
where
    F: Future<Output = Result<Response, Infallible>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Ok(response) = ready!(this.work.poll(cx));
        if let Some(error) = response.extensions().get::<Error>() {
            count_refusal(error.code(), *this.class);
        }
        if let Some(running) = this.running.take() {
            running.end(usize::from(response.status().as_u16() / 100).saturating_sub(1));
        }
        Poll::Ready(Ok(response))
    }
}

fn count_refusal(code: Code, class: Class) {
    counter!(REFUSALS, "code" => code.word(), "class" => class.word()).increment(1);
}

/// Counts one request as long as it is worked on.
struct Place(Gauge);

impl Place {
    fn take(in_flight: &Gauge) -> Self {
        in_flight.increment(1);
        Self(in_flight.clone())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use axum::routing::get;
    use reen_chassis::metrics;
    use reen_error::Code;
    use tower::ServiceExt as _;

    use super::MeasureLayer;
    use crate::error::Error;

    async fn ask(router: &Router, method: &str, path: &str) {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Body::empty()).unwrap();
        router.clone().oneshot(request).await.unwrap();
    }

    #[tokio::test]
    async fn requests_are_told_by_route_and_what_is_made_up_is_one() {
        metrics::install();
        let router = Router::new()
            .route("/measured/{id}", get(async || StatusCode::OK))
            .route("/refused", get(async || Error::of(Code::RateLimited)))
            .layer(MeasureLayer::new());
        for (method, path) in [
            ("GET", "/measured/1"),
            ("GET", "/measured/2"),
            ("BREW", "/measured/2"),
            ("GET", "/nowhere/1"),
            ("GET", "/nowhere/2"),
            ("GET", "/refused"),
        ] {
            ask(&router, method, path).await;
        }
        let told = metrics::render();
        for line in [
            r#"reen_http_requests_total{route="/measured/{id}",method="GET",status="2xx"} 2"#,
            r#"reen_http_requests_total{route="/measured/{id}",method="unknown",status="4xx"} 1"#,
            r#"reen_http_requests_total{route="unknown",method="GET",status="4xx"} 2"#,
            r#"reen_http_request_seconds_count{route="/measured/{id}",method="GET"} 2"#,
            r#"reen_gateway_refusals_total{code="rate_limited",class="read"} 1"#,
            "reen_http_requests_in_flight 0",
        ] {
            assert!(told.contains(line), "{line} is not in {told}");
        }
    }
}
