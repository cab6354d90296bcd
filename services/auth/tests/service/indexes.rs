use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use reen_testkit::assert_uses_index;

use crate::support::Auth;

fn present(mut filter: Document) -> Document {
    filter.insert("role", doc! {"$in": ["SELLER", "BUYER", "OPERATOR"]});
    filter
}

#[tokio::test]
async fn every_query_has_an_index() {
    let auth = Auth::start().await;
    auth.sign_up("ada").await;
    let id = ObjectId::new();
    let exchangeable = doc! {
        "_id": "hash",
        "rotatedAt": {"$exists": false},
        "expiresAt": {"$gt": DateTime::now()},
    };
    let of_minute = doc! {"emailKey": "ada@example.com", "kind": "passwordReset", "minute": 1_i64};
    let usable = doc! {
        "token": "hash",
        "kind": "passwordReset",
        "expiresAt": {"$gt": DateTime::now()},
    };
    let queries = [
        ("users", doc! {"_id": id}, doc! {}),
        ("users", present(doc! {"_id": id}), doc! {}),
        ("users", doc! {"_id": id, "passwordHash": "hash"}, doc! {}),
        ("users", doc! {"_id": {"$in": [id]}}, doc! {}),
        ("users", doc! {"clerkId": "user_2abc"}, doc! {}),
        ("users", doc! {"emailKey": "ada@example.com"}, doc! {}),
        (
            "users",
            present(doc! {"emailKey": "ada@example.com"}),
            doc! {},
        ),
        ("users", present(doc! {}), doc! {"_id": -1}),
        ("users", doc! {"role": "ANONYMOUS"}, doc! {}),
        ("postings", doc! {"_id": "operation"}, doc! {}),
        (
            "postings",
            doc! {"legs.account": "house:fees"},
            doc! {"createdAt": -1},
        ),
        ("purchases", doc! {"_id": "operation"}, doc! {}),
        ("clerk_users", doc! {"_id": "mark"}, doc! {}),
        ("sessions", doc! {"_id": "hash"}, doc! {}),
        ("sessions", exchangeable, doc! {}),
        ("sessions", doc! {"familyId": id}, doc! {}),
        ("sessions", doc! {"userId": id}, doc! {}),
        ("second_factors", doc! {"_id": id}, doc! {}),
        ("api_keys", doc! {"_id": id, "userId": id}, doc! {}),
        ("api_keys", doc! {"userId": id}, doc! {"_id": -1}),
        (
            "signing_keys",
            doc! {"generation": {"$in": [1_i64]}},
            doc! {},
        ),
        ("signing_keys", doc! {}, doc! {"generation": 1}),
        ("letters", doc! {"_id": id}, doc! {}),
        ("letters", of_minute, doc! {}),
        ("letters", usable, doc! {}),
        (
            "letters",
            doc! {"userId": id, "kind": "passwordReset"},
            doc! {},
        ),
        ("attempts", doc! {"_id": {"$in": ["address"]}}, doc! {}),
        (
            "attempts",
            doc! {"_id": {"$gte": "a", "$lt": "a~"}},
            doc! {},
        ),
        ("devices", doc! {"userId": id, "device": "hash"}, doc! {}),
        ("devices", doc! {"userId": id}, doc! {"lastUsedAt": -1}),
        (
            "saga_epochs",
            doc! {"_id": "saga", "epoch": {"$lte": 1}},
            doc! {},
        ),
    ];
    // A collection without documents may not be there at all, and then has no plan.
    for (collection, id) in [
        ("purchases", "operation"),
        ("clerk_users", "mark"),
        ("second_factors", "user"),
        ("attempts", "address"),
    ] {
        let collection = auth.database.collection::<Document>(collection);
        collection.insert_one(doc! {"_id": id}).await.unwrap();
    }
    for (collection, filter, sort) in queries {
        assert_uses_index(&auth.database, collection, filter, sort).await;
    }
}
