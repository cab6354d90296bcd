//! Listing fees: noted by products before they are charged, charged by auth.

use std::collections::{HashMap, HashSet};

use bson::oid::ObjectId;
use bson::{Bson, DateTime, Document, doc};
use serde::Deserialize;

use crate::databases::{Owner, POSTINGS, Source};
use crate::fields::{by_id, id_text, read};
use crate::finding::{Finding, Invariant, Notes, Subject};
use crate::purchase::Posting;
use crate::sweep::{Check, Checker, Suspect, judged};
use crate::terms::age;
use crate::{Error, Terms, account};

pub(super) const FEES: &str = "listing_fees";

pub(super) async fn check(checker: &mut Checker<'_>) -> Result<(), Error> {
    let fees = Fees {
        fees: checker.source(Owner::Products, FEES),
        postings: checker.source(Owner::Auth, POSTINGS),
        terms: checker.terms,
    };
    checker.sweep(&fees).await
}

/// Those of these fees that are there.
pub(super) async fn existing(fees: &Source, ids: &[Bson]) -> Result<HashSet<String>, Error> {
    let found = fees.by_ids(ids, doc! {"_id": 1}).await?;
    Ok(found.iter().map(|fee| id_text(fee.get("_id"))).collect())
}

struct Fees {
    fees: Source,
    postings: Source,
    terms: Terms,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fee {
    #[serde(rename = "_id")]
    id: String,
    user_id: ObjectId,
    amount_cents: i64,
    state: FeeState,
    created_at: DateTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FeeState {
    Owed,
    Settled,
    Reversing,
    Undone,
}

impl Check for Fees {
    const SUBJECTS: &'static str = "listing fees";

    fn source(&self) -> Source {
        self.fees.clone()
    }

    async fn look(&self, ids: &[Bson]) -> Result<Vec<Suspect>, Error> {
        // Fees first: one that is settled or undone stays so, and so does its posting.
        let fees = self.fees.by_ids(ids, doc! {}).await?;
        let postings = by_id(self.postings.by_ids(ids, doc! {}).await?);
        Ok(judged(fees, |fee| {
            self.judge(fee, &postings).unwrap_or_else(|it| vec![it])
        }))
    }
}

impl Fees {
    fn judge(
        &self,
        fee: Document,
        postings: &HashMap<String, Document>,
    ) -> Result<Vec<Finding>, Finding> {
        let fee: Fee = read("listing fee", Invariant::Ledger, fee)?;
        let posting = postings.get(&fee.id).cloned();
        let posting = posting.map(|it| read::<Posting>("posting", Invariant::Ledger, it));
        let posting = posting.transpose()?.filter(Posting::stands);
        let mut notes = Notes::on(Subject::new("listing fee", &fee.id));
        match fee.state {
            FeeState::Settled => is_charged(&fee, posting.as_ref(), &mut notes),
            FeeState::Undone => notes.demand(posting.is_none(), Invariant::Ledger, || {
                "was given up, and is charged all the same".to_owned()
            }),
            FeeState::Owed | FeeState::Reversing => {
                let is_late = self.terms.is_late_for_sweeper(fee.created_at);
                notes.demand(!is_late, Invariant::NothingLost, || {
                    format!("was left open {} ago", age(fee.created_at))
                });
            }
        }
        Ok(notes.into_findings())
    }
}

fn is_charged(fee: &Fee, posting: Option<&Posting>, notes: &mut Notes) {
    let payer = account::of_user(&fee.user_id.to_hex());
    let paid = posting.map_or(0, |posting| {
        let own = posting.legs.iter().filter(|leg| leg.account == payer);
        own.map(|leg| i128::from(leg.amount_cents)).sum()
    });
    notes.demand(
        paid == -i128::from(fee.amount_cents),
        Invariant::Ledger,
        || format!("is {} cents, and {} were charged", fee.amount_cents, -paid),
    );
}
