//! The sagas: one file each, in the same order: state, steps, definition.

mod account_deleted;
mod account_letter;
mod checkout_expired;
mod clerk_user_deleted;
mod clerk_user_synced;
mod order_completed;
mod payment_refunded;
mod refund_requested;
mod shares;

use std::sync::Arc;

use crate::saga::{AnySaga, Outline};

pub(crate) use account_deleted::ACCOUNT_DELETED;
pub(crate) use account_letter::{ACCOUNT_LETTER, State as LetterState};
pub(crate) use checkout_expired::CHECKOUT_EXPIRED;
pub(crate) use clerk_user_deleted::CLERK_USER_DELETED;
pub(crate) use clerk_user_synced::{CLERK_USER_SYNCED, State as ClerkState};
pub(crate) use order_completed::{ORDER_COMPLETED, State as OrderState};
pub(crate) use payment_refunded::{PAYMENT_REFUNDED, State as RefundedState};
pub(crate) use refund_requested::{REFUND_REQUESTED, State as RefundState};

pub(crate) use account_deleted::State as AccountState;
pub(crate) use checkout_expired::State as ExpiryState;

/// Every saga that this process runs.
pub(crate) fn all() -> Vec<Arc<dyn AnySaga>> {
    vec![
        Arc::new(ORDER_COMPLETED),
        Arc::new(CHECKOUT_EXPIRED),
        Arc::new(ACCOUNT_DELETED),
        Arc::new(REFUND_REQUESTED),
        Arc::new(PAYMENT_REFUNDED),
        Arc::new(CLERK_USER_SYNCED),
        Arc::new(CLERK_USER_DELETED),
        Arc::new(ACCOUNT_LETTER),
    ]
}

/// Every saga, for people and for tests.
#[must_use]
pub fn outlines() -> Vec<Outline> {
    all().iter().map(|saga| saga.outline()).collect()
}
