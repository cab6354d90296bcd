use super::opening::{LARGEST_TOTAL_CENTS, SMALLEST_TOTAL_CENTS};

/// Why a checkout does not do what is asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the cart is empty")]
    EmptyCart,
    #[error("the total is more than your balance")]
    InsufficientBalance,
    #[error("one payment can carry at most {LARGEST_TOTAL_CENTS} cents")]
    TotalTooLarge,
    #[error("one payment must carry at least {SMALLEST_TOTAL_CENTS} cents")]
    TotalTooSmall,
    #[error("the checkout is not open any more")]
    Closed,
    #[error("the checkout was paid by another payment")]
    SecondPayment,
    #[error("the payment is not the total of the checkout")]
    AmountMismatch,
    #[error("the checkout cannot change like this")]
    IllegalTransition,
    #[error("the payment was refunded before it was recorded")]
    Voided,
}
