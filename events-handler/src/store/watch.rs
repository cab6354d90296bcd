//! Sagas as the reconciler watches them.

use std::collections::HashMap;

use bson::{DateTime, Document, doc};
use futures::TryStreamExt as _;
use mongodb::IndexModel;
use mongodb::options::IndexOptions;
use reen_mongo::Collection;
use serde::Deserialize;

use super::Store;
use super::document::{Refusal, Status};
use crate::error::Error;

/// How many sagas are looked at in each state; the oldest.
const MOST_WATCHED: i64 = 1_000;

/// As much of a saga as tells whether it is past a deadline.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Watched {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) key: String,
    pub(crate) status: Status,
    pub(crate) stuck_in: Option<Status>,
    #[serde(default)]
    pub(crate) state: Learned,
    pub(crate) refusal: Option<Refusal>,
    pub(crate) created_at: DateTime,
}

/// What its steps have come to, if it is about a payment.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Learned {
    pub(crate) order_id: Option<String>,
    pub(crate) refund_id: Option<String>,
}

impl Watched {
    /// What it is about to do, or would be if it were not stuck.
    pub(crate) fn phase(&self) -> Status {
        match self.status {
            Status::Stuck => self.stuck_in.unwrap_or(Status::Stuck),
            status => status,
        }
    }
}

/// The index of refusals. Those that have not ended are few and are found by their status: an index of
/// their age would cost every saga something, and be of use once a minute.
pub(super) fn indexes() -> [IndexModel; 1] {
    let refused_only = IndexOptions::builder()
        .partial_filter_expression(doc! {"refusal.step": {"$exists": true}})
        .build();
    let by_refusal = IndexModel::builder()
        .keys(doc! {"refusal.step": 1, "createdAt": 1})
        .options(refused_only)
        .build();
    [by_refusal]
}

impl Store {
    /// Sagas that have not ended, stuck ones included, each oldest first.
    pub(crate) async fn watched(&self) -> Result<Vec<Watched>, Error> {
        let unsettled = doc! {"status": {"$in": Status::unsettled()}};
        let stuck = doc! {"status": Status::Stuck.word()};
        let (unsettled, stuck) = tokio::try_join!(self.watch(unsettled), self.watch(stuck))?;
        Ok(unsettled.into_iter().chain(stuck).collect())
    }

    /// Sagas that were turned around by `step`, and began after `since`; oldest first.
    pub(crate) async fn refused_by(
        &self,
        step: &str,
        since: DateTime,
    ) -> Result<Vec<Watched>, Error> {
        self.watch(doc! {"refusal.step": step, "createdAt": {"$gt": since}})
            .await
    }

    async fn watch(&self, filter: Document) -> Result<Vec<Watched>, Error> {
        let watched: Collection<Watched> = self.sagas.clone_with_type();
        let found = watched
            .find(filter)
            .sort(doc! {"createdAt": 1})
            .limit(MOST_WATCHED)
            .projection(doc! {
                "kind": 1, "key": 1, "status": 1, "stuckIn": 1, "createdAt": 1, "refusal": 1,
                "state.order_id": 1, "state.refund_id": 1,
            })
            .await?;
        Ok(found.try_collect().await?)
    }

    /// Where these sagas are; one that never began is left out.
    pub(crate) async fn statuses(&self, ids: &[String]) -> Result<HashMap<String, Status>, Error> {
        let parts: Collection<StatusOnly> = self.sagas.clone_with_type();
        let found = parts
            .find(doc! {"_id": {"$in": ids}})
            .projection(doc! {"status": 1})
            .await?;
        Ok(found
            .map_ok(|saga| (saga.id, saga.status))
            .try_collect()
            .await?)
    }
}

#[derive(Deserialize)]
struct StatusOnly {
    #[serde(rename = "_id")]
    id: String,
    status: Status,
}

#[cfg(test)]
mod tests {
    use bson::{DateTime, doc};
    use reen_testkit::{TestDatabase, assert_uses_index};

    use crate::store::{Status, schema};

    #[tokio::test]
    async fn every_question_has_an_index() {
        let fresh = TestDatabase::fresh();
        let database = fresh.migrated(&schema()).await;
        let refused =
            doc! {"refusal.step": "record-payment", "createdAt": {"$gt": DateTime::now()}};
        for (question, sort) in [
            (doc! {"status": {"$in": Status::unsettled()}}, doc! {}),
            (doc! {"status": "stuck"}, doc! {}),
            (refused, doc! {"createdAt": 1}),
        ] {
            assert_uses_index(&database, "sagas", question, sort).await;
        }
    }
}
