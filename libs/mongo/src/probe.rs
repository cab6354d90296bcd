//! Whether the database takes writes: one that only answers is of no use to whom it serves.

use bson::{DateTime, Document, doc};
use mongodb::error::{ErrorKind, WriteFailure};

use crate::{Database, Error};

pub(crate) const COLLECTION: &str = "probes";

impl Database {
    /// Writes something of no meaning, as durably as anything else.
    ///
    /// # Errors
    /// What an operator should know: that no server can be reached, or that it refuses to write, because
    /// its disk is full for instance; and what to do.
    pub(crate) async fn probe(&self) -> Result<(), String> {
        let probes = self.collection::<Document>(COLLECTION);
        let now = doc! {"$set": {"at": DateTime::now()}};
        let written = probes
            .update_one(doc! {"_id": "write"}, now)
            .upsert(true)
            .await;
        match written.map_err(Error::from) {
            Ok(_) => Ok(()),
            // Another process made it at the same moment.
            Err(error) if error.is_duplicate_key() => Ok(()),
            Err(error) => Err(advice(&error)),
        }
    }
}

fn advice(error: &Error) -> String {
    let cause = match error.driver().map(|error| &*error.kind) {
        Some(ErrorKind::Write(WriteFailure::WriteError(refused))) => refused.message.clone(),
        Some(ErrorKind::Command(refused)) => refused.message.clone(),
        Some(other) => other.to_string(),
        None => error.to_string(),
    };
    match error {
        Error::Unavailable(_) => {
            format!("no primary can be reached: look at MongoDB's log and at the URL ({cause})")
        }
        _ => format!("writes are refused: look at MongoDB's log and at its disk ({cause})"),
    }
}
