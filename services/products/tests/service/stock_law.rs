//! Whatever happens in whatever order and at the same time: available + held + sold = stocked, none is
//! negative, and every piece that is held or sold is so in exactly one hold.

use bson::{Document, doc};
use futures::TryStreamExt as _;
use futures::future::join_all;
use proptest::collection::vec;
use proptest::prelude::*;
use reen_proto::products::v1::Product;

use super::support::{Shop, new_price, new_quantity, unique};

const PRODUCTS: usize = 3;
const HOLDS: usize = 5;

#[derive(Clone, Debug)]
enum Act {
    Reserve {
        hold: usize,
        pieces: [i64; PRODUCTS],
    },
    Commit(usize),
    Release(usize),
    Return(usize),
    Stock {
        product: usize,
        pieces: i64,
    },
    Price {
        product: usize,
        cents: i64,
    },
}

fn act() -> impl Strategy<Value = Act> {
    let hold = 0..HOLDS;
    let product = 0..PRODUCTS;
    prop_oneof![
        4 => (hold.clone(), [0_i64..4, 0_i64..4, 0_i64..4])
            .prop_map(|(hold, pieces)| Act::Reserve { hold, pieces }),
        3 => hold.clone().prop_map(Act::Commit),
        2 => hold.clone().prop_map(Act::Release),
        2 => hold.prop_map(Act::Return),
        1 => (product.clone(), 0_i64..8).prop_map(|(product, pieces)| Act::Stock { product, pieces }),
        1 => (product, 1_i64..500).prop_map(|(product, cents)| Act::Price { product, cents }),
    ]
}

/// What happens at the same time, and what after it.
fn history() -> impl Strategy<Value = Vec<Vec<Act>>> {
    vec(vec(act(), 1..6), 1..12)
}

struct Scene<'shop> {
    shop: &'shop Shop,
    products: Vec<Product>,
    holds: Vec<String>,
}

impl<'shop> Scene<'shop> {
    async fn set(shop: &'shop Shop) -> Self {
        let products = (0..PRODUCTS).map(|_| shop.stock(6));
        Self {
            shop,
            products: join_all(products).await,
            holds: (0..HOLDS).map(|_| unique("hold")).collect(),
        }
    }

    /// Many an act is refused: that is the point.
    async fn play(&self, act: &Act) {
        let shop = self.shop;
        let _refused_or_not = match act {
            Act::Reserve { hold, pieces } => {
                let lines: Vec<(&Product, i64)> = self
                    .products
                    .iter()
                    .zip(*pieces)
                    .filter(|(_, pieces)| *pieces > 0)
                    .collect();
                shop.reserve(&self.holds[*hold], &lines).await.is_ok()
            }
            Act::Commit(hold) => shop.commit(&self.holds[*hold]).await.is_ok(),
            Act::Release(hold) => shop.release(&self.holds[*hold]).await.is_ok(),
            Act::Return(hold) => shop.give_back(&self.holds[*hold]).await.is_ok(),
            Act::Stock { product, pieces } => {
                let change = new_quantity(&self.products[*product], *pieces);
                shop.update(change).await.is_ok()
            }
            Act::Price { product, cents } => {
                let change = new_price(&self.products[*product], *cents);
                shop.update(change).await.is_ok()
            }
        };
    }

    async fn check(&self) {
        for product in &self.products {
            let (_available, held, sold) = self.shop.piles(product).await;
            let in_holds = (
                self.in_holds("held", product).await,
                self.in_holds("sold", product).await,
            );
            assert_eq!((held, sold), in_holds, "{}", product.id);
        }
    }

    /// How many pieces of a product are in holds of that state.
    async fn in_holds(&self, state: &str, product: &Product) -> i64 {
        let holds = self.shop.database.collection::<Document>("holds");
        let ours = doc! {"_id": {"$in": &self.holds}, "state": state};
        let found = holds.find(ours).await.unwrap();
        let found: Vec<Document> = found.try_collect().await.unwrap();
        let lines = found
            .iter()
            .flat_map(|hold| hold.get_array("lines").unwrap());
        let lines = lines.map(|line| line.as_document().unwrap());
        lines
            .filter(|line| line.get_object_id("productId").unwrap().to_hex() == product.id)
            .map(|line| line.get_i64("quantity").unwrap())
            .sum()
    }
}

#[test]
fn no_history_breaks_the_law_of_the_stock() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let shop = runtime.block_on(Shop::open());
    proptest!(ProptestConfig::with_cases(24), |(history in history())| {
        runtime.block_on(async {
            let scene = Scene::set(&shop).await;
            for at_once in &history {
                join_all(at_once.iter().map(|act| scene.play(act))).await;
                scene.check().await;
            }
        });
    });
    // Its parts stop with the runtime.
    runtime.block_on(async { drop(shop) });
}
