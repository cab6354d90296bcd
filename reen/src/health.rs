//! `reen health`: whether a process can do its work, for images without a shell and without `curl`.

use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use url::Url;

/// Longer than the process waits for what it depends on, so that its own answer arrives.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Args)]
pub(crate) struct Check {
    /// Its admin listener, e.g. `http://127.0.0.1:9100`.
    admin: Url,
}

impl Check {
    /// Succeeds when the process is ready; else the error says what it lacks.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let url = self.admin.join("/health/ready")?;
        let asking = ureq::get(url.as_str()).config();
        let asking = asking.timeout_global(Some(PATIENCE));
        let asking = asking.http_status_as_error(false).build();
        let mut answer = asking
            .call()
            .with_context(|| format!("nothing answers at {url}"))?;
        if answer.status().is_success() {
            return Ok(());
        }
        let said = answer.body_mut().read_to_string().unwrap_or_default();
        bail!("not ready: {said}")
    }
}
