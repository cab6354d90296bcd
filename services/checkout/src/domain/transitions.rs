//! How a checkout changes. Each change made twice is made once.

use bson::DateTime;

use super::{Checkout, HoldState, PaymentPage, RecordedPayment, Refusal, State};

/// What Stripe says that it collected.
#[derive(Clone, Debug)]
pub(crate) struct ReceivedPayment {
    pub(crate) payment: RecordedPayment,
    pub(crate) amount_cents: i64,
    pub(crate) currency: String,
    /// When this service was told.
    pub(crate) told_at: DateTime,
}

impl Checkout {
    /// The payment page is there.
    pub(crate) fn show_page(&mut self, page: &PaymentPage) -> Result<(), Refusal> {
        match self.state {
            State::Opening => {
                self.state = State::Open;
                self.page = Some(page.clone());
                Ok(())
            }
            State::Open if self.page.as_ref() == Some(page) => Ok(()),
            _ => Err(Refusal::Closed),
        }
    }

    /// The buyer does not want it any more, and Stripe's session is expired already: the message of
    /// that may have come here first.
    pub(crate) fn cancel(&mut self) -> Result<(), Refusal> {
        match self.state {
            State::Open | State::Expired => {
                self.state = State::Canceled;
                self.owe_release();
                Ok(())
            }
            State::Canceled => Ok(()),
            _ => Err(Refusal::Closed),
        }
    }

    /// It can no longer be paid. What was paid or closed otherwise stays as it is, without complaint.
    pub(crate) fn expire(&mut self) -> Result<(), Refusal> {
        if matches!(self.state, State::Opening | State::Open) {
            self.state = State::Expired;
            self.owe_release();
        }
        Ok(())
    }

    /// The money came, however late.
    pub(crate) fn record_payment(&mut self, received: &ReceivedPayment) -> Result<(), Refusal> {
        let is_currency = received.currency.eq_ignore_ascii_case(&self.currency);
        if !is_currency || received.amount_cents != self.total_cents {
            return Err(Refusal::AmountMismatch);
        }
        match &self.payment {
            Some(known) if known.intent_id == received.payment.intent_id => Ok(()),
            Some(_) => Err(Refusal::SecondPayment),
            None if self.state == State::Refunded => Err(Refusal::Voided),
            None => {
                self.state = State::Paid;
                self.payment = Some(received.payment.clone());
                self.paid_at = Some(received.told_at);
                Ok(())
            }
        }
    }

    /// The order was made.
    pub(crate) fn complete(&mut self, order_id: &str) -> Result<(), Refusal> {
        match self.state {
            State::Paid => {
                self.state = State::Completed;
                self.order_id = Some(order_id.to_owned());
                self.hold_state = HoldState::Settled;
                Ok(())
            }
            State::Completed if self.order_id.as_deref() == Some(order_id) => Ok(()),
            _ => Err(Refusal::IllegalTransition),
        }
    }

    /// The money went back. A payment that was refused, or not recorded yet, goes back as well: then
    /// it never will be recorded.
    pub(crate) fn refund(&mut self, refund_id: &str) -> Result<(), Refusal> {
        match (self.state, self.refund_id.as_deref()) {
            (State::Refunded, Some(known)) if known == refund_id => Ok(()),
            (State::Refunded, _) => Err(Refusal::IllegalTransition),
            _ => {
                self.state = State::Refunded;
                self.refund_id = Some(refund_id.to_owned());
                self.owe_release();
                Ok(())
            }
        }
    }

    /// Whether the stock is to be given back now.
    pub(crate) fn owes_release(&self) -> bool {
        self.state.is_unsold() && self.hold_state == HoldState::ReleaseOwed
    }

    fn owe_release(&mut self) {
        if self.hold_state == HoldState::Held {
            self.hold_state = HoldState::ReleaseOwed;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bson::DateTime;
    use bson::oid::ObjectId;
    use proptest::prelude::*;

    use super::{
        Checkout, HoldState, PaymentPage, ReceivedPayment, RecordedPayment, Refusal, State,
    };
    use crate::domain::{Draft, Line};

    const TOTAL_CENTS: i64 = 300;

    fn opening() -> Checkout {
        let open_for = Duration::from_secs(60);
        let draft = Draft::new(ObjectId::new(), ObjectId::new(), DateTime::now(), open_for);
        let line = Line {
            product_id: ObjectId::new(),
            name: "Lamp".to_owned(),
            seller_id: ObjectId::new(),
            unit_price_cents: TOTAL_CENTS,
            quantity: 1,
            image_url: String::new(),
        };
        Checkout::opening(&draft, vec![line], TOTAL_CENTS).unwrap()
    }

    fn page() -> PaymentPage {
        PaymentPage {
            session_id: "cs_1".to_owned(),
            url: "https://stripe.test/cs_1".to_owned(),
        }
    }

    fn payment(intent: &str, amount_cents: i64) -> ReceivedPayment {
        ReceivedPayment {
            payment: RecordedPayment {
                session_id: "cs_1".to_owned(),
                intent_id: intent.to_owned(),
            },
            amount_cents,
            currency: "usd".to_owned(),
            told_at: DateTime::now(),
        }
    }

    #[derive(Clone, Copy, Debug)]
    enum Event {
        ShowPage,
        Cancel,
        Expire,
        Pay(&'static str),
        PayWrongly,
        Complete(&'static str),
        Refund(&'static str),
    }

    fn apply(checkout: &mut Checkout, event: Event) -> Result<(), Refusal> {
        match event {
            Event::ShowPage => checkout.show_page(&page()),
            Event::Cancel => checkout.cancel(),
            Event::Expire => checkout.expire(),
            Event::Pay(intent) => checkout.record_payment(&payment(intent, TOTAL_CENTS)),
            Event::PayWrongly => checkout.record_payment(&payment("pi_1", TOTAL_CENTS - 1)),
            Event::Complete(order) => checkout.complete(order),
            Event::Refund(refund) => checkout.refund(refund),
        }
    }

    fn after(events: &[Event]) -> Checkout {
        let mut checkout = opening();
        for event in events {
            apply(&mut checkout, *event).unwrap();
        }
        checkout
    }

    #[test]
    fn a_late_payment_is_recorded_too() {
        for before in [
            &[] as &[Event],
            &[Event::ShowPage],
            &[Event::ShowPage, Event::Cancel],
            &[Event::ShowPage, Event::Expire],
        ] {
            let mut checkout = after(before);
            apply(&mut checkout, Event::Pay("pi_1")).unwrap();
            assert_eq!(checkout.state, State::Paid, "{before:?}");
        }
    }

    #[test]
    fn another_amount_or_currency_is_not_what_was_agreed() {
        let mut checkout = after(&[Event::ShowPage]);
        let too_little = checkout.record_payment(&payment("pi_1", TOTAL_CENTS - 1));
        assert_eq!(too_little, Err(Refusal::AmountMismatch));
        let mut foreign = payment("pi_1", TOTAL_CENTS);
        foreign.currency = "jpy".to_owned();
        let foreign = checkout.record_payment(&foreign);
        assert_eq!(foreign, Err(Refusal::AmountMismatch));
        assert_eq!(checkout.state, State::Open);
    }

    #[test]
    fn a_second_payment_is_refused() {
        let mut checkout = after(&[Event::ShowPage, Event::Pay("pi_1")]);
        let second = apply(&mut checkout, Event::Pay("pi_2"));
        assert_eq!(second, Err(Refusal::SecondPayment));
    }

    #[test]
    fn a_payment_that_went_back_is_never_recorded() {
        let mut checkout = after(&[Event::ShowPage, Event::Refund("re_1")]);
        let late = apply(&mut checkout, Event::Pay("pi_1"));
        assert_eq!(late, Err(Refusal::Voided));
        assert!(checkout.owes_release());
    }

    #[test]
    fn what_was_paid_is_neither_canceled_nor_expired() {
        let mut checkout = after(&[Event::ShowPage, Event::Pay("pi_1"), Event::Expire]);
        assert_eq!(checkout.state, State::Paid);
        assert_eq!(checkout.cancel(), Err(Refusal::Closed));
    }

    fn any_event() -> impl Strategy<Value = Event> {
        prop_oneof![
            Just(Event::ShowPage),
            Just(Event::Cancel),
            Just(Event::Expire),
            prop_oneof![Just("pi_1"), Just("pi_2")].prop_map(Event::Pay),
            Just(Event::PayWrongly),
            prop_oneof![Just("o_1"), Just("o_2")].prop_map(Event::Complete),
            prop_oneof![Just("re_1"), Just("re_2")].prop_map(Event::Refund),
        ]
    }

    proptest! {
        #[test]
        fn whatever_happens_money_is_not_forgotten(
            events in prop::collection::vec(any_event(), 0..12),
        ) {
            let mut checkout = opening();
            for event in events {
                let before = checkout.clone();
                let outcome = apply(&mut checkout, event);
                if outcome.is_err() {
                    prop_assert_eq!(&checkout, &before, "a refusal changes nothing");
                } else {
                    let once = checkout.clone();
                    prop_assert_eq!(apply(&mut checkout, event), Ok(()), "a repeat is the same");
                    prop_assert_eq!(&checkout, &once, "and changes nothing");
                }
                let paid = matches!(checkout.state, State::Paid | State::Completed);
                if before.payment.is_some() {
                    prop_assert_eq!(&checkout.payment, &before.payment, "one payment, for ever");
                    prop_assert!(paid || checkout.state == State::Refunded);
                }
                prop_assert!(!paid || checkout.payment.is_some());
                prop_assert_eq!(checkout.payment.is_some(), checkout.paid_at.is_some());
                prop_assert!(!(paid && checkout.owes_release()), "paid stock is not given back");
                prop_assert!(before.state != State::Refunded || checkout.state == State::Refunded);
                let forgotten = checkout.state.is_unsold() && checkout.hold_state == HoldState::Held;
                prop_assert!(!forgotten, "stock that is not sold is given back");
            }
        }
    }
}
