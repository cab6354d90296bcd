//! How much there is, for those who watch.

use bson::doc;
use futures::TryStreamExt as _;
use serde::Deserialize;

use super::Store;
use super::document::Status;
use crate::error::Error;

/// More are not counted: by then it is no question of how many.
const MOST_COUNTED: i64 = 10_000;

#[derive(Deserialize)]
struct Counted {
    #[serde(rename = "_id")]
    group: Group,
    count: u32,
}

#[derive(Deserialize)]
struct Group {
    kind: String,
    status: Status,
}

impl Store {
    /// How many sagas have not ended, by kind and status; stuck ones included.
    pub(crate) async fn unsettled_counts(&self) -> Result<Vec<((String, Status), u32)>, Error> {
        let unended = Status::UNENDED.map(Status::word);
        let pipeline = [
            doc! {"$match": {"status": {"$in": unended.to_vec()}}},
            doc! {"$limit": MOST_COUNTED},
            doc! {"$group": {"_id": {"kind": "$kind", "status": "$status"}, "count": {"$sum": 1}}},
        ];
        let counted = self
            .sagas
            .aggregate(pipeline)
            .with_type::<Counted>()
            .await?;
        Ok(counted
            .map_ok(|Counted { group, count }| ((group.kind, group.status), count))
            .try_collect()
            .await?)
    }

    /// How many events were taken in, as good as the server knows without counting.
    pub(crate) async fn event_count(&self) -> Result<u64, Error> {
        Ok(self.inbox.estimated_count().await?)
    }
}
