//! A stand-in for a collector of traces: it takes what processes export by OTLP over gRPC, and shows each
//! trace as a tree.
//!
//! ```no_run
//! use reen_sims::collector::Collector;
//! use tokio_util::sync::CancellationToken;
//!
//! # async fn example() -> anyhow::Result<()> {
//! let collector = Collector::bind("127.0.0.1:4317".parse()?).await?;
//! let traces = collector.traces();
//! tokio::spawn(collector.run(CancellationToken::new()));
//! // OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317 reen serve all
//! for trace in traces.all() {
//!     println!("{trace}");
//! }
//! # Ok(())
//! # }
//! ```

mod span;
mod trace;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

pub use span::Span;
pub use trace::Trace;

/// The stand-in, bound but not serving yet.
pub struct Collector {
    listener: TcpListener,
    address: SocketAddr,
    traces: Traces,
}

/// The traces that were taken. Cheap to clone.
#[derive(Clone, Default)]
pub struct Traces(Arc<Mutex<BTreeMap<String, Taken>>>);

/// What is there of one trace, and when the last of it came.
struct Taken {
    spans: Vec<Span>,
    at: Instant,
}

impl Collector {
    /// Listens at `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address is taken.
    pub async fn bind(address: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("cannot listen on {address}"))?;
        let address = listener.local_addr()?;
        let traces = Traces::default();
        Ok(Self {
            listener,
            address,
            traces,
        })
    }

    /// Where processes export to: `OTEL_EXPORTER_OTLP_ENDPOINT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", crate::reachable(self.address))
    }

    /// What it takes.
    #[must_use]
    pub fn traces(&self) -> Traces {
        self.traces.clone()
    }

    /// Serves until `shutdown`.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn run(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let incoming = TcpIncoming::from(self.listener);
        let taking = Server::builder().add_service(TraceServiceServer::new(self.traces));
        let stopped = shutdown.cancelled_owned();
        taking
            .serve_with_incoming_shutdown(incoming, stopped)
            .await?;
        Ok(())
    }
}

impl Traces {
    /// All of them, each as far as it has come.
    #[must_use]
    pub fn all(&self) -> Vec<Trace> {
        let taken = self.lock();
        let traces = taken.values().map(|taken| Trace::of(taken.spans.clone()));
        traces.collect()
    }

    /// Takes out those of which nothing has come for a while, and which are complete so.
    #[must_use]
    pub fn take_quiet_for(&self, quiet: Duration) -> Vec<Trace> {
        let is_quiet = |_: &String, taken: &mut Taken| taken.at.elapsed() >= quiet;
        let mut taken = self.lock();
        let quiet = taken.extract_if(.., is_quiet);
        quiet.map(|(_, taken)| Trace::of(taken.spans)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Taken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, span: Span) {
        let mut taken = self.lock();
        let taken = taken.entry(span.trace_id.clone()).or_insert_with(|| Taken {
            spans: Vec::new(),
            at: Instant::now(),
        });
        taken.spans.push(span);
        taken.at = Instant::now();
    }
}

#[tonic::async_trait]
impl TraceService for Traces {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        for exported in request.into_inner().resource_spans {
            let process = span::process_of(exported.resource.as_ref());
            let spans = exported.scope_spans.into_iter();
            for exported in spans.flat_map(|scope| scope.spans) {
                self.take(Span::read(exported, &process));
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
