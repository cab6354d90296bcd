use bson::DateTime;
use reen_chassis::Operation;
use serde::{Deserialize, Serialize};

use crate::domain::{Kind, Leg, Posting};
use crate::error::Error;

/// One posting, or the record that an operation must not make one any more.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::store) struct PostingDocument {
    /// The operation's id, so that an operation has at most one posting.
    #[serde(rename = "_id")]
    pub(in crate::store) id: String,
    /// Absent when no saga asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::store) saga: Option<String>,
    pub(in crate::store) kind: Kind,
    pub(in crate::store) legs: Vec<LegDocument>,
    /// The posting that this one takes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::store) reversal_of: Option<String>,
    /// Whether another posting has taken this one back.
    pub(in crate::store) reversed: bool,
    /// Undone before it was done: it has no legs and never will.
    pub(in crate::store) void: bool,
    /// What a repeat is answered, where the answer names a balance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::store) balance_after_cents: Option<i64>,
    pub(in crate::store) created_at: DateTime,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::store) struct LegDocument {
    account: String,
    amount_cents: i64,
}

impl PostingDocument {
    pub(in crate::store) fn new(id: &str, posting: &Posting) -> Self {
        Self {
            id: id.to_owned(),
            saga: None,
            kind: posting.kind(),
            legs: posting.legs().iter().map(LegDocument::from).collect(),
            reversal_of: None,
            reversed: false,
            void: false,
            balance_after_cents: None,
            created_at: DateTime::now(),
        }
    }

    pub(in crate::store) fn of_saga(operation: &Operation, posting: &Posting) -> Self {
        Self {
            saga: Some(operation.saga.clone()),
            ..Self::new(&operation.id, posting)
        }
    }

    /// The record that an operation must not happen any more.
    pub(in crate::store) fn never(id: &str, saga: &str, kind: Kind) -> Self {
        Self {
            id: id.to_owned(),
            saga: Some(saga.to_owned()),
            kind,
            legs: Vec::new(),
            reversal_of: None,
            reversed: false,
            void: true,
            balance_after_cents: None,
            created_at: DateTime::now(),
        }
    }

    pub(in crate::store) fn posting(&self) -> Result<Posting, Error> {
        let legs = self.legs.iter().map(Leg::try_from);
        let legs = legs.collect::<Result<_, _>>()?;
        Posting::balanced(self.kind, legs).map_err(|_| Error::UnreadablePosting)
    }
}

impl From<&Leg> for LegDocument {
    fn from(leg: &Leg) -> Self {
        Self {
            account: leg.account.to_string(),
            amount_cents: leg.amount_cents,
        }
    }
}

impl TryFrom<&LegDocument> for Leg {
    type Error = Error;

    fn try_from(leg: &LegDocument) -> Result<Self, Error> {
        let account = leg.account.parse().map_err(|_| Error::UnreadablePosting)?;
        Ok(Self {
            account,
            amount_cents: leg.amount_cents,
        })
    }
}
