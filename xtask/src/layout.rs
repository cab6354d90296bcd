//! Where things are: the workspace and the private, git-ignored folder `.reen`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folders of one checkout. Two checkouts share nothing.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    root: PathBuf,
    /// Set for a mesh beside the user's own, which knows nothing of it.
    aside: Option<&'static str>,
}

impl Layout {
    /// The workspace that cargo runs this xtask for: a target folder that is shared by checkouts may
    /// hold a binary that was built from another one.
    pub(crate) fn of_workspace() -> Self {
        let built_from = || PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let xtask = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(built_from, PathBuf::from);
        let root = xtask.parent().unwrap_or(&xtask).to_path_buf();
        Self { root, aside: None }
    }

    /// The same checkout for a mesh of its own: with data, logs and settings beside those of the user's.
    pub(crate) fn aside(&self, name: &'static str) -> Self {
        Self {
            root: self.root.clone(),
            aside: Some(name),
        }
    }

    pub(crate) fn is_aside(&self) -> bool {
        self.aside.is_some()
    }

    /// A layout below any folder, for tests.
    #[cfg(test)]
    pub(crate) fn below(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
            aside: None,
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Everything that running REEN leaves behind; removing it is always safe once all is down.
    pub(crate) fn private(&self) -> PathBuf {
        self.installed().join(self.aside.unwrap_or_default())
    }

    /// Where servers are that were downloaded; every mesh of this checkout runs them.
    pub(crate) fn installed(&self) -> PathBuf {
        self.root.join(".reen")
    }

    /// `.reen/NAME`, created when missing.
    pub(crate) fn private_folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.private().join(name);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create the folder {}", folder.display()))?;
        Ok(folder)
    }

    /// The log of one process or backend.
    pub(crate) fn log_of(&self, name: &str) -> Result<PathBuf> {
        Ok(self.private_folder("logs")?.join(format!("{name}.log")))
    }

    /// Where cargo puts the programs of this workspace. That is beside xtask itself, wherever the
    /// user keeps his target directory.
    pub(crate) fn programs(&self, release: bool) -> Result<PathBuf> {
        let xtask = std::env::current_exe().context("xtask does not know where it is")?;
        let target = xtask
            .parent()
            .and_then(Path::parent)
            .context("no target directory")?;
        Ok(target.join(if release { "release" } else { "debug" }))
    }

    /// Held while `what` is started or ended: a second xtask waits instead of starting it twice.
    /// Dropping the file lets go.
    pub(crate) fn lock(&self, what: &str) -> Result<File> {
        let path = self.private_folder("")?.join(format!("{what}.lock"));
        let file =
            File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        file.lock()
            .with_context(|| format!("cannot lock {}", path.display()))?;
        Ok(file)
    }

    pub(crate) fn backends_file(&self) -> PathBuf {
        self.private().join("backends.json")
    }
}
