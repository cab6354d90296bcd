//! The gateway's REST API, as any client sees it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use ureq::Agent;
use ureq::http::{Response, StatusCode};

const PATIENCE: Duration = Duration::from_secs(30);

/// A client with its own connections.
#[derive(Debug)]
pub(crate) struct Api {
    agent: Agent,
    base: String,
}

impl Api {
    /// `base` is put before every path.
    pub(crate) fn new(base: impl Into<String>) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE));
        Self {
            agent: config.build().into(),
            base: base.into(),
        }
    }

    /// The REST API below a gateway's base URL.
    pub(crate) fn of_gateway(gateway: &str) -> Self {
        Self::new(format!("{gateway}/api/v1"))
    }

    pub(crate) fn get(&self, path: &str, token: Option<&str>) -> Result<Value> {
        let url = format!("{}{path}", self.base);
        let mut request = self.agent.get(&url);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let response = request.call().with_context(|| format!("GET {url}"))?;
        read(response).with_context(|| format!("GET {url}"))
    }

    pub(crate) fn post(&self, path: &str, token: Option<&str>, body: &Value) -> Result<Value> {
        let url = format!("{}{path}", self.base);
        let mut request = self.agent.post(&url);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let response = request
            .send_json(body)
            .with_context(|| format!("POST {url}"))?;
        read(response).with_context(|| format!("POST {url}"))
    }
}

/// The body of a success; of anything else the words of its problem.
fn read(mut response: Response<ureq::Body>) -> Result<Value> {
    let status = response.status();
    let text = response.body_mut().read_to_string()?;
    if status.is_success() {
        return serde_json::from_str(&text).with_context(|| format!("not JSON: {text}"));
    }
    bail!("{}", refusal(status, &text))
}

/// `409 insufficient_stock: …` for a problem (RFC 9457), the start of the body for anything else.
fn refusal(status: StatusCode, body: &str) -> String {
    let problem: Value = serde_json::from_str(body).unwrap_or_default();
    match (problem["code"].as_str(), problem["detail"].as_str()) {
        (Some(code), detail) => {
            format!("{} {code}: {}", status.as_u16(), detail.unwrap_or_default())
        }
        _ => format!("{status}: {}", body.chars().take(300).collect::<String>()),
    }
}

/// A field that the contract promises.
pub(crate) fn text<'a>(answer: &'a Value, field: &str) -> Result<&'a str> {
    answer[field]
        .as_str()
        .with_context(|| format!("{field} is missing in {answer}"))
}

/// Asks again, `pause` after each answer, until there is what is looked for.
pub(crate) fn wait_for<T>(
    what: &str,
    patience: Duration,
    pause: Duration,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            bail!("{what}: not after {} s", patience.as_secs());
        }
        std::thread::sleep(pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_told_by_its_code_and_detail() {
        let body = r#"{"code":"insufficient_stock","detail":"only 2 are left","status":409}"#;
        assert_eq!(
            refusal(StatusCode::CONFLICT, body),
            "409 insufficient_stock: only 2 are left"
        );
        assert_eq!(
            refusal(StatusCode::BAD_GATEWAY, "<html>"),
            "502 Bad Gateway: <html>"
        );
    }

    #[test]
    fn waiting_ends() {
        let mut calls = 0;
        let found = wait_for("three", Duration::from_secs(5), Duration::ZERO, || {
            calls += 1;
            Ok((calls == 3).then_some(calls))
        });
        assert_eq!(found.unwrap(), 3);
        let never = wait_for("never", Duration::ZERO, Duration::ZERO, || Ok(None::<()>));
        assert!(never.is_err());
    }
}
