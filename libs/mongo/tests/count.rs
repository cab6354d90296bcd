//! How many there are, by the server's `count`.

use bson::{Document, doc};
use reen_mongo::Collection;
use reen_testkit::TestDatabase;

#[tokio::test]
async fn what_matches_is_counted_as_far_as_is_asked() {
    let test = TestDatabase::fresh();
    let database = test.open().await;
    let numbers: Collection<Document> = database.collection("numbers");
    assert_eq!(numbers.count(doc! {}).await.unwrap(), 0, "no collection");
    let ten = (0..10).map(|number| doc! {"_id": number});
    numbers.insert_many(ten).await.unwrap();
    let of_them = doc! {"_id": {"$gte": 3}};
    assert_eq!(numbers.count(of_them.clone()).await.unwrap(), 7);
    for (most, counted) in [(5, 5), (100, 7)] {
        let found = numbers.count_to(most, of_them.clone()).await.unwrap();
        assert_eq!(found, counted);
    }
    let by_the_driver = numbers.count_documents(of_them).await.unwrap();
    assert_eq!(by_the_driver, 7);
}
