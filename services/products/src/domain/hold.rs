use bson::oid::ObjectId;
use reen_error::FieldFailure;
use serde::{Deserialize, Serialize};

use super::Movement;

const LONGEST_ID: usize = 100;

/// The name of a hold, given by whoever reserves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HoldId(String);

impl HoldId {
    pub(crate) fn parse(id: String) -> Result<Self, FieldFailure> {
        if (1..=LONGEST_ID).contains(&id.len()) {
            return Ok(Self(id));
        }
        let sentence = format!("must have 1 to {LONGEST_ID} characters");
        Err(FieldFailure::new("holdId", "out_of_range", sentence))
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

/// Stock set aside for one checkout, or the mark that it never will be.
#[derive(Clone, Debug)]
pub(crate) struct Hold {
    /// The operation that reserved it; absent when it was released before it was reserved.
    pub(crate) operation_id: Option<String>,
    pub(crate) state: HoldState,
    pub(crate) lines: Vec<HeldLine>,
}

/// A line as it was when it was reserved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HeldLine {
    pub(crate) product_id: ObjectId,
    pub(crate) quantity: i64,
    pub(crate) unit_price_cents: i64,
    pub(crate) name: String,
    pub(crate) seller_id: ObjectId,
    pub(crate) image_url: String,
}

/// What became of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HoldState {
    Held,
    Sold,
    Released,
    Returned,
}

impl HoldState {
    /// As it is stored.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Sold => "sold",
            Self::Released => "released",
            Self::Returned => "returned",
        }
    }

    /// The state of a hold whose pieces moved like this.
    pub(crate) fn after(movement: Movement) -> Self {
        match movement {
            Movement::Reserve => Self::Held,
            Movement::Sell => Self::Sold,
            Movement::Release => Self::Released,
            Movement::Return => Self::Returned,
        }
    }
}

/// Why a hold does not do what is asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HoldRefusal {
    #[error("the stock is not held any more")]
    Gone,
    #[error("the stock was sold already")]
    Committed,
    #[error("the operation was undone before it was done")]
    Voided,
    #[error("the hold belongs to another operation")]
    Taken,
}

/// What is to be done about a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is as it was asked to be.
    Done,
    Move(Movement),
    /// There is none, and there must never be one.
    Forbid,
}

/// Answers a second wish to reserve: the same operation gets what it got, as long as it has it.
pub(crate) fn repeat(hold: Hold, operation_id: &str) -> Result<Vec<HeldLine>, HoldRefusal> {
    let is_same = hold.operation_id.as_deref() == Some(operation_id);
    match hold.state {
        HoldState::Released | HoldState::Returned => Err(HoldRefusal::Voided),
        HoldState::Held | HoldState::Sold if is_same => Ok(hold.lines),
        HoldState::Held | HoldState::Sold => Err(HoldRefusal::Taken),
    }
}

/// Held becomes sold.
pub(crate) fn commit(state: Option<HoldState>) -> Result<Step, HoldRefusal> {
    match state {
        Some(HoldState::Held) => Ok(Step::Move(Movement::Sell)),
        Some(HoldState::Sold) => Ok(Step::Done),
        Some(HoldState::Released) | None => Err(HoldRefusal::Gone),
        Some(HoldState::Returned) => Err(HoldRefusal::Voided),
    }
}

/// Held becomes available; what was never reserved never will be.
pub(crate) fn release(state: Option<HoldState>) -> Result<Step, HoldRefusal> {
    match state {
        Some(HoldState::Held) => Ok(Step::Move(Movement::Release)),
        Some(HoldState::Sold) => Err(HoldRefusal::Committed),
        Some(HoldState::Released | HoldState::Returned) => Ok(Step::Done),
        None => Ok(Step::Forbid),
    }
}

/// Undoes a commit. One that never happened never will: then what is still held is released.
pub(crate) fn give_back(state: Option<HoldState>) -> Result<Step, HoldRefusal> {
    match state {
        Some(HoldState::Held) => Ok(Step::Move(Movement::Release)),
        Some(HoldState::Sold) => Ok(Step::Move(Movement::Return)),
        Some(HoldState::Released | HoldState::Returned) => Ok(Step::Done),
        None => Ok(Step::Forbid),
    }
}

#[cfg(test)]
mod tests {
    use super::{Hold, HoldRefusal, HoldState, Step, commit, give_back, release, repeat};

    const STATES: [HoldState; 4] = [
        HoldState::Held,
        HoldState::Sold,
        HoldState::Released,
        HoldState::Returned,
    ];

    fn hold(state: HoldState) -> Hold {
        Hold {
            operation_id: Some("first".to_owned()),
            state,
            lines: Vec::new(),
        }
    }

    #[test]
    fn every_step_done_twice_is_done_once() {
        for step in [commit, release, give_back] {
            for state in STATES {
                if let Ok(Step::Move(movement)) = step(Some(state)) {
                    let after = HoldState::after(movement);
                    assert_eq!(step(Some(after)), Ok(Step::Done), "{state:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_over_cannot_be_committed() {
        assert_eq!(commit(None), Err(HoldRefusal::Gone));
        assert_eq!(commit(Some(HoldState::Released)), Err(HoldRefusal::Gone));
        assert_eq!(commit(Some(HoldState::Returned)), Err(HoldRefusal::Voided));
    }

    #[test]
    fn what_was_sold_is_not_released() {
        let refused = release(Some(HoldState::Sold));
        assert_eq!(refused, Err(HoldRefusal::Committed));
    }

    #[test]
    fn what_never_was_never_will_be() {
        assert_eq!(release(None), Ok(Step::Forbid));
        assert_eq!(give_back(None), Ok(Step::Forbid));
        for over in [HoldState::Released, HoldState::Returned] {
            assert_eq!(repeat(hold(over), "first"), Err(HoldRefusal::Voided));
        }
    }

    #[test]
    fn only_the_operation_that_reserved_is_answered_again() {
        for alive in [HoldState::Held, HoldState::Sold] {
            assert!(repeat(hold(alive), "first").is_ok());
            assert_eq!(repeat(hold(alive), "second"), Err(HoldRefusal::Taken));
        }
    }

    #[test]
    fn a_state_is_stored_under_its_word() {
        for state in STATES {
            let stored = bson::serialize_to_bson(&state).unwrap();
            assert_eq!(stored.as_str(), Some(state.word()));
        }
    }
}
