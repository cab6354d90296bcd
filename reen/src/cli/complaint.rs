//! What is said when a command did not work, and what to do next.

use std::process::ExitCode;

use reen_error::{Code, Failure};

use super::services::Service;

const REFUSED: u8 = 1;
const NOT_ASKED: u8 = 2;

/// Tells why, and answers the exit code.
pub(super) fn complain(error: &anyhow::Error) -> ExitCode {
    let Some(failure) = failure(error) else {
        eprintln!("reen: {error:#}");
        return ExitCode::from(NOT_ASKED);
    };
    eprintln!("reen: {}: {failure}", failure.code.word());
    for field in &failure.fields {
        eprintln!("  {}: {}", field.field, field.message);
    }
    match advice(failure.code, error.downcast_ref()) {
        Some(advice) => {
            eprintln!("{advice}");
            ExitCode::from(NOT_ASKED)
        }
        None => ExitCode::from(REFUSED),
    }
}

fn failure(error: &anyhow::Error) -> Option<Failure> {
    let told = error.downcast_ref::<tonic::Status>();
    told.map(Failure::from_status)
        .or_else(|| error.downcast_ref::<Failure>().cloned())
}

/// What to do about what is no refusal: the question did not get through.
fn advice(code: Code, asked: Option<&Service>) -> Option<String> {
    let asked = asked?;
    match code {
        Code::Unavailable | Code::DeadlineExceeded => Some(format!(
            "{asked} does not answer, or cannot reach its database or broker. Is it running \
             (cargo xtask up), and does {} say where?",
            asked.key
        )),
        Code::UnknownCaller => Some(format!(
            "{asked} has another SERVICE_IDENTITY_SECRET, or an older version"
        )),
        Code::Internal => Some(format!("{asked} failed; its log says why")),
        _ => None,
    }
}
