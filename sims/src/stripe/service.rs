//! What happens in the stand-in, and which events tell of it.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::app::Sim;
use super::cards::TestCard;
use super::errors::ApiError;
use super::events::{Cause, Event, EventType};
use super::objects::{self, Expand};
use super::refund::{Refund, RefundRequest, refund_payment};
use super::session::{Payment, PaymentState, Session, Timing};
use super::state::Changes;

/// How late a session may expire.
const EXPIRY_TICK: Duration = Duration::from_millis(250);

/// What became of an attempt to pay.
#[derive(Debug, Clone)]
pub(crate) enum PaymentOutcome {
    /// The session is complete; with the event that says so.
    Accepted {
        session: Box<Session>,
        event: String,
    },
    Declined {
        charge: String,
    },
}

/// Why a step was not taken.
#[derive(Debug, Clone)]
pub(crate) enum Refusal {
    NoSuchSession,
    /// The session as it is.
    WrongState(Box<Session>),
}

/// Seconds since the epoch.
pub(crate) fn now() -> i64 {
    Utc::now().timestamp()
}

impl Sim {
    /// Stores a new session.
    pub(crate) fn open_session(&self, session: Session) {
        self.state.change(|changes| changes.put_session(session));
    }

    pub(crate) fn session(&self, id: &str) -> Option<Session> {
        self.state.read(|tables| tables.sessions.get(id).cloned())
    }

    /// A buyer pays, or tries to.
    pub(crate) fn pay(
        &self,
        id: &str,
        card: TestCard,
        timing: Timing,
    ) -> Result<PaymentOutcome, Refusal> {
        self.state.change(|changes| {
            let mut session = find_session(changes, id)?;
            let state = session
                .pay(card, timing, now())
                .map_err(|_| Refusal::WrongState(Box::new(session.clone())))?;
            changes.put_session(session.clone());
            if state == PaymentState::Declined {
                self.emit_payment(changes, EventType::PaymentFailed, &session);
                let charge = session
                    .payment
                    .map(|payment| payment.charge)
                    .unwrap_or_default();
                return Ok(PaymentOutcome::Declined { charge });
            }
            if state == PaymentState::Succeeded {
                self.emit_payment(changes, EventType::PaymentSucceeded, &session);
            }
            let event = self.emit_session(
                changes,
                EventType::SessionCompleted,
                &session,
                &Cause::default(),
            );
            Ok(PaymentOutcome::Accepted {
                session: Box::new(session),
                event,
            })
        })
    }

    /// A delayed payment arrives or fails. Answers the event's id.
    pub(crate) fn settle(&self, id: &str, outcome: PaymentState) -> Result<String, Refusal> {
        let (payment_event, session_event) = if outcome == PaymentState::Succeeded {
            (
                EventType::PaymentSucceeded,
                EventType::AsyncPaymentSucceeded,
            )
        } else {
            (EventType::PaymentFailed, EventType::AsyncPaymentFailed)
        };
        self.state.change(|changes| {
            let mut session = find_session(changes, id)?;
            session
                .settle(outcome)
                .map_err(|_| Refusal::WrongState(Box::new(session.clone())))?;
            changes.put_session(session.clone());
            self.emit_payment(changes, payment_event, &session);
            Ok(self.emit_session(changes, session_event, &session, &Cause::default()))
        })
    }

    pub(crate) fn expire(&self, id: &str, cause: &Cause) -> Result<Session, Refusal> {
        self.state.change(|changes| {
            let mut session = find_session(changes, id)?;
            session
                .expire()
                .map_err(|_| Refusal::WrongState(Box::new(session.clone())))?;
            changes.put_session(session.clone());
            self.emit_session(changes, EventType::SessionExpired, &session, cause);
            Ok(session)
        })
    }

    /// Gives money back.
    pub(crate) fn refund(&self, request: RefundRequest, cause: &Cause) -> Result<Refund, ApiError> {
        self.state.change(|changes| {
            let mut session = changes
                .tables()
                .session_of_intent(&request.intent)
                .cloned()
                .ok_or_else(|| {
                    ApiError::no_such("payment_intent", &request.intent, "payment_intent")
                })?;
            let refund = refund_payment(&mut session, request, now())?;
            changes.put_session(session.clone());
            changes.put_refund(refund.clone());
            emit(
                changes,
                EventType::ChargeRefunded,
                &session,
                cause,
                objects::charge,
            );
            Ok(refund)
        })
    }

    fn emit_session(
        &self,
        changes: &mut Changes<'_>,
        kind: EventType,
        session: &Session,
        cause: &Cause,
    ) -> String {
        let object = objects::checkout_session(session, &self.base_url, &Expand::default());
        emit_object(changes, kind, &object, session, cause)
    }

    fn emit_payment(&self, changes: &mut Changes<'_>, kind: EventType, session: &Session) {
        let intent =
            |session: &Session, payment: &Payment| objects::payment_intent(session, payment, false);
        emit(changes, kind, session, &Cause::default(), intent);
    }
}

/// Expires sessions whose time is over, until `stop`.
pub(crate) async fn expire_sessions(sim: Arc<Sim>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(EXPIRY_TICK);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        for id in sim.state.read(|tables| tables.overdue(now())) {
            // A buyer may have paid, or a caller expired it, in between.
            sim.expire(&id, &Cause::default()).ok();
        }
    }
}

fn find_session(changes: &Changes<'_>, id: &str) -> Result<Session, Refusal> {
    let found = changes.tables().sessions.get(id).cloned();
    found.ok_or(Refusal::NoSuchSession)
}

fn emit(
    changes: &mut Changes<'_>,
    kind: EventType,
    session: &Session,
    cause: &Cause,
    object: impl FnOnce(&Session, &Payment) -> Value,
) {
    if let Some(payment) = &session.payment {
        emit_object(changes, kind, &object(session, payment), session, cause);
    }
}

fn emit_object(
    changes: &mut Changes<'_>,
    kind: EventType,
    object: &Value,
    session: &Session,
    cause: &Cause,
) -> String {
    let event = Event::new(kind, object, &session.id, cause, now());
    let id = event.id.clone();
    changes.emit(event);
    id
}
