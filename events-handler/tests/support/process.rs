//! The app in a process of its own, so that it can be killed as a machine kills it.

use std::collections::HashMap;
use std::process::{Child, Command, Stdio};

use reen_events_handler::{App, Config};
use tokio_util::sync::CancellationToken;

const SETTINGS: &str = "REEN_TEST_CHILD_SETTINGS";

/// Killed with SIGKILL when it is dropped.
pub(crate) struct Process(Child);

impl Process {
    /// Runs this test binary again with nothing but the test `entry`, which has to call
    /// [`serve_as_child`].
    pub(crate) fn start(entry: &str, settings: &HashMap<String, String>) -> Self {
        let settings = serde_json::to_string(settings).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args([entry, "--exact", "--nocapture"])
            .env(SETTINGS, settings)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Serves until it is killed, when [`Process::start`] started this process; else does nothing.
pub(crate) async fn serve_as_child() {
    let Ok(settings) = std::env::var(SETTINGS) else {
        return;
    };
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
    let settings: HashMap<String, String> = serde_json::from_str(&settings).unwrap();
    let config = Config::read(&settings).unwrap();
    let app = App::build(config).await.unwrap();
    Box::pin(app.run(CancellationToken::new())).await.unwrap();
}
