use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use reen_backends::process::find_program;

/// Runs Prometheus' own tool, which must be content.
pub(crate) fn promtool(arguments: &[&str], files: &[&Path], input: &str) {
    let program = find_program("promtool");
    let program = program.expect("promtool is installed: apt-get install prometheus");
    let mut running = Command::new(program)
        .args(arguments)
        .args(files)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = running.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let ended = running.wait_with_output().unwrap();
    let said = [ended.stdout, ended.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(ended.status.success(), "promtool {arguments:?}: {said}");
}
