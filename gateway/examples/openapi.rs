//! Writes the documents of the interface into the folder that is named: `cargo xtask openapi`.

use std::error::Error;
use std::path::{Path, PathBuf};

use reen_gateway::Documents;
use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or("name the folder into which the documents go")?;
    let documents = Documents::of_routes()?;
    std::fs::create_dir_all(&folder)?;
    write(&folder.join("v1.json"), &documents.first)?;
    write(&folder.join("v2.json"), &documents.second)
}

fn write(path: &Path, document: &Value) -> Result<(), Box<dyn Error>> {
    let mut text = serde_json::to_string_pretty(document)?;
    text.push('\n');
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()).into())
}
