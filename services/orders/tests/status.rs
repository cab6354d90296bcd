//! How sellers move an order on.

mod support;

use bson::oid::ObjectId;
use reen_error::Code;
use reen_proto::orders::v1::{Order, Status};
use reen_testkit::code;

use support::{World, line, purchase};

/// The only way of an order in the hands of its sellers.
const WAY: [Status; 4] = [
    Status::Paid,
    Status::Processing,
    Status::Shipped,
    Status::Delivered,
];

/// An order of two sellers.
struct Shared {
    world: World,
    order: Order,
    buyer: ObjectId,
    sellers: [ObjectId; 2],
}

impl Shared {
    async fn paid() -> Self {
        let world = World::start().await;
        let (buyer, sellers) = (ObjectId::new(), [ObjectId::new(), ObjectId::new()]);
        let lines = sellers.map(|seller| line(ObjectId::new(), seller, 100, 1));
        let order = world.created(purchase("paid", buyer, lines.into())).await;
        Self {
            world,
            order,
            buyer,
            sellers,
        }
    }

    async fn change(&self, user: ObjectId, status: Status) -> Result<Order, reen_error::Failure> {
        self.world.change_status(user, &self.order.id, status).await
    }

    async fn now(&self) -> Order {
        self.world.read(self.buyer, &self.order.id).await
    }
}

#[tokio::test]
async fn an_order_goes_its_way_step_by_step() {
    let shared = Shared::paid().await;
    for (step, status) in WAY.into_iter().enumerate().skip(1) {
        let changed = shared
            .change(shared.sellers[step % 2], status)
            .await
            .unwrap();
        assert_eq!(changed.status(), status);
        assert_eq!(changed.lines, shared.order.lines);
        assert_eq!(shared.now().await, changed);
    }
}

#[tokio::test]
async fn no_other_way_is_legal() {
    let shared = Shared::paid().await;
    let [seller, _] = shared.sellers;
    for (step, status) in WAY.into_iter().enumerate() {
        shared.change(seller, status).await.unwrap();
        let next = WAY.get(step + 1).copied();
        for wanted in WAY.into_iter().chain([Status::Refunded]) {
            if wanted == status || Some(wanted) == next {
                continue;
            }
            let refused = shared.change(seller, wanted).await;
            assert_eq!(code(refused), Code::IllegalTransition);
        }
        assert_eq!(shared.now().await.status(), status);
    }
}

#[tokio::test]
async fn a_repeat_answers_the_order_as_it_is() {
    let shared = Shared::paid().await;
    let [seller, _] = shared.sellers;
    let changed = shared.change(seller, Status::Processing).await.unwrap();
    let repeated = shared.change(seller, Status::Processing).await.unwrap();
    assert_eq!(repeated, changed);
}

#[tokio::test]
async fn an_order_is_not_found_for_anybody_but_its_sellers() {
    let shared = Shared::paid().await;
    for stranger in [shared.buyer, ObjectId::new()] {
        let refused = shared.change(stranger, Status::Processing).await;
        assert_eq!(code(refused), Code::NotFound);
    }
    let [seller, _] = shared.sellers;
    for nobodys in [&*ObjectId::new().to_hex(), "not an id", ""] {
        let refused = shared
            .world
            .change_status(seller, nobodys, Status::Processing)
            .await;
        assert_eq!(code(refused), Code::NotFound);
    }
    assert_eq!(shared.now().await, shared.order);
}

#[tokio::test]
async fn a_status_that_is_none_is_refused() {
    let shared = Shared::paid().await;
    let [seller, _] = shared.sellers;
    let refused = shared
        .change(seller, Status::Unspecified)
        .await
        .unwrap_err();
    assert_eq!(refused.code, Code::ValidationFailed);
    assert_eq!(refused.fields[0].field, "status");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_take_a_step_at_once_one_takes_it() {
    let shared = Shared::paid().await;
    let racing = (0..40).map(|racer| shared.change(shared.sellers[racer % 2], Status::Processing));
    let answers = futures::future::try_join_all(racing).await.unwrap();
    let now = shared.now().await;
    assert_eq!(now.status(), Status::Processing);
    assert!(answers.iter().all(|answer| *answer == now));
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_sellers_skip_no_step() {
    let shared = Shared::paid().await;
    let racing = (0..60).map(|racer| {
        let (shared, wanted) = (&shared, WAY[1 + racer % 3]);
        async move {
            (
                wanted,
                shared.change(shared.sellers[racer % 2], wanted).await,
            )
        }
    });
    let answers = futures::future::join_all(racing).await;
    let mut reached = vec![Status::Paid];
    for (wanted, answer) in answers {
        match answer {
            Ok(order) => {
                assert_eq!(order.status(), wanted);
                reached.push(wanted);
            }
            Err(refused) => assert_eq!(refused.code, Code::IllegalTransition),
        }
    }
    // Whatever was reached, every step before it was taken by somebody.
    let farthest = WAY
        .iter()
        .rposition(|status| reached.contains(status))
        .unwrap();
    assert!(
        WAY[..=farthest]
            .iter()
            .all(|status| reached.contains(status))
    );
    assert_eq!(shared.now().await.status(), WAY[farthest]);
}
