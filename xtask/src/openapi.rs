//! `cargo xtask openapi`: writes the documents of the interface that are committed.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::layout::Layout;
use crate::process::cargo;
use crate::suite::exit_code;

/// Below the workspace.
const FOLDER: &str = "docs/openapi";

/// Has the gateway say what its routes are.
pub(crate) fn run(layout: &Layout) -> Result<ExitCode> {
    let status = Command::new(cargo())
        .current_dir(layout.root())
        .args(["run", "--package", "reen-gateway", "--example", "openapi"])
        .args(["--", FOLDER])
        .status()
        .context("cannot run cargo")?;
    Ok(exit_code(status))
}
