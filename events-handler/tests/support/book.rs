//! What the services were asked, and how they are to fail.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Mutex;

use reen_error::{Code, Failure};
use reen_proto::auth::v1::{IssuedLetter, LetterKind};
use reen_proto::checkout::v1::{Payment, UnsettledCheckout};
use reen_proto::operation::v1::Operation;
use tokio::sync::Notify;

/// How a service fails once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It does not, this time.
    None,
    /// It refuses without an effect.
    Refuses(Code),
    /// It does what it is asked, but the answer is lost.
    AnswerLost,
    /// The caller is killed before anything is done: [`Book::killing`] tells when.
    KilledBefore,
    /// The caller is killed when it is done.
    KilledAfter,
}

/// A call with an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) operation: Operation,
}

#[derive(Default)]
pub(crate) struct Book {
    pages: Mutex<Pages>,
    unsettled: Mutex<Unsettled>,
    payments: Mutex<HashMap<String, Payment>>,
    letters: Mutex<Letters>,
    buyers_address: Mutex<Option<String>>,
    killing: Notify,
}

/// Tokens that auth made.
#[derive(Default)]
struct Letters {
    /// How many.
    issued: usize,
    /// Whether nobody is to be written to.
    is_to_nobody: bool,
}

/// The checkouts that should have ended.
#[derive(Default)]
struct Unsettled {
    listed: Vec<UnsettledCheckout>,
    /// How often they were asked for.
    times: usize,
}

#[derive(Default)]
struct Pages {
    calls: Vec<Call>,
    effects: Vec<Call>,
    operations: HashSet<String>,
    by_method: HashMap<&'static str, VecDeque<Fault>>,
    by_turn: HashMap<(String, usize), Fault>,
    by_step: HashMap<(String, &'static str), Fault>,
    turns: HashMap<String, usize>,
}

impl Book {
    /// The next calls of `method` fail like this, one after the other.
    pub(crate) fn fail(&self, method: &'static str, faults: impl IntoIterator<Item = Fault>) {
        let mut pages = self.pages.lock().unwrap();
        pages.by_method.entry(method).or_default().extend(faults);
    }

    /// The call of a saga that is its `turn`-th (from 0) fails once.
    pub(crate) fn fail_turn(&self, saga: &str, turn: usize, fault: Fault) {
        let mut pages = self.pages.lock().unwrap();
        pages.by_turn.insert((saga.to_owned(), turn), fault);
    }

    /// The next call that a step of a saga makes fails.
    pub(crate) fn fail_step(&self, saga: &str, step: &'static str, fault: Fault) {
        let mut pages = self.pages.lock().unwrap();
        pages.by_step.insert((saga.to_owned(), step), fault);
    }

    /// From now on the checkout service knows this payment.
    pub(crate) fn know_payment(&self, payment: Payment) {
        let mut payments = self.payments.lock().unwrap();
        payments.insert(payment.checkout_id.clone(), payment);
    }

    /// What the checkout service answers.
    pub(crate) fn payment_of(&self, checkout_id: &str) -> Option<Payment> {
        self.payments.lock().unwrap().get(checkout_id).cloned()
    }

    /// The payment of this intent that the checkout service knows.
    pub(crate) fn payment_by_intent(&self, intent: &str) -> Option<Payment> {
        let payments = self.payments.lock().unwrap();
        let mut payments = payments.values();
        payments
            .find(|payment| payment.payment_intent_id == intent)
            .cloned()
    }

    /// How a step is to fail that calls somebody who keeps no book: the test sees to it then.
    pub(crate) fn take_step_fault(&self, saga: &str, step: &'static str) -> Option<Fault> {
        let mut pages = self.pages.lock().unwrap();
        pages.by_step.remove(&(saga.to_owned(), step))
    }

    /// From now on the checkout service lists these as unsettled, whatever becomes of them.
    pub(crate) fn leave_unsettled(&self, checkouts: impl IntoIterator<Item = UnsettledCheckout>) {
        self.unsettled.lock().unwrap().listed.extend(checkouts);
    }

    /// What the checkout service answers.
    pub(crate) fn list_unsettled(&self) -> Vec<UnsettledCheckout> {
        let mut unsettled = self.unsettled.lock().unwrap();
        unsettled.times += 1;
        unsettled.listed.clone()
    }

    /// How often the unsettled checkouts were asked for.
    pub(crate) fn times_listed(&self) -> usize {
        self.unsettled.lock().unwrap().times
    }

    /// From now on the buyer is written to there.
    pub(crate) fn move_buyer_to(&self, address: &str) {
        *self.buyers_address.lock().unwrap() = Some(address.to_owned());
    }

    /// What auth answers.
    pub(crate) fn buyers_address(&self) -> String {
        let moved = self.buyers_address.lock().unwrap().clone();
        moved.unwrap_or_else(|| "buyer@reen.example".to_owned())
    }

    /// From now on no letter goes to anybody.
    pub(crate) fn know_nobody(&self) {
        self.letters.lock().unwrap().is_to_nobody = true;
    }

    /// What auth answers: each time another token.
    pub(crate) fn next_letter(&self) -> Option<IssuedLetter> {
        let mut letters = self.letters.lock().unwrap();
        letters.issued += 1;
        (!letters.is_to_nobody).then(|| IssuedLetter {
            kind: LetterKind::PasswordReset.into(),
            name: "Bea Buyer".to_owned(),
            email: "buyer@reen.example".to_owned(),
            token: format!("token-{}", letters.issued),
        })
    }

    /// When a caller is to be killed.
    pub(crate) async fn killing(&self) {
        self.killing.notified().await;
    }

    /// Notes a call; the effect of an operation id is noted once.
    pub(crate) async fn enter(
        &self,
        method: &'static str,
        operation: Option<Operation>,
    ) -> Result<(), Failure> {
        let call = Call {
            method,
            operation: operation.unwrap(),
        };
        let fault = self.pages.lock().unwrap().fault_of(&call);
        match fault {
            Fault::Refuses(code) => return Err(Failure::new(code, "as the test told it")),
            Fault::KilledBefore => self.kill().await,
            _ => {}
        }
        self.pages.lock().unwrap().note_effect(call);
        match fault {
            Fault::AnswerLost => Err(Failure::new(Code::DeadlineExceeded, "the answer was lost")),
            Fault::KilledAfter => {
                self.kill().await;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The caller gets no answer any more.
    async fn kill(&self) {
        self.killing.notify_one();
        std::future::pending().await
    }

    /// The methods that had an effect in their order, each operation id once.
    pub(crate) fn effects(&self) -> Vec<String> {
        let pages = self.pages.lock().unwrap();
        let methods = pages.effects.iter().map(|call| call.method.to_owned());
        methods.collect()
    }

    /// The calls of a saga that had an effect, in their order.
    pub(crate) fn effects_of(&self, saga: &str) -> Vec<Call> {
        let pages = self.pages.lock().unwrap();
        let effects = pages.effects.iter();
        let own = effects.filter(|call| call.operation.saga == saga);
        own.cloned().collect()
    }

    /// How often a saga called, repeats included.
    pub(crate) fn turns_of(&self, saga: &str) -> usize {
        let pages = self.pages.lock().unwrap();
        pages.turns.get(saga).copied().unwrap_or_default()
    }

    /// How often `method` was called, repeats included.
    pub(crate) fn calls_of(&self, method: &str) -> usize {
        let pages = self.pages.lock().unwrap();
        pages
            .calls
            .iter()
            .filter(|call| call.method == method)
            .count()
    }

    /// The epochs of all calls in their order.
    pub(crate) fn epochs(&self) -> Vec<i64> {
        let pages = self.pages.lock().unwrap();
        pages
            .calls
            .iter()
            .map(|call| call.operation.epoch)
            .collect()
    }
}

impl Pages {
    fn fault_of(&mut self, call: &Call) -> Fault {
        self.calls.push(call.clone());
        let saga = call.operation.saga.clone();
        let turn = self.turns.entry(saga.clone()).or_default();
        let this_turn = *turn;
        *turn += 1;
        let queued = self.by_method.get_mut(call.method);
        let step = step_of(&call.operation).to_owned();
        let steps = &mut self.by_step;
        let asked = steps
            .keys()
            .find(|(known, name)| *known == saga && *name == step)
            .cloned();
        queued
            .and_then(VecDeque::pop_front)
            .or_else(|| self.by_turn.remove(&(saga, this_turn)))
            .or_else(|| steps.remove(&asked?))
            .unwrap_or(Fault::None)
    }

    fn note_effect(&mut self, call: Call) {
        if self.operations.insert(call.operation.id.clone()) {
            self.effects.push(call);
        }
    }
}

/// The step that an operation's id names, also under an undo; empty when it names none.
pub(crate) fn step_of(operation: &Operation) -> &str {
    let own = operation.id.strip_prefix(&operation.saga);
    let names = own.and_then(|rest| rest.strip_prefix('/'));
    let mut names = names.unwrap_or_default().split('/');
    names.next().unwrap_or_default()
}

/// Whether an operation undoes its step.
pub(crate) fn is_undo(operation: &Operation) -> bool {
    operation.id.split('/').any(|name| name == "undo")
}
