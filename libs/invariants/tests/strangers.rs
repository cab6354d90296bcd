//! Databases that cannot be looked at.

use reen_invariants::{Databases, Error, Progress, Terms, check};
use reen_testkit::TestDatabase;

#[tokio::test]
async fn databases_in_which_no_mesh_has_been_are_not_called_right() {
    let fresh = TestDatabase::fresh();
    let database = fresh.open().await;
    let databases = Databases {
        auth: database.clone(),
        products: database.clone(),
        cart_items: database.clone(),
        checkout: database.clone(),
        orders: database.clone(),
        events: database,
    };
    let checked = check(&databases, Terms::at_work(), &Progress::default()).await;
    let refused = match checked {
        Err(Error::NotOfAMesh { owner, collection }) => (owner, collection),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused, ("auth", "users"));
}
