//! What users have, and what the postings say.

use bson::{Bson, Document, doc};

use crate::Error;
use crate::databases::{Owner, POSTINGS, USERS};
use crate::fields::{id_text, shown, whole};
use crate::finding::{Invariant, Notes};
use crate::sweep::Checker;
use crate::tally::Tally;
use crate::{account, tally};

/// What is kept of a user, and under which name it is summed up.
const SUMS: [(&str, &str, &str); 3] = [
    ("balanceCents", "balance", "a balance"),
    ("amountGainedCents", "gained", "an amount gained"),
    ("amountSpentCents", "spent", "an amount spent"),
];

pub(super) async fn check(checker: &mut Checker<'_>) -> Result<(), Error> {
    let balances = Tally {
        subjects: "users",
        kind: "user",
        kept: checker.source(Owner::Auth, USERS),
        kept_filter: doc! {},
        kept_fields: doc! {"balanceCents": 1, "amountGainedCents": 1, "amountSpentCents": 1},
        summed: checker.source(Owner::Auth, POSTINGS),
        pipeline,
        judge,
    };
    tally::check(checker, &balances).await
}

/// Gained is what a posting brought, spent what it took. A reversal or a refund takes back from the
/// same sum what its sale put there; an opening is neither.
fn pipeline(users: Option<&[Bson]>) -> Vec<Document> {
    let accounts = users.map(|users| {
        let account = |user: &Bson| match user {
            // Not of a user, but it was summed up under its own name.
            Bson::String(account) => account.clone(),
            id => account::of_user(&id_text(Some(id))),
        };
        let accounts = users.iter().map(account).map(Bson::from);
        accounts.collect::<Vec<_>>()
    });
    let amount = "$legs.amountCents";
    let negative = doc! {"$multiply": [amount, -1_i64]};
    let is_back = doc! {"$in": ["$kind", ["reversal", "refund"]]};
    let is_opening = doc! {"$eq": ["$kind", "opening"]};
    let is_gain = doc! {"$ne": [{"$gte": [amount, 0]}, is_back.clone()]};
    let unless_opening = |sum: Bson| doc! {"$cond": [is_opening.clone(), 0_i64, sum]};
    let gained = doc! {"$cond": [is_gain.clone(), amount, 0_i64]};
    let spent = doc! {"$cond": [is_gain, 0_i64, negative]};
    let mut pipeline = tally::only("legs.account", accounts.as_deref());
    pipeline.push(doc! {"$unwind": "$legs"});
    pipeline.extend(tally::only("legs.account", accounts.as_deref()));
    pipeline.push(doc! {"$match": {"legs.account": {"$regex": "^user:"}}});
    pipeline.push(doc! {"$group": {
        "_id": "$legs.account",
        "balance": {"$sum": amount},
        "gained": {"$sum": unless_opening(gained.into())},
        "spent": {"$sum": unless_opening(spent.into())},
    }});
    pipeline.push(doc! {"$set": {"_id": user_of_account()}});
    pipeline
}

/// `user:` and an ObjectId, as an ObjectId; anything else stays as it is.
fn user_of_account() -> Document {
    let id = doc! {"$substrBytes": ["$_id", 5, -1]};
    doc! {"$convert": {"input": id, "to": "objectId", "onError": "$_id"}}
}

fn judge(user: Option<&Document>, posted: Option<&Document>, notes: &mut Notes) {
    let Some(user) = user else {
        notes.note(Invariant::Ledger, "has postings, and there is no such user");
        return;
    };
    for (kept, summed, word) in SUMS {
        let posted = posted.map_or(Some(0), |sums| whole(sums.get(summed)));
        let is_right = posted.is_some() && whole(user.get(kept)) == posted;
        notes.demand(is_right, Invariant::Ledger, || {
            let kept = shown(user.get(kept));
            let posted = posted.unwrap_or_default();
            format!("has {word} of {kept} cents, the postings make {posted}")
        });
    }
}
