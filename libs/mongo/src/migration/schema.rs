use std::collections::BTreeMap;

use bson::{Document, doc};
use mongodb::IndexModel;
use ring::digest::{SHA256, digest};

use super::drift::name_of;
use super::standing::{Misfit, Standing};
use super::step::{Indexes, Rewrite, Step};

/// Every migration of a process's database, in their order.
#[derive(Clone, Debug)]
pub struct Schema {
    pub(super) owner: &'static str,
    needs: u32,
    migrations: Vec<Migration>,
}

/// One numbered change of a database.
#[derive(Clone, Debug)]
pub struct Migration {
    pub(super) version: u32,
    pub(super) name: &'static str,
    /// The oldest program that can live with it; 0: any.
    pub(super) suits: u32,
    is_contracting: bool,
    pub(super) steps: Vec<Step>,
}

impl Schema {
    /// The migrations of the process `owner`, numbered 1, 2, 3 and so on; its program works with a database
    /// from version `needs` on.
    #[must_use]
    pub fn new(owner: &'static str, needs: u32, migrations: Vec<Migration>) -> Self {
        Self {
            owner,
            needs,
            migrations,
        }
    }

    /// The process whose database it is.
    #[must_use]
    pub fn owner(&self) -> &'static str {
        self.owner
    }

    /// The oldest version that the program works with.
    #[must_use]
    pub fn needs(&self) -> u32 {
        self.needs
    }

    /// The newest version that the program knows.
    #[must_use]
    pub fn latest(&self) -> u32 {
        self.migrations.last().map_or(0, |last| last.version)
    }

    /// All migrations, the first one first.
    #[must_use]
    pub fn migrations(&self) -> &[Migration] {
        &self.migrations
    }

    /// Those that a database lacks.
    pub fn pending(&self, standing: &Standing) -> impl Iterator<Item = &Migration> {
        let version = standing.version();
        let migrations = self.migrations.iter();
        migrations.filter(move |migration| migration.version > version)
    }

    /// Whether the program can work with a database as it stands.
    ///
    /// # Errors
    /// [`Misfit`], which says what to type.
    pub fn judge(&self, standing: &Standing) -> Result<(), Misfit> {
        let (owner, version) = (self.owner, standing.version());
        if version < self.needs {
            let needs = self.needs;
            return Err(Misfit::TooOld {
                owner,
                version,
                needs,
            });
        }
        let (suits, latest) = (standing.suits(), self.latest());
        if suits > latest {
            return Err(Misfit::TooNew {
                owner,
                version,
                suits,
                latest,
            });
        }
        Ok(())
    }

    /// Whether a pending migration makes or drops this index, or drops its collection.
    pub(super) fn will_settle(&self, standing: &Standing, collection: &str, index: &str) -> bool {
        let mut steps = self.pending(standing).flat_map(|it| &it.steps);
        steps.any(|step| step.settles(collection, index))
    }

    /// The indexes of a database of this version, by collection and name.
    pub(super) fn indexes_at(&self, version: u32) -> BTreeMap<(String, String), &IndexModel> {
        let mut indexes = BTreeMap::new();
        let until = self.migrations.iter();
        let until = until.take_while(|migration| migration.version <= version);
        for step in until.flat_map(|migration| &migration.steps) {
            match step {
                Step::Make(Indexes { collection, models }) => {
                    let named = |it| (((*collection).to_owned(), name_of(it)), it);
                    indexes.extend(models.iter().map(named));
                }
                Step::Drop { collection, index } => {
                    indexes.remove(&((*collection).to_owned(), (*index).to_owned()));
                }
                Step::DropCollection { collection } => {
                    indexes.retain(|(of, _), _| of.as_str() != *collection);
                }
                Step::Guard { .. } | Step::Rewrite { .. } => {}
            }
        }
        indexes
    }
}

impl Migration {
    /// One that older programs do not mind.
    #[must_use]
    pub fn expanding(version: u32, name: &'static str) -> Self {
        Self {
            version,
            name,
            suits: 0,
            is_contracting: false,
            steps: Vec::new(),
        }
    }

    /// One that takes something away: only programs that know at least version `suits` can live with it.
    #[must_use]
    pub fn contracting(version: u32, name: &'static str, suits: u32) -> Self {
        Self {
            suits,
            is_contracting: true,
            ..Self::expanding(version, name)
        }
    }

    /// Makes indexes.
    #[must_use]
    pub fn indexes(self, indexes: Indexes) -> Self {
        self.step(Step::Make(indexes))
    }

    /// Drops an index, by its name; one that is not there is no error.
    #[must_use]
    pub fn without_index(self, collection: &'static str, index: &'static str) -> Self {
        self.step(Step::Drop { collection, index })
    }

    /// Drops a collection; one that is not there is no error.
    #[must_use]
    pub fn without_collection(self, collection: &'static str) -> Self {
        self.step(Step::DropCollection { collection })
    }

    /// Has the server refuse documents that are not like this.
    #[must_use]
    pub fn validator(self, collection: &'static str, validator: Document) -> Self {
        self.step(Step::Guard {
            collection,
            validator,
        })
    }

    /// Changes documents.
    #[must_use]
    pub fn rewrite(self, what: &'static str, run: Rewrite) -> Self {
        self.step(Step::Rewrite { what, run })
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Its number: the version that a database has after it.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether it takes away what older programs need.
    #[must_use]
    pub fn is_contracting(&self) -> bool {
        self.is_contracting
    }

    /// The SHA-256 of what it does, in hexadecimal digits.
    ///
    /// # Errors
    /// When a step cannot be described, which is a mistake in it.
    pub fn digest(&self) -> Result<String, crate::Error> {
        let steps: Result<Vec<_>, _> = self.steps.iter().map(Step::description).collect();
        let whole = doc! {"name": self.name, "suits": self.suits, "steps": steps?};
        let bytes = bson::serialize_to_vec(&whole)?;
        Ok(hex::encode(digest(&SHA256, &bytes)))
    }
}
