//! A Checkout Session and what may become of it. Pure: no I/O, no clock.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::cards::TestCard;
use super::ids;

/// A Checkout Session with its payment, if one was tried.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) id: String,
    /// Seconds since the epoch, like every time in Stripe's API.
    pub(crate) created: i64,
    pub(crate) expires_at: i64,
    pub(crate) status: Status,
    pub(crate) currency: String,
    pub(crate) lines: Vec<Line>,
    /// Sum of the lines in minor units; checked when the session was made.
    pub(crate) total: i64,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) success_url: String,
    pub(crate) cancel_url: Option<String>,
    pub(crate) client_reference_id: Option<String>,
    pub(crate) customer_email: Option<String>,
    pub(crate) intent_metadata: BTreeMap<String, String>,
    pub(crate) intent_description: Option<String>,
    /// Stripe makes the payment intent with the first attempt, not before.
    pub(crate) payment: Option<Payment>,
}

/// What is sold: one line of the session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Line {
    /// Shared by the ids of the item, its price and its product.
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) unit_amount: i64,
    pub(crate) quantity: i64,
    /// `unit_amount` × `quantity`; checked when the session was made.
    pub(crate) total: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Open,
    Complete,
    Expired,
}

impl Status {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Complete => "complete",
            Self::Expired => "expired",
        }
    }
}

/// The payment intent of a session and its latest charge.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Payment {
    pub(crate) intent: String,
    pub(crate) charge: String,
    pub(crate) created: i64,
    pub(crate) card: TestCard,
    pub(crate) state: PaymentState,
    /// Minor units that were given back.
    pub(crate) refunded: i64,
    pub(crate) refunds: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PaymentState {
    /// The card was declined; the session stays open.
    Declined,
    /// A delayed method: the session is complete, the money is awaited.
    Processing,
    Succeeded,
    /// A delayed method failed in the end.
    Failed,
}

/// When the money arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timing {
    AtOnce,
    Delayed,
}

/// The session is not in the state that the step needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WrongState;

impl Session {
    pub(crate) fn is_finished(&self) -> bool {
        self.status != Status::Open
    }

    /// `payment_status` of the session object. A refund does not change it.
    pub(crate) fn payment_status(&self) -> &'static str {
        match &self.payment {
            Some(payment) if payment.state == PaymentState::Succeeded => "paid",
            _ => "unpaid",
        }
    }

    /// Tries to pay. A declined card leaves the session open, and the next
    /// attempt has the same payment intent and another charge.
    pub(crate) fn pay(
        &mut self,
        card: TestCard,
        timing: Timing,
        now: i64,
    ) -> Result<PaymentState, WrongState> {
        if self.status != Status::Open || now >= self.expires_at {
            return Err(WrongState);
        }
        let state = match (card, timing) {
            (TestCard::Declines, _) => PaymentState::Declined,
            (TestCard::Pays, Timing::Delayed) => PaymentState::Processing,
            (TestCard::Pays, Timing::AtOnce) => PaymentState::Succeeded,
        };
        if state != PaymentState::Declined {
            self.status = Status::Complete;
        }
        let intent = match self.payment.take() {
            Some(earlier) => earlier.intent,
            None => ids::payment_intent(),
        };
        self.payment = Some(Payment {
            intent,
            charge: ids::charge(),
            created: now,
            card,
            state,
            refunded: 0,
            refunds: Vec::new(),
        });
        Ok(state)
    }

    /// Ends a delayed payment one way or the other.
    pub(crate) fn settle(&mut self, outcome: PaymentState) -> Result<(), WrongState> {
        match &mut self.payment {
            Some(payment) if payment.state == PaymentState::Processing => {
                payment.state = outcome;
                Ok(())
            }
            _ => Err(WrongState),
        }
    }

    pub(crate) fn expire(&mut self) -> Result<(), WrongState> {
        if self.status != Status::Open {
            return Err(WrongState);
        }
        self.status = Status::Expired;
        Ok(())
    }
}

/// A session with one line of $10.00, for the tests of this module's neighbours.
#[cfg(test)]
pub(crate) fn sample(id: &str) -> Session {
    Session {
        id: id.to_owned(),
        created: 1_000,
        expires_at: 5_000,
        status: Status::Open,
        currency: "usd".to_owned(),
        lines: vec![Line {
            key: ids::line_key(),
            name: "Chair".to_owned(),
            description: None,
            metadata: BTreeMap::new(),
            unit_amount: 1_000,
            quantity: 1,
            total: 1_000,
        }],
        total: 1_000,
        metadata: BTreeMap::new(),
        success_url: "http://shop.test/ok".to_owned(),
        cancel_url: None,
        client_reference_id: None,
        customer_email: None,
        intent_metadata: BTreeMap::new(),
        intent_description: None,
        payment: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_paid_once() {
        let mut session = sample("cs_1");
        assert_eq!(
            session.pay(TestCard::Pays, Timing::AtOnce, 2_000),
            Ok(PaymentState::Succeeded)
        );
        assert_eq!(session.payment_status(), "paid");
        assert_eq!(
            session.pay(TestCard::Pays, Timing::AtOnce, 2_001),
            Err(WrongState)
        );
        assert_eq!(session.expire(), Err(WrongState));
    }

    #[test]
    fn a_declined_card_leaves_it_open_and_keeps_the_intent() {
        let mut session = sample("cs_1");
        session
            .pay(TestCard::Declines, Timing::AtOnce, 2_000)
            .unwrap();
        assert_eq!(session.status, Status::Open);
        let declined = session.payment.clone().unwrap();
        session.pay(TestCard::Pays, Timing::AtOnce, 2_001).unwrap();
        let paid = session.payment.unwrap();
        assert_eq!(paid.intent, declined.intent);
        assert_ne!(paid.charge, declined.charge);
    }

    #[test]
    fn nothing_is_paid_after_its_time() {
        let mut session = sample("cs_1");
        assert_eq!(
            session.pay(TestCard::Pays, Timing::AtOnce, 5_000),
            Err(WrongState)
        );
    }

    #[test]
    fn a_delayed_payment_is_settled_once() {
        let mut session = sample("cs_1");
        session.pay(TestCard::Pays, Timing::Delayed, 2_000).unwrap();
        assert_eq!(
            (session.status, session.payment_status()),
            (Status::Complete, "unpaid")
        );
        assert_eq!(session.settle(PaymentState::Succeeded), Ok(()));
        assert_eq!(session.payment_status(), "paid");
        assert_eq!(session.settle(PaymentState::Failed), Err(WrongState));
    }
}
