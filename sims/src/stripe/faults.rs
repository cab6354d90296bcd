//! Failures on request, so that callers can be tested against them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::errors::ApiError;

const MOST_FAULTS: usize = 1_000;
const LONGEST_HANG: Duration = Duration::from_secs(10 * 60);

/// What the next calls of a path suffer. With `status` they fail; with
/// `hang_ms` they wait first; with `after_effect` the request is executed
/// before, so that the caller does not know its outcome.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    /// E.g. `/v1/refunds`; a segment `*` stands for any one segment.
    path: String,
    /// Any method when absent.
    method: Option<String>,
    /// How many calls; 1 when absent.
    #[serde(default = "once")]
    times: u32,
    /// 400 to 599.
    status: Option<u16>,
    hang_ms: Option<u64>,
    #[serde(default)]
    pub(crate) after_effect: bool,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// Waits and fails as asked; `None` when the call goes on afterwards.
    pub(crate) async fn strike(&self) -> Option<Response> {
        if let Some(hang) = self.hang() {
            tokio::time::sleep(hang).await;
        }
        let status = StatusCode::from_u16(self.status?).ok()?;
        Some(ApiError::fault(status).into_response())
    }

    fn hang(&self) -> Option<Duration> {
        self.hang_ms.map(Duration::from_millis)
    }

    fn check(&self) -> Result<(), &'static str> {
        if !self.path.starts_with("/v1/") {
            return Err("path must begin with /v1/");
        }
        if self.times == 0 {
            return Err("times must be at least 1");
        }
        if self.status.is_none() && self.hang_ms.is_none() {
            return Err("status or hang_ms is needed");
        }
        if self
            .status
            .is_some_and(|status| !(400..600).contains(&status))
        {
            return Err("status must be from 400 to 599");
        }
        if self.hang().is_some_and(|hang| hang > LONGEST_HANG) {
            return Err("hang_ms can be up to ten minutes");
        }
        Ok(())
    }

    fn strikes(&self, method: &Method, path: &str) -> bool {
        let same_method = self
            .method
            .as_ref()
            .is_none_or(|expected| method.as_str().eq_ignore_ascii_case(expected));
        let pattern = self.path.split('/');
        let segments = path.split('/');
        same_method
            && pattern.clone().count() == segments.clone().count()
            && pattern
                .zip(segments)
                .all(|(expected, segment)| expected == "*" || expected == segment)
    }
}

/// The faults that wait for their calls.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    /// # Errors
    /// What is wrong with the fault.
    pub(crate) fn add(&self, fault: Fault) -> Result<(), ApiError> {
        fault.check().map_err(ApiError::invalid)?;
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= MOST_FAULTS {
            return Err(ApiError::conflict("too many faults are waiting"));
        }
        waiting.push(fault);
        Ok(())
    }

    pub(crate) fn clear(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// The oldest fault that this call suffers, counted down.
    pub(crate) fn take(&self, method: &Method, path: &str) -> Option<Fault> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let index = waiting
            .iter()
            .position(|fault| fault.strikes(method, path))?;
        let fault = waiting.get_mut(index)?;
        fault.times -= 1;
        let taken = fault.clone();
        if taken.times == 0 {
            waiting.remove(index);
        }
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fault(value: serde_json::Value) -> Fault {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_fault_strikes_its_path_as_often_as_asked() {
        let faults = Faults::default();
        faults
            .add(fault(
                json!({"path": "/v1/checkout/sessions/*/expire", "times": 2, "status": 500}),
            ))
            .unwrap();
        let take = |path| faults.take(&Method::POST, path).is_some();
        assert!(!take("/v1/checkout/sessions"));
        assert!(take("/v1/checkout/sessions/cs_1/expire"));
        assert!(take("/v1/checkout/sessions/cs_2/expire"));
        assert!(!take("/v1/checkout/sessions/cs_3/expire"));
    }

    #[test]
    fn a_method_narrows_it() {
        let faults = Faults::default();
        faults
            .add(fault(
                json!({"path": "/v1/refunds", "method": "post", "status": 500}),
            ))
            .unwrap();
        assert!(faults.take(&Method::GET, "/v1/refunds").is_none());
        assert!(faults.take(&Method::POST, "/v1/refunds").is_some());
    }

    #[test]
    fn faults_without_meaning_are_refused() {
        for value in [
            json!({"path": "/v1/refunds"}),
            json!({"path": "/v1/refunds", "status": 200}),
            json!({"path": "/v1/refunds", "status": 500, "times": 0}),
            json!({"path": "/sim/events", "status": 500}),
        ] {
            assert!(
                Faults::default().add(fault(value.clone())).is_err(),
                "{value}"
            );
        }
    }
}
