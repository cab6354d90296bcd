use bson::DateTime;

use super::{Applied, lease, record};
use crate::{Database, Error};

/// How far a database is.
#[derive(Clone, Debug)]
pub struct Standing {
    /// What was applied, the first one first.
    pub applied: Vec<Applied>,
}

/// Who migrates a database at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// A process, as it calls itself.
    pub name: String,
    /// Until when it is believed without another word.
    pub until: DateTime,
}

/// Why a program must not work with a database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// Something that the program needs is not there yet.
    #[error(
        "the database of {owner} has version {version}, and this program needs {needs}: type \
         `reen migrate up --database {owner}`"
    )]
    TooOld {
        /// The process whose database it is.
        owner: &'static str,
        /// What it has.
        version: u32,
        /// What the program needs.
        needs: u32,
    },
    /// Something that the program needs was taken away.
    #[error(
        "the database of {owner} has version {version}, for programs of version {suits} or later, and this \
         one knows {latest}: start the newer program, or restore a backup from before it"
    )]
    TooNew {
        /// The process whose database it is.
        owner: &'static str,
        /// What it has.
        version: u32,
        /// The oldest program that can live with it.
        suits: u32,
        /// What the program knows.
        latest: u32,
    },
}

impl Standing {
    /// Reads it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(database: &Database) -> Result<Self, Error> {
        let applied = record::read(database).await?;
        Ok(Self { applied })
    }

    /// The number of the last migration; 0 for a database that none was applied to.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.applied.last().map_or(0, |last| last.version)
    }

    /// The oldest program that can live with it.
    #[must_use]
    pub fn suits(&self) -> u32 {
        let each = self.applied.iter().map(|applied| applied.suits);
        each.max().unwrap_or(0)
    }
}

impl Holder {
    /// Who migrates this database now, if anybody does.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(database: &Database) -> Result<Option<Self>, Error> {
        lease::holder(database).await
    }
}
