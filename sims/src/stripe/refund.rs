//! A refund, and how much of a payment can still be given back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::errors::ApiError;
use super::ids;
use super::money;
use super::session::{PaymentState, Session};

/// Money that was given back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Refund {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) session: String,
    pub(crate) intent: String,
    pub(crate) charge: String,
    /// Minor units.
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) reason: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
}

/// What a caller asks for.
#[derive(Debug, Clone)]
pub(crate) struct RefundRequest {
    pub(crate) intent: String,
    /// `None` asks for all that is left.
    pub(crate) amount: Option<i64>,
    pub(crate) reason: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
}

/// Takes the amount off what is left of the session's payment.
///
/// # Errors
/// Nothing was paid, nothing is left, or less is left than asked for. The
/// session is unchanged then.
pub(crate) fn refund_payment(
    session: &mut Session,
    request: RefundRequest,
    now: i64,
) -> Result<Refund, ApiError> {
    let payment = match &mut session.payment {
        Some(payment) if payment.state == PaymentState::Succeeded => payment,
        _ => {
            return Err(ApiError::invalid(format!(
                "This PaymentIntent ({}) does not have a successful charge to refund.",
                request.intent
            ))
            .param("payment_intent")
            .executed());
        }
    };
    let left = session.total - payment.refunded;
    if left == 0 {
        return Err(already_refunded(&payment.charge));
    }
    let amount = request.amount.unwrap_or(left);
    if amount > left {
        return Err(too_much(amount, left, session.total, &session.currency));
    }
    let refund = Refund {
        id: ids::refund(),
        created: now,
        session: session.id.clone(),
        intent: payment.intent.clone(),
        charge: payment.charge.clone(),
        amount,
        currency: session.currency.clone(),
        reason: request.reason,
        metadata: request.metadata,
    };
    payment.refunded += amount;
    payment.refunds.push(refund.id.clone());
    Ok(refund)
}

fn already_refunded(charge: &str) -> ApiError {
    ApiError::invalid(format!("Charge {charge} has already been refunded."))
        .code("charge_already_refunded")
        .executed()
}

/// Stripe words it differently before and after a first partial refund, and
/// gives it no `code`.
fn too_much(amount: i64, left: i64, total: i64, currency: &str) -> ApiError {
    let limit = if left == total {
        "charge amount"
    } else {
        "unrefunded amount on charge"
    };
    ApiError::invalid(format!(
        "Refund amount ({}) is greater than {limit} ({})",
        money::display(amount, currency),
        money::display(left, currency)
    ))
    .param("amount")
    .executed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stripe::cards::TestCard;
    use crate::stripe::session::{Timing, sample};

    fn asked(amount: Option<i64>) -> RefundRequest {
        RefundRequest {
            intent: "pi_1".to_owned(),
            amount,
            reason: None,
            metadata: BTreeMap::new(),
        }
    }

    fn paid() -> Session {
        let mut session = sample("cs_1");
        session.pay(TestCard::Pays, Timing::AtOnce, 2_000).unwrap();
        session
    }

    #[test]
    fn all_that_is_left_is_refunded_once() {
        let mut session = paid();
        assert_eq!(
            refund_payment(&mut session, asked(Some(300)), 2_001)
                .unwrap()
                .amount,
            300
        );
        assert_eq!(
            refund_payment(&mut session, asked(None), 2_002)
                .unwrap()
                .amount,
            700
        );
        let charge = session.payment.clone().unwrap().charge;
        assert_eq!(
            refund_payment(&mut session, asked(None), 2_003).unwrap_err(),
            already_refunded(&charge)
        );
        assert_eq!(session.payment.unwrap().refunds.len(), 2);
    }

    #[test]
    fn more_than_is_left_is_refused_and_changes_nothing() {
        let mut session = paid();
        refund_payment(&mut session, asked(Some(300)), 2_001).unwrap();
        assert_eq!(
            refund_payment(&mut session, asked(Some(701)), 2_002).unwrap_err(),
            too_much(701, 700, 1_000, "usd")
        );
        assert_eq!(session.payment.unwrap().refunded, 300);
    }

    #[test]
    fn a_payment_that_did_not_succeed_is_not_refunded() {
        let mut session = sample("cs_1");
        session.pay(TestCard::Pays, Timing::Delayed, 2_000).unwrap();
        assert!(refund_payment(&mut session, asked(None), 2_001).is_err());
    }
}
