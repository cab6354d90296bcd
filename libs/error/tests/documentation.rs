//! `docs/api.md` ends with every code there is.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

use std::fmt::Write as _;
use std::path::Path;

use reen_error::{Code, Handling};

const HEAD: &str = "| code | status | meaning | try again |\n| --- | --- | --- | --- |\n";

#[test]
fn the_manual_lists_every_code() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/api.md");
    let text = std::fs::read_to_string(&file).unwrap();
    let (before, written) = text.split_once(HEAD).unwrap_or((&text, ""));
    let rows = rows();
    if std::env::var_os("REEN_WRITE_DOCS").is_some() {
        std::fs::write(&file, format!("{before}{HEAD}{rows}")).unwrap();
        return;
    }
    assert!(
        written == rows,
        "the table of docs/api.md is out of date: a comment above it says how to make it"
    );
}

fn rows() -> String {
    Code::ALL.iter().fold(String::new(), |mut rows, code| {
        let again = match code.handling() {
            Handling::Retry => "yes",
            Handling::Final => "",
        };
        let (word, status, meaning) = (code.word(), code.http(), code.title());
        writeln!(rows, "| `{word}` | {status} | {meaning} | {again} |").unwrap();
        rows
    })
}
