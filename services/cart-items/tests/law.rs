//! The law of a cart: whatever happens in whatever order, an item has 1 to 2,000 pieces.

mod support;

use bson::oid::ObjectId;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::test_runner::{Config, TestRunner};
use reen_error::Code;

use support::{World, operation};

const PRODUCTS: usize = 2;
const TAKINGS: usize = 4;
/// How many lead their lives beside each other, only to save time.
const CARTS: usize = 8;

/// What may happen to a cart; takings are known by their number.
#[derive(Clone, Debug)]
enum Deed {
    Add {
        product: usize,
        quantity: i64,
    },
    TakeOut {
        taking: usize,
        lines: Vec<(usize, i64)>,
    },
    PutBack {
        taking: usize,
    },
    Clear,
}

/// No pieces, a few, or nearly as many as there may be.
fn pieces() -> impl Strategy<Value = i64> {
    prop_oneof![1 => Just(0), 1 => 1_i64..=5, 2 => 1_990_i64..=2_000]
}

fn deed() -> impl Strategy<Value = Deed> {
    let add =
        (0..PRODUCTS, pieces()).prop_map(|(product, quantity)| Deed::Add { product, quantity });
    let take_out = (0..TAKINGS, vec((0..PRODUCTS, pieces()), 1..=PRODUCTS))
        .prop_map(|(taking, lines)| Deed::TakeOut { taking, lines });
    let put_back = (0..TAKINGS).prop_map(|taking| Deed::PutBack { taking });
    prop_oneof![5 => add, 4 => take_out, 3 => put_back, 1 => Just(Deed::Clear)]
}

/// The life of one cart. What is in one round happens at once.
struct Life<'world> {
    world: &'world World,
    user: ObjectId,
    products: Vec<ObjectId>,
}

impl Life<'_> {
    async fn live(&self, rounds: &[Vec<Deed>]) {
        for round in rounds {
            futures::future::join_all(round.iter().map(|deed| self.happen(deed))).await;
            for (product, pieces) in self.world.cart(self.user).await {
                assert!((1..=2_000).contains(&pieces), "{pieces} of {product}");
            }
        }
    }

    /// What is refused is refused for a reason that can be told.
    async fn happen(&self, deed: &Deed) {
        let (world, user) = (self.world, self.user);
        let refused = match deed {
            Deed::Add { product, quantity } => world
                .add(user, self.products[*product], *quantity)
                .await
                .err(),
            Deed::TakeOut { taking, lines } => {
                let lines: Vec<_> = lines
                    .iter()
                    .map(|(product, pieces)| (self.products[*product], *pieces))
                    .collect();
                world
                    .take_out(self.operation(*taking, "take"), user, &lines)
                    .await
                    .err()
            }
            Deed::PutBack { taking } => {
                let taken = self.operation(*taking, "take");
                world
                    .put_back(self.operation(*taking, "undo"), &taken)
                    .await
                    .err()
            }
            Deed::Clear => {
                world.clear(user).await;
                None
            }
        };
        if let Some(refused) = refused {
            let expected = [Code::ValidationFailed, Code::OperationVoided];
            assert!(expected.contains(&refused.code), "{deed:?}: {refused:?}");
        }
    }

    fn operation(&self, taking: usize, effect: &str) -> reen_proto::operation::v1::Operation {
        operation(&format!("{}/{taking}", self.user), effect)
    }
}

#[test]
fn an_item_has_one_to_two_thousand_pieces_whatever_happens() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::start());
    let config = Config {
        cases: 16,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..Config::default()
    };
    let life = vec(vec(deed(), 1..=4), 4..=10);
    let lived = TestRunner::new(config).run(&vec(life, CARTS), |lives| {
        let living = lives.iter().map(async |rounds| {
            let products = (0..PRODUCTS).map(|_| world.catalogue.product(5_000));
            let life = Life {
                world: &world,
                user: ObjectId::new(),
                products: products.collect(),
            };
            life.live(rounds).await;
        });
        runtime.block_on(futures::future::join_all(living));
        Ok(())
    });
    lived.unwrap();
}
