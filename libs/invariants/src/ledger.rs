//! Invariant 3, as far as the auth service knows it: users against their postings.

use std::collections::BTreeMap;

use bson::{Document, doc};
use reen_mongo::Error;

use crate::documents::{id_in, number, snapshot, sums_by_id, text};
use crate::{Databases, Invariant, Report};

/// Postings that take back; their legs lower what their originals raised.
const TAKING_BACK: [&str; 2] = ["reversal", "refund"];

pub(crate) async fn check(databases: &Databases, report: &mut Report) -> Result<(), Error> {
    let auth = &databases.auth;
    let mut session = snapshot(auth).await?;
    let unbalanced = vec![
        doc! {"$project": {"sum": {"$sum": "$legs.amountCents"}}},
        doc! {"$match": {"sum": {"$ne": 0}}},
    ];
    for (id, posting) in sums_by_id(auth, &mut session, "postings", unbalanced).await? {
        let what = format!(
            "the legs of this posting sum to {}",
            number(&posting, "sum")
        );
        report.add(Invariant::Ledger, id, what);
    }
    let accounts = sums_by_id(auth, &mut session, "postings", accounts()).await?;
    let users = auth.collection::<Document>("users");
    let sums = doc! {"balanceCents": 1, "amountGainedCents": 1, "amountSpentCents": 1, "role": 1};
    let found = users.find(doc! {}).projection(sums);
    let mut found = found.session(&mut session).await?;
    while let Some(user) = found.next(&mut session).await.transpose()? {
        report.users += 1;
        // The owner of what others left behind has no account.
        if text(&user, "role") != "ANONYMOUS" {
            judge(&user, &accounts, report);
        }
    }
    Ok(())
}

/// What each account has, gained and spent, by the postings.
fn accounts() -> Vec<Document> {
    let amount = "$legs.amountCents";
    let takes_back = doc! {"$in": ["$kind", TAKING_BACK.to_vec()]};
    let counts = doc! {"$ne": ["$kind", "opening"]};
    let positive = doc! {"$gt": [amount, 0_i64]};
    let negative = doc! {"$lt": [amount, 0_i64]};
    let minus = doc! {"$multiply": [amount, -1_i64]};
    let if_all = |conditions: Vec<Document>, then: bson::Bson| {
        doc! {"$cond": [{"$and": conditions}, then, 0_i64]}
    };
    let not_back = doc! {"$not": [&takes_back]};
    let gained = doc! {"$add": [
        if_all(vec![counts.clone(), not_back.clone(), positive.clone()], amount.into()),
        if_all(vec![takes_back.clone(), negative.clone()], amount.into()),
    ]};
    let spent = doc! {"$add": [
        if_all(vec![counts, not_back, negative], minus.clone().into()),
        if_all(vec![takes_back, positive], minus.into()),
    ]};
    vec![
        doc! {"$unwind": "$legs"},
        doc! {"$match": {"legs.account": {"$regex": "^user:"}}},
        doc! {"$group": {
            "_id": "$legs.account",
            "balanceCents": {"$sum": amount},
            "amountGainedCents": {"$sum": gained},
            "amountSpentCents": {"$sum": spent},
        }},
    ]
}

fn judge(user: &Document, accounts: &BTreeMap<String, Document>, report: &mut Report) {
    let id = id_in(user, "_id");
    let none = Document::new();
    let posted = accounts.get(&format!("user:{id}")).unwrap_or(&none);
    for field in ["balanceCents", "amountGainedCents", "amountSpentCents"] {
        let (has, expected) = (number(user, field), number(posted, field));
        if has != expected {
            let what = format!("{field} is {has}, but the postings say {expected}");
            report.add(Invariant::Ledger, &id, what);
        }
    }
}
