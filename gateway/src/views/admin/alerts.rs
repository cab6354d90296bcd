use reen_proto::sagas::v1 as proto;
use serde::Serialize;
use utoipa::ToSchema;

use crate::views::rfc3339;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AlertKind {
    /// Money came, and there is neither an order nor a refund.
    PaidWithoutOrder,
    /// Money has to go back and has not yet.
    RefundOwed,
    SagaStuck,
    /// A saga that goes on but should have ended.
    SagaLate,
    DeadLetters,
    /// A payment that could not be taken as what it was.
    UnexpectedMoney,
    /// Something that this process does not know yet.
    Other,
}

impl From<i32> for AlertKind {
    fn from(kind: i32) -> Self {
        match proto::AlertKind::try_from(kind) {
            Ok(proto::AlertKind::PaidWithoutOrder) => Self::PaidWithoutOrder,
            Ok(proto::AlertKind::RefundOwed) => Self::RefundOwed,
            Ok(proto::AlertKind::SagaStuck) => Self::SagaStuck,
            Ok(proto::AlertKind::SagaLate) => Self::SagaLate,
            Ok(proto::AlertKind::DeadLetters) => Self::DeadLetters,
            Ok(proto::AlertKind::UnexpectedMoney) => Self::UnexpectedMoney,
            Ok(proto::AlertKind::Unspecified) | Err(_) => Self::Other,
        }
    }
}

/// Something that wants somebody to look at it.
#[derive(Serialize, ToSchema)]
pub(crate) struct AlertView {
    kind: AlertKind,
    /// A saga, a checkout, or a queue.
    subject: String,
    /// One sentence.
    what: String,
    /// The command to type next.
    hint: String,
    #[schema(format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
}

impl From<proto::Alert> for AlertView {
    fn from(alert: proto::Alert) -> Self {
        Self {
            kind: alert.kind.into(),
            subject: alert.subject,
            what: alert.what,
            hint: alert.hint,
            since: alert.since.map(|since| rfc3339(Some(since))),
        }
    }
}
