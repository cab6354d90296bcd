use super::definition::{Compensation, Follows, Step};

/// A saga as it can be shown: in the documentation, and to tests that go through every step.
#[derive(Clone, Debug)]
pub struct Outline {
    /// The first half of its id.
    pub kind: &'static str,
    /// What it does, in order.
    pub steps: Vec<StepOutline>,
    /// What it does after everything was undone.
    pub epilogue: Vec<StepOutline>,
}

/// A step as it can be shown.
#[derive(Clone, Debug)]
pub struct StepOutline {
    /// Unique in its saga.
    pub name: &'static str,
    /// Whether what came before is stored before this step begins.
    pub begins_stage: bool,
    /// Whether it is done at the same time as the step before it.
    pub is_beside: bool,
    /// Why nothing has to be undone; absent when it is undone.
    pub none_owed: Option<&'static str>,
    /// The words of the errors that turn the saga around.
    pub final_errors: Vec<&'static str>,
}

impl StepOutline {
    pub(super) fn of<S>(step: &Step<S>) -> Self {
        Self {
            name: step.name,
            begins_stage: step.follows == Follows::Stored,
            is_beside: step.follows == Follows::Beside,
            none_owed: match step.compensation {
                Compensation::Undo(_) => None,
                Compensation::NoneOwed(why) => Some(why),
            },
            final_errors: step.final_errors.iter().map(|code| code.word()).collect(),
        }
    }
}
