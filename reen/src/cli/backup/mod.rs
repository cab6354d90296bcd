//! `reen backup` and `reen restore`: all databases as they were at one moment.
//!
//! A backup is a folder: `manifest.json`, which is written last and tells what belongs to it, and a folder
//! for each process with the file `shape.bson` (options and indexes of its collections) and one file for each
//! collection, its documents one after the other in BSON, compressed by gzip.
//!
//! Files are read and written where they stand: nobody else waits for this thread.

mod files;
mod manifest;
mod restore;
mod shape;
mod take;

use std::path::PathBuf;

use clap::Args;

pub(super) use restore::run as restore;
pub(super) use take::run as take;

#[derive(Args)]
pub(crate) struct Into {
    /// Where to; it must be empty, or not be there yet.
    folder: PathBuf,
}

#[derive(Args)]
pub(crate) struct From {
    /// Where the backup is.
    folder: PathBuf,
    /// Drop what is in the databases.
    #[arg(long)]
    replace: bool,
}
