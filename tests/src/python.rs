use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// A program of the tests' Python environment, e.g. `python`.
///
/// # Panics
/// When it is not there; the message says how to get it.
#[must_use]
pub fn python_program(name: &str) -> PathBuf {
    let program = workspace().join(".reen/venv/bin").join(name);
    let hint = "run the tests with `cargo xtask test`, or make it once with `cargo xtask python`";
    assert!(program.exists(), "{} is missing: {hint}", program.display());
    program
}

/// A file of `tests/prove`.
#[must_use]
pub fn prove_file(name: &str) -> PathBuf {
    workspace().join("tests/prove").join(name)
}

/// Where the whole project is.
///
/// # Panics
/// Never: this crate is a folder of it.
#[must_use]
pub fn workspace() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("a workspace")
}

/// Runs a script of `tests/prove`, which reads JSON and prints JSON.
///
/// # Panics
/// When it fails; what it says of that goes to standard error.
pub async fn ask_python(script: &str, question: &Value) -> Value {
    let mut python = Command::new(python_program("python"))
        .arg(prove_file(script))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python runs");
    let mut input = python.stdin.take().expect("a pipe");
    let question = question.to_string();
    input
        .write_all(question.as_bytes())
        .await
        .expect("it listens");
    drop(input);
    let output = python.wait_with_output().await.expect("it ends");
    assert!(output.status.success(), "{script}: {}", output.status);
    serde_json::from_slice(&output.stdout).expect("JSON")
}
