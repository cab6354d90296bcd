use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bson::{DateTime, Document, doc};
use futures::TryStreamExt as _;
use futures::future::join_all;
use reen_invariants::Terms;
use reen_mongo::Database;
use reen_testkit::{FaultProxy, eventually};
use reen_tests::{Mesh, Scene};
use serde_json::Value;

use crate::support::{KEYS, Six, backup, restore, type_in};

/// What is broken stays broken: it is not worth a longer second look.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);
/// Each way: between two questions there is time enough to make a collection.
const FAR_AWAY: Duration = Duration::from_millis(100);

/// As much as the command line reads.
fn databases_of(mesh: &Mesh) -> HashMap<String, String> {
    let mut settings = mesh.settings().clone();
    settings.retain(|key, _| KEYS.contains(&key.as_str()));
    settings
}

fn manifest(folder: &Path) -> Value {
    let text = fs::read(folder.join("manifest.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

async fn count(six: &Six, key: &str, collection: &str, filter: Document) -> u64 {
    let documents = six.open(key).await.collection::<Document>(collection);
    documents.count_documents(filter).await.unwrap()
}

/// Nothing is expected of those that ran the restored sagas: a saga may go on at once.
async fn hand_over_sagas(six: &Six) {
    let sagas = six.open("EVENTS_DATABASE_URL").await;
    let sagas = sagas.collection::<Document>("sagas");
    let long_ago = DateTime::from_millis(0);
    let free = doc! {"$set": {"leaseUntil": long_ago, "dueAt": long_ago}};
    let unsettled = doc! {"status": {"$in": ["running", "compensating", "closing"]}};
    sagas.update_many(unsettled, free).await.unwrap();
}

/// A second mesh on the restored databases, with the first one's Stripe.
async fn mesh_on(six: &Six, first: &Mesh, changed: &[(&str, &str)]) -> Mesh {
    let urls = six.environment();
    let mut settings: Vec<(&str, &str)> = vec![("STRIPE_API_BASE", &first.stripe)];
    settings.extend(urls.iter().map(|(key, url)| (key.as_str(), url.as_str())));
    settings.extend(changed);
    Mesh::start_with(&settings).await
}

#[tokio::test(flavor = "multi_thread")]
async fn money_stock_and_orders_agree_in_a_backup_that_was_taken_while_people_bought() {
    let Scene {
        mesh,
        buyer,
        product,
        ..
    } = Scene::with("10", 1_000).await;
    let others = join_all((0..3).map(async |_| mesh.buyer().await)).await;
    buyer.buy(&product, 2).await;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("backup");
    let environment = databases_of(&mesh);
    let is_saved = AtomicBool::new(false);
    let buying = join_all(others.iter().map(async |buyer| {
        let mut bought = 0;
        while !is_saved.load(Ordering::Relaxed) {
            buyer.buy(&product, 1).await;
            bought += 1;
        }
        bought
    }));
    let saving = async {
        let said = backup(&environment, &folder).await;
        is_saved.store(true, Ordering::Relaxed);
        said
    };
    let (bought, said) = tokio::join!(buying, saving);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        bought.into_iter().sum::<i32>() > 0,
        "nobody bought meanwhile"
    );
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("auth/users.bson.gz")), 0o600);

    let six = Six::fresh();
    let restored = restore(&six.environment(), &folder, &[]).await;
    assert_eq!(restored.code, 0, "{restored:?}");
    // A purchase that was on its way has a saga that goes on; nothing else is out of balance.
    let at_work = Terms::at_work().pausing(BETWEEN_LOOKS);
    assert_eq!(six.findings(at_work).await, [""; 0]);
    let status = type_in(&six.environment(), &["migrate", "status"]).await;
    assert_eq!(status.code, 0, "{status:?}");

    hand_over_sagas(&six).await;
    let second = mesh_on(&six, &mesh, &[]).await;
    eventually("every saga to have ended", async || {
        let ended = doc! {"status": {"$nin": ["done", "compensated"]}};
        (count(&six, "EVENTS_DATABASE_URL", "sagas", ended).await == 0).then_some(())
    })
    .await;
    eventually("nothing to be found", async || {
        let quiet = Terms::quiet().pausing(BETWEEN_LOOKS);
        six.findings(quiet).await.is_empty().then_some(())
    })
    .await;
    // Whoever was signed in still is.
    let own = buyer.at(&second.gateway).get("/orders").await.ok();
    assert_eq!(own.as_array().map(Vec::len), Some(1), "{own}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_whose_message_is_not_in_the_backup_becomes_an_order_all_the_same() {
    let nobody_listens = [("STRIPE_WEBHOOK_SIGNING_SECRET", "whsec_of_another_endpoint")];
    let mesh = Mesh::start_with(&nobody_listens).await;
    let Scene {
        mesh,
        buyer,
        product,
        ..
    } = Scene::on(mesh, "10", 5).await;
    let checkout = buyer.check_out(&product, 2).await;
    buyer.pay(&checkout).await.ok();
    let folder = tempfile::tempdir().unwrap();
    let saved = backup(&databases_of(&mesh), folder.path()).await;
    assert_eq!(saved.code, 0, "{saved:?}");
    let six = Six::fresh();
    let restored = restore(&six.environment(), folder.path(), &[]).await;
    assert_eq!(restored.code, 0, "{restored:?}");

    // The page of the checkout has closed since.
    let checkouts = six.open("CHECKOUT_DATABASE_URL").await;
    let checkouts = checkouts.collection::<Document>("checkouts");
    let hour_ago = DateTime::from_millis(DateTime::now().timestamp_millis() - 3_600_000);
    let closed = doc! {"$set": {"expiresAt": hour_ago}};
    checkouts.update_many(doc! {}, closed).await.unwrap();
    let every_second = [
        ("RECONCILE_EVERY_SECONDS", "1"),
        ("RECONCILE_PAID_DEADLINE_SECONDS", "60"),
    ];
    let second = mesh_on(&six, &mesh, &every_second).await;
    let buyer = buyer.at(&second.gateway);
    buyer.checkout_in(&checkout, "completed").await;
    assert_eq!(buyer.in_stock(&product).await, 3);
}

/// How often anything was asked about the orders besides their documents.
async fn questions_about(orders: &Database) -> i64 {
    let orders = orders.collection::<Document>("orders");
    let told = orders.aggregate([doc! {"$collStats": {"latencyStats": {}}}]);
    let told: Vec<Document> = told.await.unwrap().try_collect().await.unwrap();
    let told = told[0].get_document("latencyStats").unwrap();
    let commands = told.get_document("commands").unwrap();
    commands.get_i64("ops").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_that_is_made_when_a_backup_begins_is_in_it() {
    let six = Six::fresh();
    let mut environment = six.environment();
    type_in(&environment, &["migrate", "up"]).await;
    let orders = six.open("ORDERS_DATABASE_URL").await;
    let auth = six.open("AUTH_DATABASE_URL").await;
    let url = environment["ORDERS_DATABASE_URL"].clone();
    let proxy = FaultProxy::to(&url).await;
    proxy.delay(FAR_AWAY);
    environment.insert("ORDERS_DATABASE_URL".to_owned(), proxy.through(&url));
    let folder = tempfile::tempdir().unwrap();
    let before = questions_about(&orders).await;
    let making = async {
        // What auth has is known by then.
        eventually("the indexes of the orders to be listed", async || {
            (questions_about(&orders).await > before).then_some(())
        })
        .await;
        let purchases = auth.collection::<Document>("purchases");
        purchases.insert_one(doc! {"_id": "first"}).await.unwrap();
    };
    let (said, ()) = tokio::join!(backup(&environment, folder.path()), making);
    assert_eq!(said.code, 0, "{said:?}");
    let manifest = manifest(folder.path());
    let saved = manifest["databases"][0]["collections"].as_array().unwrap();
    let purchases = saved.iter().find(|it| it["name"] == "purchases").unwrap();
    assert_eq!(purchases["documents"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_overwrites_only_when_told_and_never_with_what_is_damaged() {
    let six = Six::fresh();
    let environment = six.environment();
    type_in(&environment, &["migrate", "up", "--contract"]).await;
    let orders = six.open("ORDERS_DATABASE_URL").await;
    let orders = orders.collection::<Document>("orders");
    let numbered = (0..2_500_i32).map(|number| doc! {"_id": number, "checkoutId": number});
    orders.insert_many(numbered).await.unwrap();
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("monday");
    assert_eq!(backup(&environment, &folder).await.code, 0);
    let saved = manifest(&folder);
    assert_eq!(saved["databases"][4]["owner"], "orders");
    let again = backup(&environment, &folder).await;
    assert_eq!(again.code, 2);
    assert!(again.complaint.contains("is not empty"), "{again:?}");

    orders.delete_many(doc! {}).await.unwrap();
    let refused = restore(&environment, &folder, &[]).await;
    assert_eq!(refused.code, 2);
    let told = "the database of auth is not empty";
    assert!(refused.complaint.contains(told), "{refused:?}");
    let replaced = restore(&environment, &folder, &["--replace"]).await;
    assert_eq!(replaced.code, 0, "{replaced:?}");
    assert_eq!(orders.count_documents(doc! {}).await.unwrap(), 2_500);
    let status = type_in(&environment, &["migrate", "status"]).await;
    assert_eq!(status.code, 0, "{status:?}");
    // The law of the stock is back as well.
    let products = six.open("PRODUCTS_DATABASE_URL").await;
    let products = products.collection::<Document>("products");
    assert!(products.insert_one(doc! {"quantity": -1}).await.is_err());

    let path = folder.join("orders/orders.bson.gz");
    let mut bytes = fs::read(&path).unwrap();
    bytes[100] ^= 1;
    fs::write(&path, bytes).unwrap();
    let damaged = restore(&environment, &folder, &["--replace"]).await;
    assert_eq!(damaged.code, 2);
    assert!(
        damaged.complaint.contains("orders.bson.gz is damaged"),
        "{damaged:?}"
    );
    assert_eq!(orders.count_documents(doc! {}).await.unwrap(), 2_500);
    fs::remove_file(folder.join("manifest.json")).unwrap();
    let unfinished = restore(&environment, &folder, &["--replace"]).await;
    assert!(
        unfinished.complaint.contains("it was not finished"),
        "{unfinished:?}"
    );
}
