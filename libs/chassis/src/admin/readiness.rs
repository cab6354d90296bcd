use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

/// More than MongoDB's driver takes to find no primary, so that it can say so; less than `reen health` waits.
const CHECK_TIMEOUT: Duration = Duration::from_millis(2_500);
/// How often a dependency is looked at when nobody asks: what fails is in the log this soon.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Something that a process asks or writes to.
#[async_trait]
pub trait Dependency: Send + Sync {
    /// A short name, e.g. `mongodb`.
    fn name(&self) -> &'static str;

    /// Whether the process can do nothing without it, so that it had better get no work. What others
    /// need as well should not count: everybody would go out of rotation for the one that is away.
    fn is_needed(&self) -> bool {
        true
    }

    /// Asks the dependency; the error says to an operator what is wrong and what to do about it.
    async fn check(&self) -> Result<(), String>;
}

/// A dependency that is reported, and without which the process can still do something.
#[derive(Clone, Debug)]
pub struct Wanted<D>(pub D);

#[async_trait]
impl<D: Dependency> Dependency for Wanted<D> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn is_needed(&self) -> bool {
        false
    }

    async fn check(&self) -> Result<(), String> {
        self.0.check().await
    }
}

/// Whether a process can do its work now.
#[derive(Clone)]
pub struct Readiness {
    dependencies: Arc<[Watched]>,
    stopping: CancellationToken,
}

/// What one dependency answered.
#[derive(Clone, Debug, Serialize)]
pub struct DependencyReport {
    /// Its name.
    pub name: &'static str,
    /// Whether it answered.
    pub ready: bool,
    /// Whether the process is not ready without it.
    pub needed: bool,
    /// Why not, and what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Readiness {
    /// Ready while all `dependencies` that are needed answer and `stopping` is not cancelled.
    #[must_use]
    pub fn new(dependencies: Vec<Arc<dyn Dependency>>, stopping: CancellationToken) -> Self {
        Self {
            dependencies: dependencies.into_iter().map(Watched::new).collect(),
            stopping,
        }
    }

    /// Asks every dependency, concurrently and within a time limit.
    pub async fn report(&self) -> Vec<DependencyReport> {
        join_all(self.dependencies.iter().map(Watched::report)).await
    }

    /// Whether what is needed answers and the process is not stopping.
    pub async fn is_ready(&self) -> bool {
        if self.stopping.is_cancelled() {
            return false;
        }
        let needed = self.dependencies.iter().filter(|it| it.is_needed());
        let reports = join_all(needed.map(Watched::report)).await;
        reports.iter().all(|report| report.ready)
    }

    /// Whether all that is needed is ready, going by what was reported.
    pub(super) fn follows_from(&self, reports: &[DependencyReport]) -> bool {
        let answers = |report: &DependencyReport| report.ready || !report.needed;
        !self.stopping.is_cancelled() && reports.iter().all(answers)
    }

    /// Looks at the dependencies from time to time, for the log.
    pub(super) async fn watch(&self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            self.report().await;
        }
    }
}

/// A dependency, and whether it answered last time: only what changes is logged.
struct Watched {
    dependency: Arc<dyn Dependency>,
    answered: AtomicBool,
}

impl Watched {
    fn new(dependency: Arc<dyn Dependency>) -> Self {
        Self {
            dependency,
            answered: AtomicBool::new(true),
        }
    }

    fn is_needed(&self) -> bool {
        self.dependency.is_needed()
    }

    async fn report(&self) -> DependencyReport {
        let problem = match tokio::time::timeout(CHECK_TIMEOUT, self.dependency.check()).await {
            Ok(Ok(())) => None,
            Ok(Err(problem)) => Some(problem),
            Err(_) => Some("no answer in time: look at its log".to_owned()),
        };
        let name = self.dependency.name();
        self.log_change(name, problem.as_deref());
        DependencyReport {
            name,
            ready: problem.is_none(),
            needed: self.is_needed(),
            problem,
        }
    }

    fn log_change(&self, dependency: &str, problem: Option<&str>) {
        let did_answer = self.answered.swap(problem.is_none(), Ordering::Relaxed);
        match problem {
            Some(problem) if did_answer && self.is_needed() => {
                tracing::error!(dependency, problem, "not ready: a dependency is away");
            }
            Some(problem) if did_answer => {
                tracing::warn!(dependency, problem, "a dependency is away");
            }
            None if !did_answer => tracing::info!(dependency, "a dependency is back"),
            _ => {}
        }
    }
}
