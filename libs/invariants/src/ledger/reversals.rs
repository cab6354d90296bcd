//! What was taken back was taken back once, and exactly.

use std::collections::BTreeMap;

use bson::{Document, doc};

use crate::Error;
use crate::databases::{Owner, POSTINGS};
use crate::fields::{shown, whole};
use crate::finding::{Invariant, Notes};
use crate::sweep::Checker;
use crate::tally::{self, Tally};

pub(super) async fn check(checker: &mut Checker<'_>) -> Result<(), Error> {
    let postings = checker.source(Owner::Auth, POSTINGS);
    let reversals = Tally {
        subjects: "reversals",
        kind: "posting",
        kept: postings.clone(),
        kept_filter: doc! {"reversed": true},
        kept_fields: doc! {"legs": 1},
        summed: postings,
        pipeline: |originals| {
            let mut pipeline = vec![doc! {"$match": {"kind": "reversal"}}];
            pipeline.extend(tally::only("reversalOf", originals));
            pipeline.push(doc! {"$group": {
                "_id": "$reversalOf",
                "count": {"$sum": 1},
                "legs": {"$first": "$legs"},
            }});
            pipeline
        },
        judge,
    };
    tally::check(checker, &reversals).await
}

fn judge(original: Option<&Document>, reversals: Option<&Document>, notes: &mut Notes) {
    let (Some(original), Some(reversals)) = (original, reversals) else {
        let what = match original {
            Some(_) => "counts as taken back, and no posting takes it back",
            None => "is taken back by a posting, and does not count as taken back",
        };
        notes.note(Invariant::Ledger, what);
        return;
    };
    let count = reversals.get("count");
    notes.demand(whole(count) == Some(1), Invariant::Once, || {
        format!("is taken back by {} postings", shown(count))
    });
    let done = sums(original);
    let undone = sums(reversals);
    let is_exact = done.len() == undone.len()
        && done
            .iter()
            .all(|(account, sum)| undone.get(account) == Some(&-sum));
    notes.demand(is_exact, Invariant::Ledger, || {
        "is taken back by a posting of other amounts".to_owned()
    });
}

fn sums(posting: &Document) -> BTreeMap<&str, i128> {
    let mut sums = BTreeMap::new();
    let legs = posting.get_array("legs").into_iter().flatten();
    for leg in legs.filter_map(|leg| leg.as_document()) {
        let account = leg.get_str("account").unwrap_or_default();
        let cents = whole(leg.get("amountCents")).unwrap_or_default();
        *sums.entry(account).or_default() += cents;
    }
    sums
}
