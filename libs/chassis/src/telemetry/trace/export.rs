//! Where spans go: by OTLP over gRPC, in batches, from a queue that is bounded.

use std::sync::OnceLock;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::tonic_types::transport::ClientTlsConfig;
use opentelemetry_otlp::{
    ExporterBuildError, SpanExporter, WithExportConfig as _, WithTonicConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider,
};
use url::Url;

use super::Share;

/// Spans are recorded for the process, as its metrics are.
static EXPORT: OnceLock<Export> = OnceLock::new();

const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);
/// What waits longest before it is sent.
const BATCH_EVERY: Duration = Duration::from_secs(1);
/// Spans that may wait while the collector is slow; later ones are dropped.
const MOST_WAITING: usize = 8_192;

struct Export {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

/// Whether and how traces are exported.
#[derive(Clone, Debug)]
pub struct TraceSettings {
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: a collector that speaks OTLP over gRPC.
    pub endpoint: Url,
    /// `OTEL_TRACES_SAMPLER_ARG`: the share of traces that begin here and are recorded.
    pub sampled: Share,
}

/// From now on spans of this process, `service`, are recorded and exported. Does nothing the second time.
/// To be called in the runtime, which sends them.
///
/// # Errors
/// When the endpoint cannot be used.
pub fn export(settings: &TraceSettings, service: &str) -> Result<(), ExporterBuildError> {
    let mut exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(settings.endpoint.as_str())
        .with_timeout(EXPORT_TIMEOUT);
    if settings.endpoint.scheme() == "https" {
        exporter = exporter.with_tls_config(ClientTlsConfig::new().with_webpki_roots());
    }
    let batches = BatchConfigBuilder::default()
        .with_scheduled_delay(BATCH_EVERY)
        .with_max_queue_size(MOST_WAITING)
        .build();
    let batches = BatchSpanProcessor::builder(exporter.build()?).with_batch_config(batches);
    let provider = SdkTracerProvider::builder()
        .with_resource(resource(service))
        .with_sampler(sampler(settings.sampled))
        .with_span_processor(batches.build())
        .build();
    let tracer = provider.tracer("reen");
    let _is_first = EXPORT.set(Export { provider, tracer });
    Ok(())
}

fn resource(service: &str) -> Resource {
    Resource::builder()
        .with_service_name(service.to_owned())
        .with_attributes([
            KeyValue::new("service.namespace", "reen"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new(
                "service.instance.id",
                hex::encode(rand::random::<[u8; 16]>()),
            ),
        ])
        .build()
}

/// What began elsewhere among us is recorded if it is there.
fn sampler(sampled: Share) -> Sampler {
    Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(sampled.0)))
}

pub(super) fn tracer() -> Option<&'static SdkTracer> {
    EXPORT.get().map(|export| &export.tracer)
}

/// Waits until everything recorded so far is sent, or cannot be.
pub(in crate::telemetry) async fn flush() {
    let Some(export) = EXPORT.get() else { return };
    // It blocks its thread until the runtime has sent them.
    let flushing = tokio::task::spawn_blocking(|| export.provider.force_flush());
    if let Ok(Err(error)) = flushing.await {
        tracing::warn!(%error, "the last spans are lost");
    }
}
