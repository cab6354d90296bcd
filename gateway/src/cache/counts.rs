use metrics::{Counter, counter};

const READS: &str = "reen_gateway_cache_reads_total";
const VOIDED: &str = "reen_gateway_cache_voided_loads_total";

/// What became of reads, for the operators; looked up once, because a hit is cheaper than looking.
pub(super) struct Counts {
    /// Answered by this process.
    pub(super) near: Counter,
    /// Answered by Redis.
    pub(super) far: Counter,
    /// Loaded.
    pub(super) missed: Counter,
    /// Loaded, but changed meanwhile and so not kept.
    pub(super) voided: Counter,
}

impl Counts {
    pub(super) fn new() -> Self {
        metrics::describe_counter!(
            READS,
            "Public reads and what stands beside them, by where they came from."
        );
        metrics::describe_counter!(
            VOIDED,
            "Answers that changed while they were loaded, and so were not kept."
        );
        Self {
            near: counter!(READS, "from" => "process"),
            far: counter!(READS, "from" => "redis"),
            missed: counter!(READS, "from" => "services"),
            voided: counter!(VOIDED),
        }
    }
}
