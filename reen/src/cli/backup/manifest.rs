use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use super::files;

const FILE: &str = "manifest.json";
/// Of the folder as a whole; another number is another program's.
const FORMAT: u32 = 1;

/// What a backup consists of.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    format: u32,
    /// RFC 3339: the moment at which everything was as it is in here.
    pub(super) moment: String,
    /// The version of the program that took it.
    program: String,
    pub(super) databases: Vec<SavedDatabase>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SavedDatabase {
    /// The process whose database it is, and the name of its folder.
    pub(super) owner: String,
    /// As the migrations count.
    pub(super) version: u32,
    /// The oldest program that can live with it.
    pub(super) suits: u32,
    pub(super) shape: SavedFile,
    pub(super) collections: Vec<SavedCollection>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SavedCollection {
    pub(super) name: String,
    pub(super) documents: u64,
    /// Of the documents, before they are compressed.
    pub(super) bytes: u64,
    pub(super) file: SavedFile,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedFile {
    /// Below the folder of the backup.
    pub(super) path: String,
    /// In hexadecimal digits.
    pub(super) sha256: String,
}

impl SavedDatabase {
    pub(super) fn documents(&self) -> u64 {
        let each = self.collections.iter();
        each.map(|collection| collection.documents).sum()
    }

    fn files(&self) -> impl Iterator<Item = &SavedFile> {
        let documents = self.collections.iter().map(|collection| &collection.file);
        documents.chain([&self.shape])
    }
}

impl Manifest {
    pub(super) fn new(moment: String, databases: Vec<SavedDatabase>) -> Self {
        Self {
            format: FORMAT,
            moment,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            databases,
        }
    }

    /// Makes the backup one.
    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        files::write_whole(&folder.join(FILE), &serde_json::to_vec_pretty(self)?)?;
        Ok(())
    }

    /// Reads it, and compares every file with it.
    pub(super) fn read_and_verify(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(FILE);
        let text = fs::read(&path).with_context(|| {
            let path = path.display();
            format!("{path} cannot be read: no backup is there, or it was not finished")
        })?;
        let manifest: Self = serde_json::from_slice(&text)
            .with_context(|| format!("{} is no manifest", path.display()))?;
        if manifest.format != FORMAT {
            bail!(
                "the backup has format {}, and this program knows {FORMAT}",
                manifest.format
            );
        }
        for file in manifest.databases.iter().flat_map(SavedDatabase::files) {
            let path = folder.join(&file.path);
            if files::digest(&path)? != file.sha256 {
                bail!(
                    "{} is damaged: it has another digest than in {FILE}",
                    path.display()
                );
            }
        }
        Ok(manifest)
    }
}
