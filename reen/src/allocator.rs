//! What memory is asked of.

/// The system's own keeps what was freed: each of many threads what one password's hash took.
#[cfg(not(feature = "count-allocations"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[cfg(feature = "count-allocations")]
#[global_allocator]
static ALLOCATOR: &stats_alloc::StatsAlloc<std::alloc::System> = &stats_alloc::INSTRUMENTED_SYSTEM;

/// Lets the admin listener tell how often memory was asked for, where that is counted.
pub(crate) fn tell() {
    #[cfg(feature = "count-allocations")]
    reen_chassis::metrics::tell_allocations(|| {
        let stats = ALLOCATOR.stats();
        u64::try_from(stats.allocations + stats.reallocations).unwrap_or(u64::MAX)
    });
}
