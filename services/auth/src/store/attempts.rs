//! Failures that are counted. Each count is one document, changed by one write; the window begins anew
//! with the first failure after its end, whether or not the database has removed the old one.

use bson::{DateTime, Document, doc};
use futures::TryStreamExt as _;
use futures::future::try_join_all;
use mongodb::ClientSession;

use super::Store;
use crate::domain::{Count, Counter};
use crate::error::Error;

impl Store {
    /// What these have counted, in no particular order; those that have counted nothing are left out.
    pub(crate) async fn counts(&self, counters: &[Counter]) -> Result<Vec<(String, Count)>, Error> {
        let ids: Vec<&str> = counters.iter().map(|counter| counter.id.as_str()).collect();
        let counts = self.attempts.find(doc! {"_id": {"$in": ids}}).await?;
        let counts = counts.map_ok(|count| (count.id.clone(), Count::from(count)));
        Ok(counts.try_collect().await?)
    }

    /// Counts one more failure with each of these.
    pub(crate) async fn count_failure(&self, counters: &[Counter]) -> Result<(), Error> {
        let each = counters.iter().map(|counter| self.count_one(counter));
        try_join_all(each).await?;
        Ok(())
    }

    async fn count_one(&self, counter: &Counter) -> Result<(), Error> {
        let this = doc! {"_id": &counter.id};
        let update = vec![one_more(counter)];
        self.attempts.update_one(this, update).upsert(true).await?;
        Ok(())
    }

    /// Forgets what this counter has counted.
    pub(crate) async fn forget_failures(&self, counter: &Counter) -> Result<(), Error> {
        let this = doc! {"_id": &counter.id};
        self.attempts.delete_one(this).await?;
        Ok(())
    }

    /// Forgets every failure for an address, as a part of the caller's transaction.
    pub(super) async fn forget_failures_for(
        &self,
        session: &mut ClientSession,
        email_key: &str,
    ) -> Result<(), Error> {
        let (start, end) = Counter::range_of(email_key);
        let all = doc! {"_id": {"$gte": start, "$lt": end}};
        self.attempts.delete_many(all).session(session).await?;
        Ok(())
    }
}

fn one_more(counter: &Counter) -> Document {
    let window = counter.allowance.window.as_millis();
    let window = i64::try_from(window).unwrap_or(i64::MAX);
    let now = DateTime::now();
    let runs = doc! {"$gt": ["$expiresAt", now]};
    let end = DateTime::from_millis(now.timestamp_millis().saturating_add(window));
    doc! {"$set": {
        "failures": {"$cond": [runs.clone(), {"$add": ["$failures", 1_i64]}, 1_i64]},
        "expiresAt": {"$cond": [runs, "$expiresAt", end]},
    }}
}
