//! How many documents match, asked by the server's own `count`, which walks through an index and no further.
//!
//! The driver counts by an aggregation, which costs MongoDB more than a millisecond before it begins. That
//! way is left for transactions, where `count` is not allowed. On a sharded cluster `count` may see a
//! document twice while it moves from shard to shard.

use bson::{Document, doc};
use mongodb::Collection;
use mongodb::action::{Action as _, CountDocuments};
use serde::Deserialize;

use crate::Error;
use crate::deadline::{end_in_time, time_left};

/// The server's answer to `count`.
#[derive(Deserialize)]
struct Counted {
    n: u64,
}

/// Counts what matches up to `most`, or all of it. The driver repeats no command that it does not know: when
/// the server went away, or is no primary any more, the driver's own way finds the next one.
pub(crate) async fn count<T: Send + Sync>(
    collection: &Collection<T>,
    filter: Document,
    most: Option<u32>,
) -> Result<u64, Error> {
    let database = collection.client().database(&collection.namespace().db);
    match database
        .run_command(command(collection, &filter, most))
        .await
    {
        Ok(answer) => Ok(bson::deserialize_from_document::<Counted>(answer)?.n),
        Err(error) => match Error::from(error) {
            late @ Error::TooLate(_) => Err(late),
            _ => in_the_drivers_way(collection, filter, most).await,
        },
    }
}

fn command<T: Send + Sync>(
    collection: &Collection<T>,
    filter: &Document,
    most: Option<u32>,
) -> Document {
    let mut command = doc! {
        "count": collection.name(),
        "query": filter,
        "readConcern": {"level": "majority"},
    };
    if let Some(most) = most {
        command.insert("limit", i64::from(most));
    }
    end_in_time(&mut command);
    command
}

async fn in_the_drivers_way<T: Send + Sync>(
    collection: &Collection<T>,
    filter: Document,
    most: Option<u32>,
) -> Result<u64, Error> {
    let counting = collection
        .count_documents(filter)
        .optional(most, |counting, most| counting.limit(u64::from(most)))
        .optional(time_left(), CountDocuments::max_time);
    Ok(counting.await?)
}
