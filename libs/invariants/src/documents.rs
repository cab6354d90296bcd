//! Reading other people's documents: only the fields that are needed, and a missing number is zero.

use std::collections::{BTreeMap, HashMap};

use bson::{Bson, Document, doc};
use futures::{StreamExt as _, TryStreamExt as _};
use mongodb::ClientSession;
use mongodb::options::ReadConcern;
use reen_mongo::{Database, Error};

/// How many subjects are looked up at a time.
pub(crate) const BATCH: usize = 500;

/// A session in which everything is read as of one moment: a transaction that writes nothing, and ends
/// with the session.
pub(crate) async fn snapshot(database: &Database) -> Result<ClientSession, Error> {
    let mut session = database.client().start_session().await?;
    let as_of_now = ReadConcern::snapshot();
    session.start_transaction().read_concern(as_of_now).await?;
    Ok(session)
}

/// An id as hex digits, however the service keeps it.
pub(crate) fn id_in(document: &Document, field: &str) -> String {
    match document.get(field) {
        Some(Bson::ObjectId(id)) => id.to_hex(),
        Some(Bson::String(id)) => id.clone(),
        _ => String::new(),
    }
}

/// A whole number, of either width.
pub(crate) fn number(document: &Document, field: &str) -> i64 {
    match document.get(field) {
        Some(Bson::Int64(number)) => *number,
        Some(Bson::Int32(number)) => i64::from(*number),
        _ => 0,
    }
}

pub(crate) fn text<'document>(document: &'document Document, field: &str) -> &'document str {
    document.get_str(field).unwrap_or_default()
}

pub(crate) fn flag(document: &Document, field: &str) -> bool {
    document.get_bool(field).unwrap_or_default()
}

/// The documents of an array.
pub(crate) fn parts<'document>(
    document: &'document Document,
    field: &str,
) -> impl Iterator<Item = &'document Document> {
    let array = document.get_array(field).ok();
    array.into_iter().flatten().filter_map(Bson::as_document)
}

/// Sums of an aggregation by their `_id`.
pub(crate) async fn sums_by_id(
    database: &Database,
    session: &mut ClientSession,
    collection: &str,
    pipeline: Vec<Document>,
) -> Result<BTreeMap<String, Document>, Error> {
    let collection = database.collection::<Document>(collection);
    let found = collection.aggregate(pipeline).session(&mut *session);
    let mut found = found.await?;
    let mut sums = BTreeMap::new();
    while let Some(sum) = found.next(&mut *session).await.transpose()? {
        sums.insert(id_in(&sum, "_id"), sum);
    }
    Ok(sums)
}

/// The documents of these ids, by the field that names them.
pub(crate) async fn by_field(
    database: &Database,
    collection: &str,
    field: &str,
    ids: Vec<Bson>,
) -> Result<HashMap<String, Vec<Document>>, Error> {
    let collection = database.collection::<Document>(collection);
    let mut these = Document::new();
    these.insert(field, doc! {"$in": ids});
    let mut found = collection.find(these).await?;
    let mut documents: HashMap<String, Vec<Document>> = HashMap::new();
    while let Some(document) = found.try_next().await? {
        let key = id_in(&document, field);
        documents.entry(key).or_default().push(document);
    }
    Ok(documents)
}

/// Calls `look` with every document that matches, a batch at a time.
pub(crate) async fn in_batches(
    database: &Database,
    collection: &str,
    filter: Document,
    mut look: impl AsyncFnMut(Vec<Document>) -> Result<(), Error>,
) -> Result<(), Error> {
    let documents = database.collection::<Document>(collection);
    let mut batches = documents.find(filter).await?.try_chunks(BATCH);
    while let Some(batch) = batches.next().await {
        look(batch.map_err(|broken| broken.1)?).await?;
    }
    Ok(())
}
