//! `.reen/run.json`: where the running mesh is, for scripts, tests and the other commands.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::roles::{ALL, CLERK_SIM, MAIL_SIM, SIMS, STRIPE_SIM};
use crate::layout::Layout;
use crate::process::Known;

/// The keys of the file are fixed: scripts read them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Run {
    /// Base URL of the gateway.
    pub(crate) gateway: String,
    /// Base URL of each process's admin listener.
    pub(crate) admin: BTreeMap<String, String>,
    /// URL of each database, with its name.
    pub(crate) mongo: BTreeMap<String, String>,
    pub(crate) broker: String,
    pub(crate) redis: String,
    /// Base URL of Stripe's stand-in; nothing when real Stripe is used.
    pub(crate) stripe: Option<String>,
    pub(crate) stripe_webhook_secret: String,
    /// Base URL of Clerk's stand-in; nothing when real Clerk is used.
    pub(crate) clerk: Option<String>,
    /// URL of the mail server's stand-in; nothing when there is a real one.
    pub(crate) mail: Option<String>,
    /// Where it writes the e-mails that it takes.
    pub(crate) mail_dir: Option<String>,
    /// The binary `reen` that was started.
    pub(crate) reen: String,
    /// What its commands for operators read.
    pub(crate) operators: BTreeMap<String, String>,
    /// Process ids by name.
    pub(crate) processes: BTreeMap<String, u32>,
}

impl Run {
    /// What was noted last; nothing when there is no file or an unreadable one.
    pub(crate) fn load(layout: &Layout) -> Self {
        fs::read(file(layout))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    pub(crate) fn save(&self, layout: &Layout) -> Result<()> {
        write_private(&file(layout), &serde_json::to_vec_pretty(self)?)
    }

    /// Nothing runs any more.
    pub(crate) fn forget(&self, layout: &Layout) -> Result<()> {
        let file = file(layout);
        if file.exists() {
            fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
        }
        Ok(())
    }

    /// Where a process answers for its health: a stand-in itself, a role on its admin listener.
    pub(crate) fn url(&self, name: &str) -> Option<&String> {
        match name {
            STRIPE_SIM => self.stripe.as_ref(),
            CLERK_SIM => self.clerk.as_ref(),
            MAIL_SIM => self.mail.as_ref(),
            role => self.admin.get(role),
        }
    }

    /// The process of a stand-in, or of a role, which may be that of all roles; when it was started, it may
    /// have ended since.
    pub(crate) fn process(&self, name: &str) -> Option<Known> {
        if SIMS.contains(&name) {
            return self.known(name, "reen-sims");
        }
        let own = self.known(name, "reen serve");
        own.or_else(|| self.known(ALL, "reen serve"))
    }

    fn known(&self, name: &str, command: &str) -> Option<Known> {
        let pid = *self.processes.get(name)?;
        Some(Known::new(pid, format!("/{command} {name}")))
    }

    /// The running processes' names.
    pub(crate) fn running(&self) -> Vec<&str> {
        let is_running = |name: &&str| self.process(name).is_some_and(|known| known.is_running());
        self.processes
            .keys()
            .map(String::as_str)
            .filter(is_running)
            .collect()
    }
}

fn file(layout: &Layout) -> std::path::PathBuf {
    layout.private().join("run.json")
}

/// Replaces a file that holds secrets: nobody else may read it, nobody sees half of it.
pub(super) fn write_private(path: &Path, content: &[u8]) -> Result<()> {
    let draft = path.with_extension("new");
    let write = || {
        let mut options = File::options();
        options.write(true).create(true).truncate(true).mode(0o600);
        options.open(&draft)?.write_all(content)?;
        fs::rename(&draft, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_file_is_read_as_written_and_private() {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout::below(root.path());
        layout.private_folder("").unwrap();
        let mut run = Run {
            gateway: "http://127.0.0.1:8000".to_owned(),
            ..Run::default()
        };
        run.processes.insert("auth".to_owned(), 1);
        run.save(&layout).unwrap();
        assert_eq!(Run::load(&layout), run);
        let mode = fs::metadata(file(&layout)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn processes_are_known_by_their_command_line() {
        let mut run = Run::default();
        run.processes.insert("auth".to_owned(), 7);
        run.processes.insert("stripe".to_owned(), 8);
        run.processes.insert("clerk".to_owned(), 9);
        assert_eq!(run.process("auth").unwrap().marker, "/reen serve auth");
        assert_eq!(run.process("stripe").unwrap().marker, "/reen-sims stripe");
        assert_eq!(run.process("clerk").unwrap().marker, "/reen-sims clerk");
        assert_eq!(run.process("orders"), None);
        run.processes.insert("all".to_owned(), 10);
        assert_eq!(run.process("orders").unwrap().marker, "/reen serve all");
    }
}
