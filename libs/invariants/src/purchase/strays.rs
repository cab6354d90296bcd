//! What says that it belongs to a checkout, and does not: nobody who goes through the checkouts meets it.

use std::collections::HashSet;

use bson::oid::ObjectId;
use bson::{Bson, DateTime, Document, doc};
use serde::Deserialize;

use super::documents::HoldState;
use super::names::{RECORD_PURCHASE, checkout_of_step};
use crate::databases::{CHECKOUTS, HOLDS, Owner, PURCHASES, Source};
use crate::fields::{id_text, read};
use crate::finding::{Finding, Invariant, Notes, Subject};
use crate::sweep::{Check, Checker, Suspect, judged};
use crate::{Error, Terms};

pub(super) async fn check(checker: &mut Checker<'_>) -> Result<(), Error> {
    let checkouts = checker.source(Owner::Checkout, CHECKOUTS);
    let holds = Holds {
        holds: checker.source(Owner::Products, HOLDS),
        checkouts: checkouts.clone(),
        terms: checker.terms,
    };
    checker.sweep(&holds).await?;
    let purchases = CountedPurchases {
        purchases: checker.source(Owner::Auth, PURCHASES),
        checkouts,
    };
    checker.sweep(&purchases).await
}

/// Those of these checkouts that are there.
pub(crate) async fn existing<'id>(
    checkouts: &Source,
    ids: impl Iterator<Item = &'id str>,
) -> Result<HashSet<String>, Error> {
    let ids = ids.filter_map(|id| ObjectId::parse_str(id).ok().map(Bson::from));
    let ids: Vec<Bson> = ids.collect();
    let found = checkouts.by_ids(ids, doc! {"_id": 1}).await?;
    Ok(found.iter().map(|it| id_text(it.get("_id"))).collect())
}

/// Stock that is held or sold.
struct Holds {
    holds: Source,
    checkouts: Source,
    terms: Terms,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HoldEnd {
    #[serde(rename = "_id")]
    id: String,
    state: HoldState,
    #[serde(default)]
    expires_at: Option<DateTime>,
}

impl Check for Holds {
    const SUBJECTS: &'static str = "holds";

    fn source(&self) -> Source {
        self.holds.clone()
    }

    /// Not only those that hold or sold something: in another state than there is, it is unreadable.
    fn filter(&self) -> Document {
        doc! {"state": {"$nin": ["released", "returned"]}}
    }

    async fn look(&self, ids: &[Bson]) -> Result<Vec<Suspect>, Error> {
        let wanted = doc! {"state": 1, "expiresAt": 1};
        let holds = self.holds.by_ids(ids, wanted).await?;
        let named = holds.iter().filter_map(|hold| hold.get_str("_id").ok());
        let known = existing(&self.checkouts, named.map(checkout_of_hold)).await?;
        Ok(judged(holds, |hold| self.judge(hold, &known)))
    }
}

/// The id of a hold is that of its checkout, or begins with it.
fn checkout_of_hold(id: &str) -> &str {
    id.split_once('/').map_or(id, |(checkout, _)| checkout)
}

impl Holds {
    fn judge(&self, hold: Document, known: &HashSet<String>) -> Vec<Finding> {
        let hold: HoldEnd = match read("hold", Invariant::Stock, hold) {
            Ok(hold) => hold,
            Err(unreadable) => return vec![unreadable],
        };
        if known.contains(checkout_of_hold(&hold.id)) {
            return Vec::new();
        }
        let mut notes = Notes::on(Subject::new("hold", &hold.id));
        // Stock is held before its checkout is stored. Where that did not happen, it is released when
        // its time has passed.
        let is_late = hold
            .expires_at
            .is_none_or(|end| self.terms.is_late_for_sweeper(end));
        match hold.state {
            HoldState::Sold => notes.note(Invariant::Stock, "is sold, and of no checkout"),
            HoldState::Held if is_late => {
                notes.note(
                    Invariant::Stock,
                    "is held past its time, and of no checkout",
                );
            }
            HoldState::Held | HoldState::Released | HoldState::Returned => {}
        }
        notes.into_findings()
    }
}

/// What users' counts are made of.
struct CountedPurchases {
    purchases: Source,
    checkouts: Source,
}

impl Check for CountedPurchases {
    const SUBJECTS: &'static str = "counted purchases";

    fn source(&self) -> Source {
        self.purchases.clone()
    }

    fn filter(&self) -> Document {
        doc! {"forgotten": {"$ne": true}}
    }

    async fn look(&self, ids: &[Bson]) -> Result<Vec<Suspect>, Error> {
        let purchases = self.purchases.by_ids(ids, doc! {"_id": 1}).await?;
        let named = purchases.iter().filter_map(checkout_of_purchase);
        let known = existing(&self.checkouts, named).await?;
        Ok(judged(purchases, |purchase| {
            let mut notes = Notes::on(Subject::new("purchase", id_text(purchase.get("_id"))));
            match checkout_of_purchase(&purchase) {
                Some(id) if known.contains(id) => {}
                Some(_) => notes.note(Invariant::Once, "is counted, and of no checkout"),
                // Counted by the step of its saga it would have the step's id.
                None => notes.note(Invariant::Once, "is counted, and not by its saga's step"),
            }
            notes.into_findings()
        }))
    }
}

fn checkout_of_purchase(purchase: &Document) -> Option<&str> {
    checkout_of_step(purchase.get_str("_id").ok()?, RECORD_PURCHASE)
}
