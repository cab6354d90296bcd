//! What there is: a stored saga, its services, its runners, calls and messages on their way.

use std::collections::BTreeSet;

use super::{RUNNERS, STEPS};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) saga: Saga,
    pub(super) services: [Service; STEPS],
    pub(super) runners: [Option<Runner>; RUNNERS],
    /// Calls on their way.
    pub(super) calls: BTreeSet<Call>,
    /// Messages that wait to be taken.
    pub(super) messages: u8,
    pub(super) deaths: u8,
    pub(super) lost_answers: u8,
    pub(super) repeats: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Status {
    Running,
    Compensating,
    Done,
    Compensated,
}

/// The stored document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Saga {
    pub(super) status: Status,
    pub(super) epoch: u8,
    pub(super) step: usize,
    pub(super) owed: Vec<usize>,
}

/// What a step's service knows of the saga.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Service {
    pub(super) newest_epoch: u8,
    pub(super) acted: bool,
    pub(super) undone: bool,
}

/// Who carries the saga on, with what it has read and done since.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Runner {
    pub(super) saga: Saga,
    pub(super) waits_for: Option<Call>,
    pub(super) answer: Option<Answer>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Call {
    pub(super) step: usize,
    pub(super) epoch: u8,
    pub(super) is_undo: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Answer {
    Ok,
    Refused,
    Stale,
}

impl World {
    pub(super) fn takes(&mut self, index: usize) {
        self.messages -= 1;
        if self.saga.is_settled() {
            return;
        }
        self.saga.epoch += 1;
        self.runners[index] = Some(Runner {
            saga: self.saga.clone(),
            waits_for: None,
            answer: None,
        });
    }

    pub(super) fn calls(&mut self, index: usize) {
        let Some(runner) = &mut self.runners[index] else {
            return;
        };
        let is_undo = runner.saga.status == Status::Compensating;
        let step = match runner.saga.owed.last() {
            Some(last) if is_undo => *last,
            _ => runner.saga.step,
        };
        let call = Call {
            step,
            epoch: runner.saga.epoch,
            is_undo,
        };
        runner.waits_for = Some(call);
        self.calls.insert(call);
    }

    /// What every service does with an operation.
    pub(super) fn arrives(&mut self, call: Call, refused: bool) {
        self.calls.remove(&call);
        let service = &mut self.services[call.step];
        let answer = if call.epoch < service.newest_epoch {
            Answer::Stale
        } else if !call.is_undo && (refused || service.undone) {
            // Its transaction is aborted, and with it the passage of the fence.
            Answer::Refused
        } else {
            service.newest_epoch = call.epoch;
            service.undone |= call.is_undo;
            service.acted |= !call.is_undo;
            Answer::Ok
        };
        let waiting = self.runners.iter_mut().flatten();
        for runner in waiting.filter(|runner| runner.waits_for == Some(call)) {
            runner.answer = Some(answer);
        }
    }

    /// Stores what a runner came to, if the saga still has the epoch under which it ran.
    pub(super) fn stores(&mut self, index: usize, epoch: u8) {
        let Some(runner) = &self.runners[index] else {
            return;
        };
        if self.saga.epoch != epoch {
            self.runners[index] = None;
            return;
        }
        self.saga = runner.saga.clone();
        if self.saga.is_settled() {
            self.runners[index] = None;
        }
    }

    /// What was done is stored, and the message comes again.
    pub(super) fn puts_off(&mut self, index: usize) {
        if let Some(runner) = self.runners[index].take()
            && self.saga.epoch == runner.saga.epoch
        {
            self.saga = runner.saga;
            self.messages += 1;
        }
    }
}

impl Saga {
    pub(super) fn is_settled(&self) -> bool {
        matches!(self.status, Status::Done | Status::Compensated)
    }
}
