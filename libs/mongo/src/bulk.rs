use bson::{Document, doc};
use mongodb::error::{Error as DriverError, ErrorKind, WriteError, WriteFailure};
use mongodb::{ClientSession, Collection};
use serde::Deserialize;

use crate::Error;
use crate::deadline::end_in_time;

/// The server's answer to `update`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Updated {
    #[serde(rename = "n")]
    matched: u64,
    #[serde(default)]
    write_errors: Vec<WriteError>,
}

/// Makes several updates of one collection in one command, in their order, inside the session's
/// transaction. Each is a statement of MongoDB's `update` command: `{q, u, upsert?, multi?}`. Answers how
/// many documents they matched or made, taken together.
///
/// # Errors
/// The first statement that failed; the transaction is over then.
pub async fn update_each<T: Send + Sync>(
    session: &mut ClientSession,
    collection: &Collection<T>,
    statements: Vec<Document>,
) -> Result<u64, Error> {
    if statements.is_empty() {
        return Ok(0);
    }
    let database = collection.client().database(&collection.namespace().db);
    let mut command = doc! {"update": collection.name(), "updates": statements};
    end_in_time(&mut command);
    let answer = database.run_command(command).session(session).await?;
    let updated: Updated = bson::deserialize_from_document(answer)?;
    match updated.write_errors.into_iter().next() {
        Some(failed) => {
            let failed = ErrorKind::Write(WriteFailure::WriteError(failed));
            Err(DriverError::from(failed).into())
        }
        None => Ok(updated.matched),
    }
}
