use bson::{DateTime, Document};
use serde::{Deserialize, Serialize};

use super::Mark;

/// Where a saga is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// Its steps are being done.
    Running,
    /// What it owes is being undone.
    Compensating,
    /// Everything is undone; the epilogue is being done.
    Closing,
    Done,
    Compensated,
    /// Tried often enough: waits for an operator.
    Stuck,
}

impl Status {
    /// Those in which something is left to do, if only for an operator.
    pub(crate) const UNENDED: [Self; 4] = [
        Self::Running,
        Self::Compensating,
        Self::Closing,
        Self::Stuck,
    ];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Compensating => "compensating",
            Self::Closing => "closing",
            Self::Done => "done",
            Self::Compensated => "compensated",
            Self::Stuck => "stuck",
        }
    }

    /// Whether nothing is left to do, not even for an operator.
    pub(crate) fn is_settled(self) -> bool {
        matches!(self, Self::Done | Self::Compensated)
    }

    /// The words of those that a runner goes on with.
    pub(crate) fn unsettled() -> [&'static str; 3] {
        [
            Self::Running.word(),
            Self::Compensating.word(),
            Self::Closing.word(),
        ]
    }
}

/// One saga: everything that is needed to go on after a crash.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Saga {
    /// `{kind}:{key}`.
    #[serde(rename = "_id")]
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) key: String,
    pub(crate) version: i32,
    pub(crate) status: Status,
    /// Where it got stuck.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) stuck_in: Option<Status>,
    /// Grows whenever it changes hands or turns to compensation.
    pub(crate) epoch: i64,
    pub(crate) lease_until: DateTime,
    /// The step of the current part from which a runner goes on: the stage's first, or the one that
    /// failed.
    pub(crate) step: i32,
    /// What the steps learned.
    pub(crate) state: Document,
    /// The steps whose compensation is owed, noted before their stage begins.
    pub(crate) owed: Vec<String>,
    /// Failures in a row.
    pub(crate) attempts: u32,
    pub(crate) due_at: DateTime,
    /// What turned it to compensation.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) refusal: Option<Refusal>,
    pub(crate) log: Vec<LogEntry>,
    pub(crate) created_at: DateTime,
    pub(crate) updated_at: DateTime,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) step: String,
    pub(crate) code: String,
    pub(crate) message: String,
}

/// Whether an action or its compensation was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Entry {
    Acted,
    Undone,
}

/// What one action came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LogEntry {
    pub(crate) step: String,
    pub(crate) entry: Entry,
    /// `ok`, or a word of the error code table.
    pub(crate) outcome: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) message: Option<String>,
    pub(crate) epoch: i64,
    pub(crate) at: DateTime,
}

/// A saga that is to begin.
#[derive(Clone, Debug)]
pub(crate) struct NewSaga {
    pub(crate) kind: &'static str,
    pub(crate) version: i32,
    /// One saga of a kind for each key.
    pub(crate) key: String,
    pub(crate) state: Document,
    /// The compensations of the first stage are owed before anything is done.
    pub(crate) owed: Vec<&'static str>,
    /// A field of the state that a repeat has as well: with another value it is no repeat.
    pub(crate) told_by: Option<&'static str>,
}

impl NewSaga {
    /// By what a repeat is told, if it could be something else.
    pub(crate) fn mark(&self) -> Option<Mark> {
        let field = self.told_by?;
        Some((field, self.state.get(field)?.clone()))
    }
}

impl Saga {
    pub(crate) fn begin(new: NewSaga, lease_until: DateTime) -> Self {
        let now = DateTime::now();
        Self {
            id: format!("{}:{}", new.kind, new.key),
            kind: new.kind.to_owned(),
            key: new.key,
            version: new.version,
            status: Status::Running,
            stuck_in: None,
            epoch: 1,
            lease_until,
            step: 0,
            state: new.state,
            owed: new.owed.into_iter().map(str::to_owned).collect(),
            attempts: 0,
            due_at: now,
            refusal: None,
            log: Vec::new(),
            created_at: now,
            updated_at: now,
        }
    }

    pub(crate) fn step_index(&self) -> usize {
        usize::try_from(self.step).unwrap_or_default()
    }
}
