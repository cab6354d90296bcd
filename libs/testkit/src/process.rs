use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::NamedTempFile;

use crate::eventually;

/// `reen serve ROLE` as a process of its own; killed when it is dropped.
pub struct Process {
    child: Child,
    log: NamedTempFile,
}

impl Process {
    /// Starts it with these settings and no others.
    ///
    /// # Panics
    /// When the program is not there.
    #[must_use]
    pub fn serving(program: &Path, role: &str, settings: &HashMap<String, String>) -> Self {
        let log = NamedTempFile::new().expect("a temporary file");
        let output = || {
            File::options()
                .append(true)
                .open(log.path())
                .expect("a log")
        };
        let child = Command::new(program)
            .args(["serve", role])
            .env_clear()
            .envs(settings)
            .stdin(Stdio::null())
            .stdout(output())
            .stderr(output())
            .spawn()
            .expect("the program starts");
        Self { child, log }
    }

    /// Sends SIGTERM.
    ///
    /// # Panics
    /// When it has ended already.
    pub fn terminate(&self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process id"), Signal::TERM).expect("a process");
    }

    /// Waits for its end, and answers its exit code and how long that took.
    ///
    /// # Panics
    /// When it does not end, or not by itself.
    pub async fn ended(&mut self) -> (i32, Duration) {
        let started = Instant::now();
        let status = eventually("the process to end", async || {
            self.child.try_wait().expect("a child")
        });
        let code = status.await.code().expect("an exit code");
        (code, started.elapsed())
    }

    /// All that it has said so far.
    ///
    /// # Panics
    /// When the log cannot be read.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).expect("a log")
    }

    /// Waits for a line of the log with these words.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn logged(&self, words: &str) -> String {
        eventually(&format!("{words:?} in the log"), async || {
            let log = self.log();
            let mut lines = log.lines();
            lines.find(|line| line.contains(words)).map(str::to_owned)
        })
        .await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
