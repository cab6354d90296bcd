//! Checkouts that should have ended.

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use futures::TryStreamExt as _;
use serde::Deserialize;

use super::Store;
use super::migrations::{PAGE_CLOSED, PAID};
use super::queries;
use crate::domain::{State, Unsettled, Window};
use crate::error::Error;

impl Store {
    /// Open checkouts whose page closed, and paid ones, in this window; oldest first.
    pub(crate) async fn unsettled(&self, window: Window) -> Result<Vec<Unsettled>, Error> {
        let (closed, paid) = tokio::try_join!(
            self.in_window(queries::closed_in(window), PAGE_CLOSED, window.limit),
            self.in_window(queries::paid_in(window), PAID, window.limit),
        )?;
        let mut unsettled: Vec<_> = closed.into_iter().chain(paid).collect();
        unsettled.sort_by_key(|checkout| checkout.since);
        unsettled.truncate(usize::try_from(window.limit).unwrap_or_default());
        Ok(unsettled)
    }

    async fn in_window(
        &self,
        filter: Document,
        moment: &str,
        limit: i64,
    ) -> Result<Vec<Unsettled>, Error> {
        let parts = self.checkouts.clone_with_type::<Parts>();
        let found = parts
            .find(filter)
            .sort(doc! {moment: 1})
            .limit(limit)
            .projection(doc! {
                "state": 1, "page.sessionId": 1, "payment.sessionId": 1, PAGE_CLOSED: 1, PAID: 1,
            })
            .await?;
        Ok(found.map_ok(Unsettled::from).try_collect().await?)
    }
}

/// As much of a checkout as is needed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parts {
    #[serde(rename = "_id")]
    id: ObjectId,
    state: State,
    page: Option<Session>,
    payment: Option<Session>,
    expires_at: DateTime,
    paid_at: Option<DateTime>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    session_id: String,
}

impl From<Parts> for Unsettled {
    fn from(parts: Parts) -> Self {
        let session = parts.payment.or(parts.page);
        Self {
            id: parts.id,
            state: parts.state,
            session_id: session.map(|session| session.session_id),
            since: parts.paid_at.unwrap_or(parts.expires_at),
        }
    }
}
