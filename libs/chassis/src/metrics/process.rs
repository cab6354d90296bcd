//! The process itself, as the system and the runtime see it at this moment; under the names that every
//! Prometheus client uses, where there are any.

use std::fmt::{Display, Write as _};
use std::fs;
use std::sync::{LazyLock, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::runtime::Handle;

/// When the process began, as good as.
static STARTED: LazyLock<Duration> = LazyLock::new(|| {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default()
});

/// How often memory was asked for, where the allocator counts that.
static ALLOCATIONS: OnceLock<fn() -> u64> = OnceLock::new();

/// Adds what is so now; what cannot be read is left out.
pub(super) fn tell(text: &mut String) {
    let mut page = Page(text);
    page.gauge(
        "process_start_time_seconds",
        "When the process began, in seconds since 1970.",
        STARTED.as_secs(),
    );
    page.info();
    of_system(&mut page);
    if let Ok(runtime) = Handle::try_current() {
        of_runtime(&mut page, &runtime);
    }
}

/// To be called when the process begins.
pub(super) fn note_start() {
    LazyLock::force(&STARTED);
}

/// From now on `process_allocations_total` is told, which is what `count` answers: how often the process has
/// asked for memory. The first one counts.
pub fn tell_allocations(count: fn() -> u64) {
    let _first = ALLOCATIONS.get_or_init(|| count);
}

fn of_system(page: &mut Page<'_>) {
    if let Some(count) = ALLOCATIONS.get() {
        let help = "How often the process has asked for memory.";
        page.counter("process_allocations_total", help, count());
    }
    if let Some(usage) = Usage::read() {
        page.counter(
            "process_cpu_seconds_total",
            "Time that the processor worked for this process.",
            usage.cpu.as_secs_f64(),
        );
        page.gauge(
            "process_resident_memory_bytes",
            "Memory that the process has.",
            usage.resident,
        );
        page.gauge("process_threads", "Threads of the process.", usage.threads);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        let help = "File descriptors that are open.";
        page.gauge("process_open_fds", help, open.count());
    }
    if let Some(most) = rustix::process::getrlimit(rustix::process::Resource::Nofile).current {
        let help = "File descriptors that may be open.";
        page.gauge("process_max_fds", help, most);
    }
}

fn of_runtime(page: &mut Page<'_>, runtime: &Handle) {
    let metrics = runtime.metrics();
    let workers = metrics.num_workers();
    let busy: Duration = (0..workers)
        .map(|worker| metrics.worker_total_busy_duration(worker))
        .sum();
    page.gauge("reen_runtime_workers", "Threads that poll tasks.", workers);
    page.counter(
        "reen_runtime_busy_seconds_total",
        "Time that the workers were busy, all together.",
        busy.as_secs_f64(),
    );
    page.gauge(
        "reen_runtime_tasks",
        "Tasks that have not ended.",
        metrics.num_alive_tasks(),
    );
    page.gauge(
        "reen_runtime_queued_tasks",
        "Tasks that wait for any worker; what grows here is more than the processors can do.",
        metrics.global_queue_depth(),
    );
}

/// What the system accounts to this process.
struct Usage {
    cpu: Duration,
    resident: u64,
    threads: u64,
}

impl Usage {
    /// From `/proc/self/stat`, see proc(5); the name, which may hold anything, ends with the last bracket.
    fn read() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        let ticks = number(11)?.checked_add(number(12)?)?;
        let page = u64::try_from(rustix::param::page_size()).ok()?;
        Some(Self {
            cpu: time_of(ticks, rustix::param::clock_ticks_per_second()),
            threads: number(17)?,
            resident: number(21)?.checked_mul(page)?,
        })
    }
}

fn time_of(ticks: u64, a_second: u64) -> Duration {
    let nanos = u128::from(ticks) * 1_000_000_000 / u128::from(a_second.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// The text that is added to.
struct Page<'text>(&'text mut String);

impl Page<'_> {
    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.tell("gauge", name, help, value);
    }

    fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        self.tell("counter", name, help, value);
    }

    fn info(&mut self) {
        let version = env!("CARGO_PKG_VERSION");
        let built = format_args!("reen_build_info{{version=\"{version}\"}}").to_string();
        self.head(
            "gauge",
            "reen_build_info",
            "Always 1; the label is what was built.",
        );
        self.line(&built, 1);
    }

    fn tell(&mut self, kind: &str, name: &str, help: &str, value: impl Display) {
        self.head(kind, name, help);
        self.line(name, value);
    }

    fn head(&mut self, kind: &str, name: &str, help: &str) {
        let _a_string_takes_everything =
            write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn line(&mut self, name: &str, value: impl Display) {
        let _a_string_takes_everything = writeln!(self.0, "{name} {value}");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{tell, tell_allocations, time_of};

    #[test]
    fn ticks_are_time() {
        assert_eq!(time_of(250, 100), Duration::from_millis(2_500));
        assert_eq!(time_of(1, 0), Duration::from_secs(1));
    }

    #[tokio::test]
    async fn the_process_is_told_whole() {
        tell_allocations(|| 7);
        let mut text = String::new();
        tell(&mut text);
        for name in [
            "process_allocations_total",
            "process_cpu_seconds_total",
            "process_resident_memory_bytes",
            "process_threads",
            "process_open_fds",
            "process_max_fds",
            "process_start_time_seconds",
            "reen_build_info",
            "reen_runtime_workers",
            "reen_runtime_busy_seconds_total",
            "reen_runtime_tasks",
            "reen_runtime_queued_tasks",
        ] {
            let has_line = |start: &str| text.lines().any(|line| line.starts_with(start));
            assert!(has_line(&format!("# HELP {name} ")), "{name}");
            assert!(has_line(&format!("# TYPE {name} ")), "{name}");
            let value = [format!("{name} "), format!("{name}{{")];
            assert!(value.iter().any(|start| has_line(start)), "{name}");
        }
    }
}
