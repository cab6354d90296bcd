//! What is logged, and how to change it for a while in a running process: `GET` and `PUT /log` on the admin
//! listener. A change ends by itself, so that no process is left talking.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::{EnvFilter, Registry, reload};

/// The levels are the process's, as its subscriber is.
static LEVELS: OnceLock<Levels> = OnceLock::new();

const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

struct Levels {
    handle: reload::Handle<EnvFilter, Registry>,
    /// As the process was started with.
    usual: String,
    current: Mutex<Option<Change>>,
}

/// What is logged for a while.
#[derive(Clone)]
struct Change {
    filter: String,
    until: Instant,
}

/// What is asked of a process.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeLevels {
    /// As in `RUST_LOG`, e.g. `debug` or `info,reen_checkout=debug`.
    pub filter: String,
    /// For how long, at most a day.
    pub seconds: u64,
}

/// What a process logs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelsReport {
    /// Now.
    pub filter: String,
    /// As it was started, and as it will be again.
    pub usual: String,
    /// How long it is until then; absent when nothing is changed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seconds_left: Option<u64>,
}

/// Why levels are not changed.
#[derive(Debug, thiserror::Error)]
pub enum LevelsError {
    /// It is not a filter.
    #[error("the filter cannot be read")]
    Malformed(#[from] ParseError),
    /// `EnvFilter` would take it for the name of a module, and log all of that.
    #[error("`{0}` is no level: off, error, warn, info, debug or trace, also as MODULE=LEVEL")]
    NoLevel(String),
    /// It would never end, or end at once.
    #[error("the time must be between one second and one day")]
    BadTime,
    /// This process does not log.
    #[error("this process does not log")]
    NotLogging,
}

/// Reads a filter as in `RUST_LOG`, without its traps.
///
/// # Errors
/// [`LevelsError::Malformed`] and [`LevelsError::NoLevel`].
pub fn read_filter(text: &str) -> Result<EnvFilter, LevelsError> {
    for directive in text.split(',') {
        let directive = directive.trim();
        let names_module = directive.contains(['=', '[', ':', '_']);
        // Nothing at all is taken for `error`.
        let is_level = !directive.is_empty() && directive.parse::<LevelFilter>().is_ok();
        if !names_module && !is_level {
            return Err(LevelsError::NoLevel(directive.to_owned()));
        }
    }
    Ok(EnvFilter::try_new(text)?)
}

/// From now on the levels behind `handle` can be changed.
pub(super) fn keep(handle: reload::Handle<EnvFilter, Registry>, usual: String) {
    let current = Mutex::default();
    let levels = Levels {
        handle,
        usual,
        current,
    };
    // The subscriber is refused as well when there is one already.
    let _is_first = LEVELS.set(levels);
}

/// `GET` and `PUT /log`.
pub(crate) fn routes() -> Router {
    Router::new().route("/log", get(show).put(change))
}

async fn show() -> Response {
    match LEVELS.get() {
        Some(levels) => Json(levels.report()).into_response(),
        None => refuse(&LevelsError::NotLogging),
    }
}

async fn change(Json(asked): Json<ChangeLevels>) -> Response {
    let levels = LEVELS.get().ok_or(LevelsError::NotLogging);
    match levels.and_then(|levels| levels.change(&asked)) {
        Ok(report) => Json(report).into_response(),
        Err(error) => refuse(&error),
    }
}

fn refuse(error: &LevelsError) -> Response {
    let problem = serde_json::json!({"problem": error.to_string()});
    (StatusCode::BAD_REQUEST, Json(problem)).into_response()
}

impl Levels {
    fn lock(&self) -> MutexGuard<'_, Option<Change>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self) -> LevelsReport {
        let current = self.lock();
        let usual = self.usual.clone();
        match &*current {
            Some(change) => LevelsReport {
                filter: change.filter.clone(),
                usual,
                seconds_left: Some(
                    change
                        .until
                        .saturating_duration_since(Instant::now())
                        .as_secs(),
                ),
            },
            None => LevelsReport {
                filter: usual.clone(),
                usual,
                seconds_left: None,
            },
        }
    }

    fn change(&'static self, asked: &ChangeLevels) -> Result<LevelsReport, LevelsError> {
        let lasting = Duration::from_secs(asked.seconds);
        if lasting.is_zero() || lasting > LONGEST {
            return Err(LevelsError::BadTime);
        }
        let until = Instant::now() + lasting;
        let change = Change {
            filter: asked.filter.clone(),
            until,
        };
        let filter = read_filter(&asked.filter)?;
        {
            let mut current = self.lock();
            self.handle
                .reload(filter)
                .map_err(|_| LevelsError::NotLogging)?;
            *current = Some(change);
        }
        tracing::warn!(
            filter = asked.filter,
            seconds = asked.seconds,
            "the log is changed"
        );
        tokio::spawn(async move {
            tokio::time::sleep_until(until.into()).await;
            self.end_change_of(until);
        });
        Ok(self.report())
    }

    /// Back to the usual levels, unless they were changed anew meanwhile.
    fn end_change_of(&self, until: Instant) {
        let mut current = self.lock();
        if current.as_ref().is_none_or(|change| change.until != until) {
            return;
        }
        *current = None;
        // What was read at the start is readable now.
        if let Ok(usual) = EnvFilter::try_new(&self.usual) {
            let _without_subscriber = self.handle.reload(usual);
        }
        drop(current);
        tracing::warn!(filter = self.usual, "the log is as usual again");
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt as _;
    use tracing::{Dispatch, Level, dispatcher};
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::{EnvFilter, registry, reload};

    use super::{LevelsError, LevelsReport, keep, read_filter, routes};

    async fn ask(method: &str, body: &str) -> (u16, Vec<u8>) {
        let request = Request::builder()
            .method(method)
            .uri("/log")
            .header("content-type", "application/json")
            .body(Body::from(body.to_owned()));
        let response = routes().oneshot(request.unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 10_000).await.unwrap();
        (status, body.to_vec())
    }

    async fn report() -> LevelsReport {
        let (_, body) = ask("GET", "").await;
        serde_json::from_slice(&body).unwrap()
    }

    #[tokio::test]
    async fn a_change_ends_by_itself() {
        let (layer, handle) = reload::Layer::new(EnvFilter::new("info"));
        let log = Dispatch::new(registry().with(layer));
        keep(handle, "info".to_owned());
        let is_debugging =
            || dispatcher::with_default(&log, || tracing::enabled!(target: "any", Level::DEBUG));
        assert!(!is_debugging());

        let (status, _) = ask("PUT", r#"{"filter": "debug", "seconds": 1}"#).await;
        assert_eq!(status, 200);
        assert!(is_debugging());
        let changed = report().await;
        assert_eq!(
            (changed.filter.as_str(), changed.usual.as_str()),
            ("debug", "info")
        );
        assert!(changed.seconds_left.is_some());

        let usual = async {
            while report().await.filter != "info" {
                tokio::task::yield_now().await;
            }
        };
        let in_time = tokio::time::timeout(std::time::Duration::from_secs(10), usual);
        assert!(in_time.await.is_ok());
        assert!(!is_debugging());

        for refused in [
            r#"{"filter": "loud", "seconds": 1}"#,
            r#"{"filter": "debug", "seconds": 0}"#,
            r#"{"filter": "debug", "seconds": 100000}"#,
        ] {
            assert_eq!(ask("PUT", refused).await.0, 400, "{refused}");
        }
    }

    #[test]
    fn a_filter_is_levels() {
        for filter in [
            "debug",
            "off",
            "info,reen_auth=debug",
            "warn,reen_gateway::limits=trace",
            "info,h2=off",
        ] {
            assert!(read_filter(filter).is_ok(), "{filter}");
        }
    }

    #[test]
    fn a_word_that_is_no_level_is_not_taken_for_a_module() {
        for filter in ["debgu", "", "info,loud"] {
            let refused = read_filter(filter).unwrap_err();
            assert!(matches!(refused, LevelsError::NoLevel(_)), "{filter}");
        }
        assert!(matches!(
            read_filter("info,reen_auth=loud"),
            Err(LevelsError::Malformed(_))
        ));
    }
}
