//! The counts of products, compared with their holds and set right.

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use mongodb::{ClientSession, SessionCursor};
use reen_mongo::{Collection, Snapshot, Transaction};
use serde::{Deserialize, Serialize};

use super::Store;
use super::document::HoldDocument;
use crate::domain::{Counts, Difference, HoldState, Holdings};
use crate::error::Error;

/// What a comparison came to.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    /// How many products were compared.
    pub(crate) products: u64,
    /// The first that differ, in the order of their ids.
    pub(crate) differences: Vec<Difference>,
}

#[derive(Debug, Serialize, Deserialize)]
struct CountsDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    quantity: i64,
    held: i64,
    sold: i64,
    stocked: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct HoldingsDocument {
    #[serde(rename = "_id")]
    product_id: ObjectId,
    held: i64,
    sold: i64,
}

impl CountsDocument {
    fn counts(&self) -> Counts {
        Counts {
            available: self.quantity,
            held: self.held,
            sold: self.sold,
            stocked: self.stocked,
        }
    }
}

impl Store {
    /// Compares every product with its holds, all as they are at one point in time; of those that
    /// differ it answers the first `most`.
    ///
    /// Both are read in the order of ids, so that neither has to fit into memory.
    pub(crate) async fn compare_counts(&self, most: usize) -> Result<Comparison, Error> {
        let mut snapshot = Snapshot::begin(&self.database).await?;
        loop {
            let attempt = self.compare_once(snapshot.session(), most).await;
            if let Some(compared) = snapshot.settle(attempt).await? {
                return Ok(compared);
            }
        }
    }

    async fn compare_once(
        &self,
        session: &mut ClientSession,
        most: usize,
    ) -> Result<Comparison, Error> {
        let holds = self.holds.of_snapshots();
        let mut holdings = holdings(&holds, session, doc! {}).await?;
        let mut products = self
            .counts()
            .of_snapshots()
            .find(doc! {})
            .projection(counted_fields())
            .sort(doc! {"_id": 1})
            .session(&mut *session)
            .await?;
        let mut compared = Comparison::default();
        let mut next_held = holdings.next(session).await.transpose()?;
        while let Some(product) = products.next(session).await.transpose()? {
            // Holds of a product that is not there are nothing to set right.
            while next_held
                .as_ref()
                .is_some_and(|it| it.product_id < product.id)
            {
                next_held = holdings.next(session).await.transpose()?;
            }
            let own = next_held.as_ref().filter(|it| it.product_id == product.id);
            let difference = product.counts().difference(product.id, sums(own));
            compared.products += 1;
            if compared.differences.len() < most {
                compared.differences.extend(difference);
            }
        }
        Ok(compared)
    }

    /// Sets one product right, and answers how it differed, if it still did.
    pub(crate) async fn repair(&self, product_id: ObjectId) -> Result<Option<Difference>, Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self.repair_once(transaction.session(), product_id).await;
            if let Some(repaired) = transaction.settle(attempt).await? {
                return Ok(repaired);
            }
        }
    }

    /// Whatever moves pieces of the product meanwhile writes to the product as well, and one of both
    /// is tried again.
    async fn repair_once(
        &self,
        session: &mut ClientSession,
        product_id: ObjectId,
    ) -> Result<Option<Difference>, Error> {
        let this = doc! {"_id": product_id};
        let found = self
            .counts()
            .find_one(this.clone())
            .projection(counted_fields())
            .session(&mut *session)
            .await?;
        let Some(product) = found else {
            return Ok(None);
        };
        let of_product = doc! {"lines.productId": product_id};
        let mut holdings = holdings(&self.holds, session, of_product).await?;
        let own = holdings.next(session).await.transpose()?;
        let difference = product.counts().difference(product_id, sums(own.as_ref()));
        let Some(difference) = difference else {
            return Ok(None);
        };
        self.products
            .update_one(this, corrected(difference.expected))
            .session(session)
            .await?;
        Ok(Some(Difference {
            repaired: true,
            ..difference
        }))
    }

    fn counts(&self) -> Collection<CountsDocument> {
        self.products.clone_with_type()
    }
}

/// What the holds hold and sold of each product whose lines match, in the order of the products'
/// ids.
async fn holdings(
    holds: &Collection<HoldDocument>,
    session: &mut ClientSession,
    lines: Document,
) -> Result<SessionCursor<HoldingsDocument>, Error> {
    let open = [HoldState::Held.word(), HoldState::Sold.word()];
    let pieces_in = |state: HoldState| {
        let is_in = doc! {"$eq": ["$state", state.word()]};
        doc! {"$sum": {"$cond": [is_in, "$lines.quantity", 0_i64]}}
    };
    let pipeline = vec![
        doc! {"$match": {"$and": [{"state": {"$in": open}}, &lines]}},
        doc! {"$unwind": "$lines"},
        doc! {"$match": lines},
        doc! {"$group": {
            "_id": "$lines.productId",
            "held": pieces_in(HoldState::Held),
            "sold": pieces_in(HoldState::Sold),
        }},
        doc! {"$sort": {"_id": 1}},
    ];
    let summing = holds.aggregate(pipeline).with_type();
    Ok(summing.allow_disk_use(true).session(session).await?)
}

fn sums(holdings: Option<&HoldingsDocument>) -> Holdings {
    holdings.map_or_else(Holdings::default, |sums| Holdings {
        held: sums.held,
        sold: sums.sold,
    })
}

fn counted_fields() -> Document {
    doc! {"quantity": 1, "held": 1, "sold": 1, "stocked": 1}
}

fn corrected(counts: Counts) -> Document {
    doc! {
        "$set": {
            "quantity": counts.available,
            "held": counts.held,
            "sold": counts.sold,
            "stocked": counts.stocked,
            "updatedAt": DateTime::now(),
        },
        "$inc": {"version": 1_i64},
    }
}
