//! What cargo knows of the workspace, and its source files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::Source;
use crate::layout::Layout;
use crate::process::{cargo, run_quietly};

/// The members, as `cargo metadata` lists them.
#[derive(Debug, Deserialize)]
pub(super) struct Workspace {
    pub(super) packages: Vec<Package>,
    workspace_root: PathBuf,
}

#[derive(Debug, Deserialize)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) dependencies: Vec<Dependency>,
    manifest_path: PathBuf,
}

#[derive(Debug, Deserialize)]
pub(super) struct Dependency {
    pub(super) name: String,
    /// `dev`, `build`, or nothing for a normal one.
    pub(super) kind: Option<String>,
    /// Only the workspace's own have one.
    pub(super) path: Option<PathBuf>,
}

impl Workspace {
    pub(super) fn read(layout: &Layout) -> Result<Self> {
        let mut command = Command::new(cargo());
        command
            .current_dir(layout.root())
            .args(["metadata", "--format-version", "1", "--no-deps"]);
        let printed = run_quietly(&mut command)?;
        serde_json::from_str(&printed).context("cargo metadata is not understood")
    }

    /// Every Rust file of every member.
    pub(super) fn sources(&self) -> Result<Vec<Source>> {
        let mut sources = Vec::new();
        for package in &self.packages {
            let folder = package
                .manifest_path
                .parent()
                .unwrap_or(&self.workspace_root);
            let member = self.relative(folder);
            for file in rust_files(folder)? {
                let text = fs::read_to_string(&file)
                    .with_context(|| format!("cannot read {}", file.display()))?;
                let source = Source::parse(&member, &self.relative(&file), &text)
                    .with_context(|| format!("{} is not Rust", file.display()))?;
                sources.push(source);
            }
        }
        Ok(sources)
    }

    /// A path below the workspace's root, as it is shown.
    pub(super) fn relative(&self, path: &Path) -> String {
        let relative = path.strip_prefix(&self.workspace_root).unwrap_or(path);
        relative.display().to_string()
    }

    #[cfg(test)]
    pub(super) fn of(packages: Vec<Package>) -> Self {
        Self {
            packages,
            workspace_root: PathBuf::from("/w"),
        }
    }
}

impl Package {
    /// The manifest's path, absolute.
    pub(super) fn manifest(&self) -> &Path {
        &self.manifest_path
    }

    #[cfg(test)]
    pub(super) fn of(name: &str, dependencies: &[(&str, Option<&str>)]) -> Self {
        let dependencies = dependencies
            .iter()
            .map(|(name, kind)| Dependency {
                name: (*name).to_owned(),
                kind: kind.map(str::to_owned),
                path: Some(PathBuf::from("/w").join(name)),
            })
            .collect();
        let manifest_path = PathBuf::from("/w").join(name).join("Cargo.toml");
        Self {
            name: name.to_owned(),
            dependencies,
            manifest_path,
        }
    }
}

/// The Rust files below a member, in order; what is built there by others is not looked at.
fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
