//! The rules of this process, without I/O.

mod backoff;
mod clerk_event;
mod money;
mod stripe_event;

pub(crate) use backoff::{MOST_ATTEMPTS, delay_after};
pub(crate) use clerk_event::{ClerkUser, ClerkWish, read_clerk_event};
pub(crate) use money::show_cents;
pub(crate) use stripe_event::{Payment, PaymentRefunded, Wish, read_stripe_event};
