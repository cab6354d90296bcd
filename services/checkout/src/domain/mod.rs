//! The rules of a checkout, without I/O.

mod checkout;
mod opening;
mod refusal;
mod transitions;
mod unsettled;

pub(crate) use checkout::{
    Checkout, HoldState, Line, PaymentPage, RecordedPayment, SagaEpoch, State,
};
pub(crate) use opening::{CartLine, Draft, later};
pub(crate) use refusal::Refusal;
pub(crate) use transitions::ReceivedPayment;
pub(crate) use unsettled::{Unsettled, Window};
