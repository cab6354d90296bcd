//! What is past its deadline, and what to do about it.

use bson::DateTime;

use crate::config::Reconciling;
use crate::sagas::{ORDER_COMPLETED, REFUND_REQUESTED};
use crate::store::{Status, Watched};

/// The step that takes a payment, or refuses it.
pub(super) const RECORD_PAYMENT: &str = "record-payment";

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FindingKind {
    /// Money came, and there is neither an order nor a refund on its way.
    PaidWithoutOrder,
    /// A saga means to pay back and has not been able to.
    RefundOwed,
    SagaStuck,
    /// A saga that goes on but should have ended.
    SagaLate,
    /// A payment that could not be taken: it goes back, or went back. Somebody should know why it came.
    UnexpectedMoney,
}

impl FindingKind {
    /// Those that are counted and logged each round: each has a deadline and ends when it is settled.
    pub(super) const WATCHED: [Self; 4] = [
        Self::PaidWithoutOrder,
        Self::RefundOwed,
        Self::SagaStuck,
        Self::SagaLate,
    ];

    /// The gauge that counts them.
    pub(super) fn gauge(self) -> &'static str {
        match self {
            Self::PaidWithoutOrder => "reen_paid_without_order",
            Self::RefundOwed => "reen_refunds_owed",
            Self::SagaStuck => "reen_sagas_stuck",
            Self::SagaLate => "reen_sagas_late",
            Self::UnexpectedMoney => "reen_unexpected_money",
        }
    }

    /// What the gauge counts.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::PaidWithoutOrder => "Payments past their deadline without an order or a refund.",
            Self::RefundOwed => "Refunds that are past their deadline.",
            Self::SagaStuck => "Sagas that wait for an operator.",
            Self::SagaLate => "Sagas that are past their deadline.",
            Self::UnexpectedMoney => "Payments that did not fit their checkout.",
        }
    }
}

/// Something that an operator should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) kind: FindingKind,
    /// A saga's id, or a checkout's.
    pub(crate) subject: String,
    /// One sentence.
    pub(crate) what: String,
    /// The command to type next.
    pub(crate) hint: String,
    pub(crate) since: DateTime,
}

/// What is past its deadline about a saga that has not ended: its money first, then the saga itself.
pub(super) fn of_saga(saga: &Watched, now: DateTime, deadlines: &Reconciling) -> Vec<Finding> {
    let age = now.saturating_duration_since(saga.created_at);
    let money = match owed(saga) {
        Some(FindingKind::PaidWithoutOrder) if age > deadlines.paid => Some(without_order(saga)),
        Some(FindingKind::RefundOwed) if age > deadlines.refund => Some(refund_owed(saga)),
        _ => None,
    };
    let itself = match saga.status {
        Status::Stuck => Some(stuck(saga)),
        _ if age > deadlines.saga => Some(late(saga)),
        _ => None,
    };
    money.into_iter().chain(itself).collect()
}

/// What a saga still owes to somebody who paid.
fn owed(saga: &Watched) -> Option<FindingKind> {
    let is_order = saga.kind == ORDER_COMPLETED.kind;
    let is_refund = saga.kind == REFUND_REQUESTED.kind;
    let has_no_order = saga.state.order_id.is_none();
    let has_no_refund = saga.state.refund_id.is_none();
    match saga.phase() {
        Status::Running if is_order && has_no_order => Some(FindingKind::PaidWithoutOrder),
        Status::Running if is_refund && has_no_refund => Some(FindingKind::RefundOwed),
        Status::Compensating if is_order && has_no_refund => Some(FindingKind::RefundOwed),
        _ => None,
    }
}

fn without_order(saga: &Watched) -> Finding {
    let what = format!("checkout {} was paid and is not an order yet", saga.key);
    finding(FindingKind::PaidWithoutOrder, saga, what)
}

fn refund_owed(saga: &Watched) -> Finding {
    let what = if saga.kind == REFUND_REQUESTED.kind {
        format!("refund {} has not been made", saga.key)
    } else {
        format!("the payment of checkout {} has not gone back", saga.key)
    };
    finding(FindingKind::RefundOwed, saga, what)
}

fn stuck(saga: &Watched) -> Finding {
    let phase = saga.phase().word();
    let what = format!("it was tried often enough while {phase} and waits for an operator");
    finding(FindingKind::SagaStuck, saga, what)
}

fn late(saga: &Watched) -> Finding {
    let what = format!("it is {} and should have ended", saga.status.word());
    finding(FindingKind::SagaLate, saga, what)
}

/// A payment that was refused as such: another amount, or no checkout of ours.
pub(super) fn unexpected(saga: &Watched) -> Option<Finding> {
    let refusal = saga.refusal.as_ref()?;
    let end = match saga.state.refund_id {
        Some(_) => "went back",
        None => "goes back",
    };
    let what = format!(
        "the payment of checkout {} was not taken ({}: {}) and {end}",
        saga.key, refusal.code, refusal.message
    );
    Some(finding(FindingKind::UnexpectedMoney, saga, what))
}

/// A checkout that is paid, though no saga is at work on it.
pub(super) fn forsaken(checkout_id: String, since: DateTime, ended: Option<Status>) -> Finding {
    let saga = format!("{}:{checkout_id}", ORDER_COMPLETED.kind);
    let (why, hint) = match ended {
        Some(status) => (
            format!("its saga is {}", status.word()),
            format!("reen saga show {saga}"),
        ),
        None => (
            "it has no saga, and Stripe could not be asked".to_owned(),
            "reen verify".to_owned(),
        ),
    };
    Finding {
        kind: FindingKind::PaidWithoutOrder,
        what: format!("it is paid, but {why}"),
        subject: checkout_id,
        hint,
        since,
    }
}

fn finding(kind: FindingKind, saga: &Watched, what: String) -> Finding {
    Finding {
        kind,
        subject: saga.id.clone(),
        what,
        hint: format!("reen saga show {}", saga.id),
        since: saga.created_at,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bson::{DateTime, doc};

    use super::{FindingKind, forsaken, of_saga, unexpected};
    use crate::config::Reconciling;
    use crate::store::{Status, Watched};

    const DEADLINES: Reconciling = Reconciling {
        every: Duration::from_secs(60),
        paid: Duration::from_secs(300),
        refund: Duration::from_secs(600),
        saga: Duration::from_secs(900),
    };

    fn saga(status: &str) -> Watched {
        let stored = doc! {
            "_id": "order-completed:1", "kind": "order-completed", "key": "1", "status": status,
            "stuckIn": "compensating", "createdAt": DateTime::from_millis(0),
            "refusal": {"step": "record-payment", "code": "amount_mismatch", "message": "10 for 20"},
        };
        bson::deserialize_from_document(stored).unwrap()
    }

    fn found_after(seconds: i64, saga: &Watched) -> Vec<FindingKind> {
        let now = DateTime::from_millis(seconds * 1_000);
        let findings = of_saga(saga, now, &DEADLINES);
        findings.iter().map(|finding| finding.kind).collect()
    }

    #[test]
    fn nothing_is_found_before_its_deadline() {
        use FindingKind::{PaidWithoutOrder, RefundOwed, SagaLate};
        assert_eq!(found_after(300, &saga("running")), []);
        assert_eq!(found_after(301, &saga("running")), [PaidWithoutOrder]);
        assert_eq!(found_after(600, &saga("compensating")), []);
        assert_eq!(found_after(601, &saga("compensating")), [RefundOwed]);
        assert_eq!(found_after(900, &saga("closing")), []);
        assert_eq!(found_after(901, &saga("closing")), [SagaLate]);
    }

    #[test]
    fn a_stuck_saga_is_found_at_once_and_owes_what_it_was_about_to_do() {
        use FindingKind::{RefundOwed, SagaStuck};
        assert_eq!(found_after(1, &saga("stuck")), [SagaStuck]);
        assert_eq!(found_after(601, &saga("stuck")), [RefundOwed, SagaStuck]);
    }

    #[test]
    fn a_refund_that_was_made_is_not_owed_any_more() {
        let mut refunded = saga("compensating");
        refunded.state.refund_id = Some("re_1".to_owned());
        assert_eq!(found_after(899, &refunded), []);
    }

    #[test]
    fn money_that_was_not_expected_is_told_with_its_reason() {
        let mut refused = saga("compensating");
        let finding = unexpected(&refused).unwrap();
        assert_eq!(finding.subject, "order-completed:1");
        assert_eq!(finding.hint, "reen saga show order-completed:1");
        assert!(
            finding
                .what
                .ends_with("(amount_mismatch: 10 for 20) and goes back")
        );
        refused.state.refund_id = Some("re_1".to_owned());
        assert!(unexpected(&refused).unwrap().what.ends_with("went back"));
    }

    #[test]
    fn a_paid_checkout_without_a_saga_at_work_is_told() {
        let now = DateTime::now();
        let lost = forsaken("1".to_owned(), now, None);
        assert_eq!(lost.kind, FindingKind::PaidWithoutOrder);
        assert!(lost.what.contains("no saga"), "{}", lost.what);
        let ended = forsaken("1".to_owned(), now, Some(Status::Done));
        assert!(ended.what.contains("its saga is done"), "{}", ended.what);
        assert_eq!(ended.hint, "reen saga show order-completed:1");
    }
}
