//! A manual whose commands are typed as it says, one after the other, in one shell.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use reen_tests::workspace;
use tokio::process::Command;
use tokio::time::timeout;

/// For all commands of a manual together.
const PATIENCE: Duration = Duration::from_secs(120);
/// Printed after each block.
const END: &str = "--- end of a block ---";
/// What stands here may be anything.
const ANYTHING: &str = "…";

/// Commands, and what the manual says they print.
#[derive(Default)]
pub(crate) struct Block {
    pub(crate) line: usize,
    pub(crate) commands: String,
    expected: Vec<String>,
}

/// The `sh` blocks of a file of the project. A `text` block shows what the commands before it print.
pub(crate) fn blocks(file: &str) -> Vec<Block> {
    let text = std::fs::read_to_string(workspace().join(file)).unwrap();
    let mut blocks: Vec<Block> = Vec::new();
    let mut fence = None;
    for (index, line) in text.lines().enumerate() {
        match (fence, line.strip_prefix("```")) {
            (None, Some("sh")) => {
                blocks.push(Block {
                    line: index + 1,
                    ..Block::default()
                });
                fence = Some("sh");
            }
            (None, Some(other)) => fence = Some(other),
            (Some(_), Some(_)) => fence = None,
            (Some("sh"), None) => {
                let commands = &mut blocks.last_mut().unwrap().commands;
                writeln!(commands, "{line}").unwrap();
            }
            (Some("text"), None) => {
                // Commands come before what they print.
                let block = blocks.last_mut().unwrap();
                block.expected.push(line.trim().to_owned());
            }
            _ => {}
        }
    }
    blocks
}

/// Types the commands in a folder, and compares what they print with what the manual says.
pub(crate) async fn type_all(blocks: &[Block], folder: &Path) {
    let mut script = String::from("set -euo pipefail\nexec 2>&1\n");
    for block in blocks {
        writeln!(script, "{}\necho\necho '{END}'", block.commands).unwrap();
    }
    let shell = Command::new("bash")
        .arg("-c")
        .arg(script)
        .current_dir(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(PATIENCE, shell).await.unwrap();
    let output = output.unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let mut parts = printed.split(END);
    for block in blocks {
        let printed = parts.next().unwrap_or_default();
        if let Some(missing) = block.missing(printed) {
            panic!(
                "the commands of line {} do not print {missing:?}, but:\n{printed}",
                block.line
            );
        }
    }
    assert!(output.status.success(), "{}:\n{printed}", output.status);
}

impl Block {
    /// The first of the expected lines that is not among the printed ones after those before it.
    fn missing(&self, printed: &str) -> Option<&str> {
        let mut lines = printed.lines();
        let expected = self.expected.iter().filter(|line| *line != ANYTHING);
        expected
            .map(String::as_str)
            .find(|expected| !lines.any(|line| fits(expected, line.trim())))
    }
}

/// Whether the pieces between what may be anything are in the line, in their order.
fn fits(expected: &str, line: &str) -> bool {
    let pieces: Vec<&str> = expected.split(ANYTHING).collect();
    let [first, between @ .., last] = pieces.as_slice() else {
        return expected == line;
    };
    let Some(mut rest) = line.strip_prefix(first) else {
        return false;
    };
    for piece in between {
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[test]
fn lines_fit_with_anything_between() {
    assert!(fits("HTTP/1.1 200 OK", "HTTP/1.1 200 OK"));
    assert!(fits(
        "…\"code\":\"not_found\"…",
        r#"{"a":1,"code":"not_found","b":2}"#
    ));
    assert!(fits(
        "{\"id\":\"…\",\"name\":\"Lamp\"…}",
        r#"{"id":"66","name":"Lamp","price":1}"#
    ));
    assert!(!fits(
        "{\"id\":\"…\",\"name\":\"Lamp\"}",
        r#"{"id":"66","name":"Lamp","price":1}"#
    ));
    assert!(!fits("HTTP/1.1 200 OK", "HTTP/1.1 200 OKAY"));
}
