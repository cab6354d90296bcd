//! The books, checked from the stored documents alone, without the rules of the service.

use std::collections::{BTreeMap, HashMap};

use bson::{Document, doc};
use futures::TryStreamExt as _;
use reen_mongo::Database;

#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    balance: i64,
    gained: i64,
    spent: i64,
}

/// Every posting sums to zero, so does everything together; each user's balance, gains and expenses
/// are what the postings say; nothing is taken back twice.
pub(crate) async fn check_books(database: &Database) {
    let postings = all(database, "postings").await;
    let kinds: HashMap<&str, &str> = postings
        .iter()
        .map(|posting| {
            (
                posting.get_str("_id").unwrap(),
                posting.get_str("kind").unwrap(),
            )
        })
        .collect();
    let mut accounts: BTreeMap<String, Sums> = BTreeMap::new();
    let mut taken_back = Vec::new();
    for posting in &postings {
        let legs = legs(posting);
        let sum: i64 = legs.iter().map(|(_, cents)| cents).sum();
        assert_eq!(sum, 0, "{posting}");
        let original = posting.get_str("reversalOf").ok();
        taken_back.extend(original);
        let kind = kinds[original.unwrap_or(posting.get_str("_id").unwrap())];
        for (account, cents) in legs {
            let sums = accounts.entry(account).or_default();
            book(sums, kind, cents, original.is_some());
        }
    }
    let everything: i64 = accounts.values().map(|sums| sums.balance).sum();
    assert_eq!(everything, 0);
    check_reversals(&postings, taken_back);
    check_users(&all(database, "users").await, &accounts);
}

/// A leg of an original pays into or out of the account; one of a reversal does the opposite to the
/// very sum that its original changed.
fn book(sums: &mut Sums, kind: &str, cents: i64, is_reversal: bool) {
    sums.balance += cents;
    // A refund does to a sale what a reversal does to its original.
    let takes_back = is_reversal || kind == "refund";
    let original_cents = if takes_back { -cents } else { cents };
    let sign = if takes_back { -1 } else { 1 };
    match kind {
        "opening" => {}
        "sale" | "refund" if original_cents > 0 => sums.gained += sign * original_cents,
        _ => sums.spent += sign * -original_cents,
    }
}

fn check_reversals(postings: &[Document], mut taken_back: Vec<&str>) {
    let mut reversed: Vec<&str> = postings
        .iter()
        .filter(|posting| posting.get_bool("reversed").unwrap())
        .map(|posting| posting.get_str("_id").unwrap())
        .collect();
    reversed.sort_unstable();
    taken_back.sort_unstable();
    assert_eq!(reversed, taken_back);
}

fn check_users(users: &[Document], accounts: &BTreeMap<String, Sums>) {
    for user in users {
        let shown = Sums {
            balance: user.get_i64("balanceCents").unwrap(),
            gained: user.get_i64("amountGainedCents").unwrap(),
            spent: user.get_i64("amountSpentCents").unwrap(),
        };
        let account = format!("user:{}", user.get_object_id("_id").unwrap());
        let booked = accounts.get(&account).unwrap_or(&Sums {
            balance: 0,
            gained: 0,
            spent: 0,
        });
        assert_eq!(&shown, booked, "{account}");
    }
}

fn legs(posting: &Document) -> Vec<(String, i64)> {
    let legs = posting.get_array("legs").unwrap().iter();
    legs.map(|leg| {
        let leg = leg.as_document().unwrap();
        let account = leg.get_str("account").unwrap().to_owned();
        (account, leg.get_i64("amountCents").unwrap())
    })
    .collect()
}

async fn all(database: &Database, collection: &str) -> Vec<Document> {
    let collection = database.collection::<Document>(collection);
    let documents = collection.find(doc! {}).await.unwrap();
    documents.try_collect().await.unwrap()
}
