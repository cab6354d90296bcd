//! The sagas: one file each, in the same order: state, steps, definition.

mod account_deleted;
mod checkout_expired;
mod order_completed;

use std::sync::Arc;

use crate::saga::{AnySaga, Outline};

pub(crate) use account_deleted::ACCOUNT_DELETED;
pub(crate) use checkout_expired::CHECKOUT_EXPIRED;
pub(crate) use order_completed::{ORDER_COMPLETED, State as OrderState};

pub(crate) use account_deleted::State as AccountState;
pub(crate) use checkout_expired::State as ExpiryState;

/// Every saga that this process runs.
pub(crate) fn all() -> Vec<Arc<dyn AnySaga>> {
    vec![
        Arc::new(ORDER_COMPLETED),
        Arc::new(CHECKOUT_EXPIRED),
        Arc::new(ACCOUNT_DELETED),
    ]
}

/// Every saga, for people and for tests.
#[must_use]
pub fn outlines() -> Vec<Outline> {
    all().iter().map(|saga| saga.outline()).collect()
}
