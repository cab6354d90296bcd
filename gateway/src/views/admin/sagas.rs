use chrono::DateTime;
use prost_types::Timestamp;
use reen_error::FieldFailure;
use reen_proto::sagas::v1 as proto;
use reen_proto::time::from_millis;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::openapi::schema::ObjectBuilder;
use utoipa::{IntoParams, ToSchema};

use super::{DEFAULT_LIMIT, unless_empty};
use crate::error::Error;
use crate::paging::Part;
use crate::version::Version;
use crate::views::listing::PageQuery;
use crate::views::{fields, rfc3339};

/// Where a saga is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SagaStatus {
    /// Its steps are being done.
    Running,
    /// What it did is being undone.
    Compensating,
    /// All is undone; whoever has to know is told.
    Closing,
    Done,
    Compensated,
    /// It failed too often and waits for an operator.
    Stuck,
}

impl SagaStatus {
    /// `None` where the contract has none.
    fn read(status: i32) -> Option<Self> {
        match proto::SagaStatus::try_from(status) {
            Ok(proto::SagaStatus::Running) => Some(Self::Running),
            Ok(proto::SagaStatus::Compensating) => Some(Self::Compensating),
            Ok(proto::SagaStatus::Closing) => Some(Self::Closing),
            Ok(proto::SagaStatus::Done) => Some(Self::Done),
            Ok(proto::SagaStatus::Compensated) => Some(Self::Compensated),
            Ok(proto::SagaStatus::Stuck) => Some(Self::Stuck),
            Ok(proto::SagaStatus::Unspecified) | Err(_) => None,
        }
    }
}

impl From<SagaStatus> for proto::SagaStatus {
    fn from(status: SagaStatus) -> Self {
        match status {
            SagaStatus::Running => Self::Running,
            SagaStatus::Compensating => Self::Compensating,
            SagaStatus::Closing => Self::Closing,
            SagaStatus::Done => Self::Done,
            SagaStatus::Compensated => Self::Compensated,
            SagaStatus::Stuck => Self::Stuck,
        }
    }
}

/// Which sagas are asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct SagasQuery {
    #[param(inline)]
    status: Option<SagaStatus>,
    /// E.g. `order-completed`.
    #[param(schema_with = kind)]
    kind: Option<String>,
    #[param(schema_with = fields::list_limit)]
    limit: Option<u32>,
    #[param(schema_with = fields::before)]
    before: Option<String>,
    /// In the second version only, whose document has it.
    #[param(ignore)]
    cursor: Option<String>,
}

fn kind() -> ObjectBuilder {
    fields::text(1, 100)
}

impl SagasQuery {
    /// The same question to the service, and which part of the answer is asked for.
    pub(crate) fn into_request(self) -> Result<(proto::ListSagasRequest, Part), Error> {
        let status = self.status.map(proto::SagaStatus::from);
        let question = proto::ListSagasRequest {
            status: status.unwrap_or_default().into(),
            kind: self.kind.unwrap_or_default(),
            before: self.before.as_deref().map(read_time).transpose()?,
            ..proto::ListSagasRequest::default()
        };
        let limit = match Version::current() {
            Version::First => Some(self.limit.unwrap_or(DEFAULT_LIMIT)),
            Version::Second => self.limit,
        };
        let part = PageQuery::new(limit, None, self.cursor).part(&question)?;
        let request = proto::ListSagasRequest {
            limit: part.limit(),
            keyset: part.keyset(),
            ..question
        };
        Ok((request, part))
    }
}

/// The rules have checked the format; what cannot be read all the same is no mistake of ours.
fn read_time(text: &str) -> Result<Timestamp, Error> {
    let time = DateTime::parse_from_rfc3339(text).map_err(|error| {
        let message = "must be a time like 2026-11-21T08:00:00.000Z";
        Error::invalid(vec![FieldFailure::new("before", "not_a_time", message)]).because(error)
    })?;
    Ok(from_millis(time.timestamp_millis()))
}

/// One saga: what is carried through to its end, or undone.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SagaView {
    #[schema(example = "order-completed:66f0c0ffee66f0c0ffee66f0")]
    id: String,
    kind: String,
    key: String,
    status: SagaStatus,
    /// Where it got stuck.
    #[serde(skip_serializing_if = "Option::is_none")]
    stuck_in: Option<SagaStatus>,
    /// Grows whenever it changes hands or turns around.
    epoch: i64,
    /// What is next.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<String>,
    /// Failures in a row.
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failure: Option<String>,
    /// When it goes on by itself.
    #[schema(format = DateTime)]
    due_at: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl From<proto::Saga> for SagaView {
    fn from(saga: proto::Saga) -> Self {
        Self {
            id: saga.id,
            kind: saga.kind,
            key: saga.key,
            status: SagaStatus::read(saga.status).unwrap_or(SagaStatus::Running),
            stuck_in: SagaStatus::read(saga.stuck_in),
            epoch: saga.epoch,
            step: unless_empty(saga.step),
            attempts: saga.attempts,
            last_failure: unless_empty(saga.last_failure),
            due_at: rfc3339(saga.due_at),
            created_at: rfc3339(saga.created_at),
            updated_at: rfc3339(saga.updated_at),
        }
    }
}

/// A saga with everything it did.
#[derive(Serialize, ToSchema)]
pub(crate) struct SagaDetailsView {
    #[serde(flatten)]
    saga: SagaView,
    /// The steps that would be undone, in reverse.
    owed: Vec<String>,
    /// What its steps learned.
    #[schema(value_type = Object)]
    state: Value,
    /// Oldest first.
    log: Vec<SagaLogEntryView>,
}

impl SagaDetailsView {
    pub(crate) fn new(details: proto::SagaDetails) -> Result<Self, Error> {
        let state = serde_json::from_str(&details.state_json).map_err(Error::internal)?;
        Ok(Self {
            saga: details.saga.unwrap_or_default().into(),
            owed: details.owed,
            state,
            log: details.log.into_iter().map(Into::into).collect(),
        })
    }
}

/// One thing that a saga did.
#[derive(Serialize, ToSchema)]
pub(crate) struct SagaLogEntryView {
    step: String,
    /// `acted` or `undone`.
    entry: String,
    /// `ok`, or the code of the failure.
    outcome: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    epoch: i64,
    #[schema(format = DateTime)]
    at: String,
}

impl From<proto::SagaLogEntry> for SagaLogEntryView {
    fn from(entry: proto::SagaLogEntry) -> Self {
        Self {
            step: entry.step,
            entry: entry.entry,
            outcome: entry.outcome,
            message: unless_empty(entry.message),
            epoch: entry.epoch,
            at: rfc3339(entry.at),
        }
    }
}

/// Why a saga is turned around.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompensateSaga {
    #[schema(schema_with = fields::reason)]
    pub(crate) reason: String,
}
