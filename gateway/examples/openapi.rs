//! Writes the documents of the interface into the folder that is named: `cargo xtask openapi`.
#![expect(clippy::expect_used, reason = "whoever types the command reads why")]

use std::path::PathBuf;

use reen_gateway::Documents;
use serde_json::Value;

fn main() {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.expect("a folder is named");
    let documents = Documents::of_routes().expect("the routes are documented");
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    write(folder.join("v1.json"), &documents.first);
    write(folder.join("v2.json"), &documents.second);
}

fn write(path: PathBuf, document: &Value) {
    let mut text = serde_json::to_string_pretty(document).expect("JSON");
    text.push('\n');
    std::fs::write(path, text).expect("the document can be written");
}
