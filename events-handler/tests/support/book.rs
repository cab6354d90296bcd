//! What the services were asked, and how they are to fail.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Mutex;

use reen_error::{Code, Failure};
use reen_proto::operation::v1::Operation;

/// How a service fails once.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// It does not, this time.
    None,
    /// It refuses without an effect.
    Refuses(Code),
    /// It does what it is asked, but the answer is lost.
    AnswerLost,
}

#[derive(Default)]
pub(crate) struct Book {
    pages: Mutex<Pages>,
}

#[derive(Default)]
struct Pages {
    calls: Vec<String>,
    effects: Vec<String>,
    operations: HashSet<String>,
    faults: HashMap<&'static str, VecDeque<Fault>>,
    epochs: Vec<i64>,
}

impl Book {
    /// The next calls of `method` fail like this, one after the other.
    pub(crate) fn fail(&self, method: &'static str, faults: impl IntoIterator<Item = Fault>) {
        self.pages
            .lock()
            .unwrap()
            .faults
            .entry(method)
            .or_default()
            .extend(faults);
    }

    /// Notes a call; the effect of an operation id is noted once.
    pub(crate) fn enter(
        &self,
        method: &'static str,
        operation: Option<Operation>,
    ) -> Result<(), Failure> {
        let operation = operation.unwrap();
        let mut pages = self.pages.lock().unwrap();
        pages.calls.push(method.to_owned());
        pages.epochs.push(operation.epoch);
        let fault = pages.faults.get_mut(method).and_then(VecDeque::pop_front);
        if let Some(Fault::Refuses(code)) = fault {
            return Err(Failure::new(code, "as the test told it"));
        }
        if pages.operations.insert(operation.id) {
            pages.effects.push(method.to_owned());
        }
        match fault {
            Some(Fault::AnswerLost) => {
                Err(Failure::new(Code::DeadlineExceeded, "the answer was lost"))
            }
            _ => Ok(()),
        }
    }

    /// The effects in their order, each operation id once.
    pub(crate) fn effects(&self) -> Vec<String> {
        self.pages.lock().unwrap().effects.clone()
    }

    /// How often `method` was called, repeats included.
    pub(crate) fn calls_of(&self, method: &str) -> usize {
        self.pages
            .lock()
            .unwrap()
            .calls
            .iter()
            .filter(|call| *call == method)
            .count()
    }

    /// The epochs of all calls in their order.
    pub(crate) fn epochs(&self) -> Vec<i64> {
        self.pages.lock().unwrap().epochs.clone()
    }
}
