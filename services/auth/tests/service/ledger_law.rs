//! Whatever is asked of the ledger in whatever order, each answer and each balance is what a ledger
//! in a few lines says, and the books are right.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use reen_error::{Code, Failure};

use crate::support::{Auth, check_books, fee, fee_reversal, refund, sale, sale_reversal};

const USERS: usize = 3;
const STARTING: i64 = 1_000;
/// Few ids, so that steps repeat, contradict and undo each other.
const IDS: usize = 5;

#[derive(Clone, Debug)]
enum Step {
    Charge {
        id: usize,
        user: usize,
        cents: i64,
    },
    Sell {
        id: usize,
        buyer: usize,
        shares: Vec<(usize, i64)>,
    },
    Refund {
        id: usize,
        buyer: usize,
        shares: Vec<(usize, i64)>,
    },
    ReverseFee {
        id: usize,
    },
    ReverseSale {
        id: usize,
    },
    /// Asks once more what was asked this many steps ago.
    Again {
        back: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let (id, user) = (0..IDS, 0..USERS);
    let share = (user.clone(), 1_i64..500);
    prop_oneof![
        3 => (id.clone(), user.clone(), 0_i64..600)
            .prop_map(|(id, user, cents)| Step::Charge { id, user, cents }),
        3 => (id.clone(), user.clone(), vec(share.clone(), 1..4))
            .prop_map(|(id, buyer, shares)| Step::Sell { id, buyer, shares }),
        2 => (id.clone(), user, vec(share, 1..4))
            .prop_map(|(id, buyer, shares)| Step::Refund { id, buyer, shares }),
        2 => id.clone().prop_map(|id| Step::ReverseFee { id }),
        2 => id.prop_map(|id| Step::ReverseSale { id }),
        3 => (1_usize..6).prop_map(|back| Step::Again { back }),
    ]
}

/// What an id stands for.
#[derive(Clone, Debug, PartialEq)]
enum Entry {
    Done(Effect),
    Undone { kind: Kind },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Fee,
    Sale,
    Refund,
}

/// What each user got or gave.
#[derive(Clone, Debug, PartialEq)]
struct Effect {
    kind: Kind,
    changes: Vec<(usize, i64)>,
}

/// A ledger in a few lines.
#[derive(Default)]
struct Model {
    entries: HashMap<usize, Entry>,
    balances: [i64; USERS],
}

impl Model {
    /// What a step is answered: nothing, or why not.
    fn take(&mut self, step: &Step) -> Option<Code> {
        match step {
            Step::Charge { id, user, cents } => {
                let changes = vec![(*user, -cents)];
                let effect = Effect {
                    kind: Kind::Fee,
                    changes,
                };
                self.act(*id, effect, *cents)
            }
            Step::Sell { id, buyer, shares } => {
                let changes = changes(*buyer, shares, 1);
                let kind = Kind::Sale;
                self.act(*id, Effect { kind, changes }, i64::MIN)
            }
            Step::Refund { id, buyer, shares } => {
                let changes = changes(*buyer, shares, -1);
                let kind = Kind::Refund;
                self.act(*id, Effect { kind, changes }, i64::MIN)
            }
            Step::ReverseFee { id } => self.undo(*id, Kind::Fee),
            Step::ReverseSale { id } => self.undo(*id, Kind::Sale),
            Step::Again { .. } => unreachable!("replaced by what it repeats"),
        }
    }

    fn act(&mut self, id: usize, effect: Effect, needed: i64) -> Option<Code> {
        match self.entries.get(&id) {
            Some(Entry::Undone { .. }) => return Some(Code::OperationVoided),
            Some(Entry::Done(before)) if *before == effect => return None,
            Some(Entry::Done(_)) => return Some(Code::ValidationFailed),
            None => {}
        }
        if needed == 0 {
            return None;
        }
        if needed > self.balances[effect.changes[0].0] {
            return Some(Code::InsufficientBalance);
        }
        self.apply(&effect, 1);
        self.entries.insert(id, Entry::Done(effect));
        None
    }

    fn undo(&mut self, id: usize, kind: Kind) -> Option<Code> {
        let before = self.entries.insert(id, Entry::Undone { kind });
        match before {
            Some(Entry::Done(effect)) if effect.kind == kind => self.apply(&effect, -1),
            Some(Entry::Undone { kind: before }) if before == kind => {}
            None => {}
            Some(other) => {
                self.entries.insert(id, other);
                return Some(Code::ValidationFailed);
            }
        }
        None
    }

    fn apply(&mut self, effect: &Effect, sign: i64) {
        for (user, cents) in &effect.changes {
            self.balances[*user] += sign * cents;
        }
    }
}

/// What a sale does to each user, or (with -1) a refund.
fn changes(buyer: usize, shares: &[(usize, i64)], sign: i64) -> Vec<(usize, i64)> {
    let mut changes = shares.to_vec();
    changes.sort_unstable();
    let total: i64 = shares.iter().map(|(_, cents)| cents).sum();
    changes.push((buyer, -total));
    changes
        .iter()
        .map(|(user, cents)| (*user, sign * cents))
        .collect()
}

/// Steps with every `Again` replaced by what it repeats.
fn spelled_out(steps: Vec<Step>) -> Vec<Step> {
    let mut spelled: Vec<Step> = Vec::new();
    for step in steps {
        match step {
            Step::Again { back } => {
                let repeated = spelled
                    .len()
                    .checked_sub(back)
                    .map(|at| spelled[at].clone());
                spelled.extend(repeated);
            }
            step => spelled.push(step),
        }
    }
    spelled
}

/// The service, and users who are the same in all cases.
struct Bench {
    auth: Auth,
    users: Vec<String>,
    balances: [i64; USERS],
}

impl Bench {
    async fn ask(&self, case: usize, step: &Step) -> Option<Code> {
        let name = |id: &usize| format!("{case}-{id}");
        let (mut products, mut sagas) = (self.auth.products(), self.auth.sagas());
        let refused = match step {
            Step::Charge { id, user, cents } => {
                let fee = fee(&name(id), &self.users[*user], *cents);
                products.charge_fee(fee).await.err()
            }
            Step::Sell { id, buyer, shares } => {
                let sale = sale(&name(id), &self.users[*buyer], &self.named(shares));
                sagas.post_sale(sale).await.err()
            }
            Step::Refund { id, buyer, shares } => {
                let refund = refund(&name(id), &self.users[*buyer], &self.named(shares));
                sagas.post_refund(refund).await.err()
            }
            Step::ReverseFee { id } => products.reverse_fee(fee_reversal(&name(id))).await.err(),
            Step::ReverseSale { id } => sagas.reverse_sale(sale_reversal(&name(id))).await.err(),
            Step::Again { .. } => unreachable!("replaced by what it repeats"),
        };
        refused.map(|status| Failure::from(status).code)
    }

    fn named(&self, shares: &[(usize, i64)]) -> Vec<(&str, i64)> {
        let shares = shares.iter();
        shares
            .map(|(seller, cents)| (self.users[*seller].as_str(), *cents))
            .collect()
    }

    async fn check(&mut self, case: usize, steps: Vec<Step>) {
        let mut model = Model {
            balances: self.balances,
            ..Model::default()
        };
        for step in spelled_out(steps) {
            assert_eq!(self.ask(case, &step).await, model.take(&step), "{step:?}");
        }
        for (user, balance) in self.users.iter().zip(model.balances) {
            assert_eq!(self.auth.sums(user).await.0, balance);
        }
        check_books(&self.auth.database).await;
        self.balances = model.balances;
    }
}

#[test]
fn any_sequence_of_operations_keeps_the_books_right() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut bench = runtime.block_on(async {
        let auth = Auth::start_with(STARTING).await;
        let mut users = Vec::new();
        for number in 0..USERS {
            users.push(auth.buyer(&format!("user{number}")).await);
        }
        // The model compares legs in the order in which the users' ids sort.
        users.sort();
        Bench {
            auth,
            users,
            balances: [STARTING; USERS],
        }
    });
    let bench = std::sync::Mutex::new(&mut bench);
    let cases = AtomicUsize::new(0);
    let config = Config {
        cases: 24,
        max_shrink_iters: 0,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&vec(step(), 1..25), |steps| {
            let case = cases.fetch_add(1, Ordering::Relaxed);
            runtime.block_on(bench.lock().unwrap().check(case, steps));
            Ok(())
        })
        .unwrap();
}
