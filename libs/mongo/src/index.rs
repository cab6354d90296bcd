use mongodb::{Collection, IndexModel};

use crate::Error;

/// Makes the indexes of a collection; those that are there already stay.
///
/// # Errors
/// When the server refuses, e.g. because an index of that name has other options.
pub async fn sync_indexes<T: Send + Sync>(
    collection: &Collection<T>,
    indexes: impl IntoIterator<Item = IndexModel>,
) -> Result<(), Error> {
    collection.create_indexes(indexes).await?;
    Ok(())
}
