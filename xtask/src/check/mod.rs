//! `cargo xtask check`: what the compiler does not see of this repository's order.
//!
//! - layers: which crate may depend on which ([`layers`]);
//! - rooms: which file of an app may speak to what ([`rooms`]);
//! - sizes: files and functions that can be read at one sitting ([`sizes`]).
//!
//! What must be otherwise is named, with its reason, in [`exceptions`].

mod exceptions;
mod layers;
mod rooms;
mod sizes;
mod source;
mod workspace;

use std::fmt;
use std::process::ExitCode;

use anyhow::Result;

use self::exceptions::EXCEPTIONS;
use self::source::Source;
use self::workspace::Workspace;
use crate::layout::Layout;

/// A rule that an exception can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    Layer,
    Room,
    FileSize,
    FunctionSize,
}

/// One place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Violation {
    rule: Rule,
    /// Relative to the workspace.
    path: String,
    line: usize,
    /// The dependency, import or function that breaks it; an exception names the same.
    subject: String,
    message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// Prints every violation, and answers with failure when there is one.
pub(crate) fn run(layout: &Layout) -> Result<ExitCode> {
    let workspace = Workspace::read(layout)?;
    let sources = workspace.sources()?;
    let found = [
        layers::violations(&workspace),
        rooms::violations(&sources),
        sizes::violations(&sources),
    ]
    .concat();
    let messages = exceptions::apply(EXCEPTIONS, &found);
    for message in &messages {
        println!("{message}");
    }
    if messages.is_empty() {
        let (crates, files) = (workspace.packages.len(), sources.len());
        println!("layers, rooms and sizes are in order: {crates} crates, {files} files");
        return Ok(ExitCode::SUCCESS);
    }
    println!("{} violations", messages.len());
    Ok(ExitCode::FAILURE)
}
