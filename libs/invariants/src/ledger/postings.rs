//! Each posting for itself, and whether what it was posted for is there.

use std::collections::HashSet;

use bson::{Bson, Document, doc};

use super::fees;
use crate::databases::{CHECKOUTS, ORDERS, Owner, POSTINGS, Source};
use crate::fields::{id_text, read};
use crate::finding::{Finding, Invariant, Notes, Subject};
use crate::purchase::{POST_SALE, Posting, checkout_of_step, existing, refund_of_operation};
use crate::sweep::{Check, Checker, Suspect, judged};
use crate::{Error, account};

pub(super) async fn check(checker: &mut Checker<'_>) -> Result<(), Error> {
    let postings = Postings {
        postings: checker.source(Owner::Auth, POSTINGS),
        checkouts: checker.source(Owner::Checkout, CHECKOUTS),
        fees: checker.source(Owner::Products, fees::FEES),
        orders: checker.source(Owner::Orders, ORDERS),
    };
    checker.sweep(&postings).await
}

struct Postings {
    postings: Source,
    checkouts: Source,
    fees: Source,
    orders: Source,
}

/// What postings may be for.
struct Known {
    checkouts: HashSet<String>,
    fees: HashSet<String>,
    refunds: HashSet<String>,
}

impl Check for Postings {
    const SUBJECTS: &'static str = "postings";

    fn source(&self) -> Source {
        self.postings.clone()
    }

    async fn look(&self, ids: &[Bson]) -> Result<Vec<Suspect>, Error> {
        let postings = self.postings.by_ids(ids, doc! {}).await?;
        let named = postings.iter().filter_map(|it| it.get_str("_id").ok());
        let sales = named.filter_map(|id| checkout_of_step(id, POST_SALE));
        let known = Known {
            checkouts: existing(&self.checkouts, sales).await?,
            fees: fees::existing(&self.fees, ids).await?,
            refunds: self.refunds_of(&postings).await?,
        };
        Ok(judged(postings, |posting| judge(posting, &known)))
    }
}

impl Postings {
    /// The refunds that orders have of those that were posted.
    async fn refunds_of(&self, postings: &[Document]) -> Result<HashSet<String>, Error> {
        let posted = postings.iter().filter_map(|it| it.get_str("_id").ok());
        let posted: Vec<&str> = posted.filter_map(refund_of_operation).collect();
        if posted.is_empty() {
            return Ok(HashSet::new());
        }
        let with_refunds = doc! {"refunds.id": {"$in": posted}};
        let orders = self
            .orders
            .find(with_refunds, doc! {"refunds.id": 1})
            .await?;
        let refunds = orders.iter().flat_map(|order| order.get_array("refunds"));
        let refunds = refunds.flatten().filter_map(Bson::as_document);
        Ok(refunds.map(|refund| id_text(refund.get("id"))).collect())
    }
}

fn judge(posting: Document, known: &Known) -> Vec<Finding> {
    let posting: Posting = match read("posting", Invariant::Ledger, posting) {
        Ok(posting) => posting,
        Err(unreadable) => return vec![unreadable],
    };
    let mut notes = Notes::on(Subject::new("posting", &posting.id));
    is_balanced(&posting, &mut notes);
    if posting.stands() {
        is_for_something(&posting, known, &mut notes);
    }
    notes.into_findings()
}

fn is_balanced(posting: &Posting, notes: &mut Notes) {
    let sum: i128 = posting
        .legs
        .iter()
        .map(|it| i128::from(it.amount_cents))
        .sum();
    notes.demand(sum == 0, Invariant::Ledger, || {
        format!("has legs that make {sum} cents")
    });
    for leg in &posting.legs {
        notes.demand(account::is_known(&leg.account), Invariant::Ledger, || {
            format!("has a leg of account {:?}, which there is not", leg.account)
        });
    }
    notes.demand(
        posting.void == posting.legs.is_empty(),
        Invariant::Ledger,
        || match posting.void {
            true => "has legs, and was never to happen".to_owned(),
            false => "has no legs".to_owned(),
        },
    );
}

/// Each kind is posted by one operation only; under another id it was posted twice.
fn is_for_something(posting: &Posting, known: &Known, notes: &mut Notes) {
    match posting.kind.as_str() {
        "sale" => match checkout_of_step(&posting.id, POST_SALE) {
            Some(checkout) if known.checkouts.contains(checkout) => {}
            Some(checkout) => notes.note(
                Invariant::Ledger,
                format!("is the sale of checkout {checkout}, which is not there"),
            ),
            None => notes.note(Invariant::Once, "is a sale that no saga's step posted"),
        },
        "listing_fee" => notes.demand(known.fees.contains(&posting.id), Invariant::Ledger, || {
            "is a fee that nobody asked for".to_owned()
        }),
        "opening" => notes.demand(is_own_opening(posting), Invariant::Once, || {
            "opens an account under another name than its user's".to_owned()
        }),
        "refund" => match refund_of_operation(&posting.id) {
            // Its amounts are compared where its order is.
            Some(refund) if known.refunds.contains(refund) => {}
            Some(refund) => notes.note(
                Invariant::Ledger,
                format!("is refund {refund}, which no order has"),
            ),
            None => notes.note(Invariant::Once, "is a refund that no saga's step posted"),
        },
        // Reversals are compared with what they take back.
        "reversal" | "seller_upgrade" => {}
        other => notes.note(
            Invariant::Ledger,
            format!("is of kind {other:?}, which there is not"),
        ),
    }
}

fn is_own_opening(posting: &Posting) -> bool {
    let user = posting.id.strip_prefix("opening-");
    let account = user.map(account::of_user);
    account.is_some_and(|account| posting.legs.iter().any(|leg| leg.account == account))
}
