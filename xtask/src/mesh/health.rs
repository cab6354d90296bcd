//! Whether a process says that it can work.

use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(2);

/// The readiness check below the base URL of a stand-in or an admin listener.
pub(crate) fn ready_url(admin: &str) -> String {
    format!("{admin}/health/ready")
}

/// Whether the URL answers with a success.
pub(crate) fn is_ready(url: &str) -> bool {
    ureq::get(url)
        .config()
        .timeout_global(Some(PATIENCE))
        .build()
        .call()
        .is_ok_and(|answer| answer.status().is_success())
}
