use std::ops::Deref;

use bson::Document;
use mongodb::Collection as DriverCollection;
use mongodb::action::{
    Action as _, Aggregate, CountDocuments, EstimatedDocumentCount, Find, FindOne,
    FindOneAndDelete, FindOneAndReplace, FindOneAndUpdate,
};
use mongodb::options::{CollectionOptions, ReadConcern, UpdateModifications};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;
use crate::count::count;
use crate::deadline::time_left;

/// A collection whose searches end on the server when the call that they are made for has run out of
/// time.
///
/// Whatever looks for documents is here, and carries what is left of the caller's deadline (`maxTimeMS`);
/// everything else is the driver's own. Insertions, updates and deletions by filter have no such limit in
/// the driver: one that is under way when its caller gives up goes on at the server to its end.
#[derive(Clone, Debug)]
pub struct Collection<T: Send + Sync>(DriverCollection<T>);

impl<T: Send + Sync> Deref for Collection<T> {
    type Target = DriverCollection<T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T: Send + Sync> From<DriverCollection<T>> for Collection<T> {
    fn from(collection: DriverCollection<T>) -> Self {
        Self(collection)
    }
}

impl<T: Send + Sync> Collection<T> {
    /// The same documents, read as another type.
    #[must_use]
    pub fn clone_with_type<U: Send + Sync>(&self) -> Collection<U> {
        Collection(self.0.clone_with_type())
    }

    /// The same documents, as a session of a [`Snapshot`] reads them.
    ///
    /// The driver takes the read concern of a collection before the session's, and so reads no snapshot
    /// without this.
    ///
    /// [`Snapshot`]: crate::Snapshot
    #[must_use]
    pub fn of_snapshots(&self) -> Self {
        let options = CollectionOptions::builder().read_concern(ReadConcern::snapshot());
        let named = self.0.namespace();
        let database = self.0.client().database(&named.db);
        Self(database.collection_with_options(&named.coll, options.build()))
    }

    /// The driver's `find`, within the deadline.
    pub fn find(&self, filter: Document) -> Find<'_, T> {
        let find = self.0.find(filter);
        find.optional(time_left(), |find, left| find.max_time(left))
    }

    /// The driver's `aggregate`, within the deadline.
    pub fn aggregate(&self, pipeline: impl IntoIterator<Item = Document>) -> Aggregate<'_> {
        let aggregate = self.0.aggregate(pipeline);
        aggregate.optional(time_left(), |aggregate, left| aggregate.max_time(left))
    }

    /// How many documents match, within the deadline.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count(&self, filter: Document) -> Result<u64, Error> {
        count(&self.0, filter, None).await
    }

    /// The same, but no further than `most`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_to(&self, most: u32, filter: Document) -> Result<u64, Error> {
        count(&self.0, filter, Some(most)).await
    }

    /// The driver's `count_documents`, within the deadline: for transactions, which know no other way.
    pub fn count_documents(&self, filter: Document) -> CountDocuments<'_> {
        let count = self.0.count_documents(filter);
        count.optional(time_left(), |count, left| count.max_time(left))
    }

    /// The driver's `estimated_document_count`, within the deadline.
    pub fn estimated_document_count(&self) -> EstimatedDocumentCount<'_> {
        let count = self.0.estimated_document_count();
        count.optional(time_left(), |count, left| count.max_time(left))
    }
}

impl<T: DeserializeOwned + Send + Sync> Collection<T> {
    /// The driver's `find_one`, within the deadline.
    pub fn find_one(&self, filter: Document) -> FindOne<'_, T> {
        let find = self.0.find_one(filter);
        find.optional(time_left(), |find, left| find.max_time(left))
    }

    /// The driver's `find_one_and_update`, within the deadline.
    pub fn find_one_and_update(
        &self,
        filter: Document,
        update: impl Into<UpdateModifications>,
    ) -> FindOneAndUpdate<'_, T> {
        let find = self.0.find_one_and_update(filter, update);
        find.optional(time_left(), |find, left| find.max_time(left))
    }

    /// The driver's `find_one_and_delete`, within the deadline.
    pub fn find_one_and_delete(&self, filter: Document) -> FindOneAndDelete<'_, T> {
        let find = self.0.find_one_and_delete(filter);
        find.optional(time_left(), |find, left| find.max_time(left))
    }
}

impl<T: Serialize + DeserializeOwned + Send + Sync> Collection<T> {
    /// The driver's `find_one_and_replace`, within the deadline.
    pub fn find_one_and_replace(
        &self,
        filter: Document,
        replacement: impl std::borrow::Borrow<T>,
    ) -> FindOneAndReplace<'_, T> {
        let find = self.0.find_one_and_replace(filter, replacement);
        find.optional(time_left(), |find, left| find.max_time(left))
    }
}
