use bson::{Document, doc};
use mongodb::ClientSession;

use crate::{
    Collection, Database, Error, Group, Together, Transaction, TransactionError, update_each,
};

/// Writes to single documents of one collection, each only while its document is as it was read; what
/// is written at the same time is written together.
pub struct GuardedWrites {
    group: Group<Writing>,
}

/// One write.
#[derive(Clone, Debug)]
struct Write {
    as_read: Document,
    after: Document,
}

struct Writing {
    database: Database,
    collection: Collection<Document>,
}

#[derive(Debug)]
enum Failure {
    /// Some document is not as it was read.
    Changed,
    Store(Error),
}

impl GuardedWrites {
    /// For one collection of a database.
    #[must_use]
    pub fn open(database: &Database, collection: &str) -> Self {
        let writing = Writing {
            database: database.clone(),
            collection: database.collection(collection),
        };
        Self {
            group: Group::start(writing),
        }
    }

    /// Writes `after`, a whole document or a document of update operators, where one document matches
    /// `as_read`. Answers whether one did.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn write(&self, as_read: Document, after: Document) -> Result<bool, Error> {
        let written = self.group.submit(Write { as_read, after }).await;
        written.or_else(|failure| match failure {
            Failure::Changed => Ok(false),
            Failure::Store(error) => Err(error),
        })
    }
}

impl Together for Writing {
    type Job = Write;
    type Answer = bool;
    type Error = Failure;

    async fn together(&self, writes: &[Write]) -> Result<Vec<bool>, Failure> {
        // One write needs no transaction, and the driver itself repeats it when a connection breaks.
        if let [write] = writes {
            return Ok(vec![self.alone(write).await?]);
        }
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self.write_all(transaction.session(), writes).await;
            if transaction.settle(attempt).await?.is_some() {
                return Ok(vec![true; writes.len()]);
            }
        }
    }

    async fn alone(&self, write: &Write) -> Result<bool, Failure> {
        let Write { as_read, after } = write.clone();
        let is_update = after.keys().next().is_some_and(|key| key.starts_with('$'));
        let written = if is_update {
            self.collection.update_one(as_read, after).await
        } else {
            self.collection.replace_one(as_read, after).await
        };
        Ok(written.map_err(Error::from)?.matched_count == 1)
    }
}

impl Writing {
    async fn write_all(
        &self,
        session: &mut ClientSession,
        writes: &[Write],
    ) -> Result<(), Failure> {
        let statements = writes
            .iter()
            .map(|write| doc! {"q": &write.as_read, "u": &write.after})
            .collect();
        let written = update_each(session, &self.collection, statements).await?;
        if u64::try_from(writes.len()).is_ok_and(|all| all == written) {
            Ok(())
        } else {
            Err(Failure::Changed)
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl TransactionError for Failure {
    fn database(&self) -> Option<&Error> {
        match self {
            Self::Store(error) => Some(error),
            Self::Changed => None,
        }
    }
}
