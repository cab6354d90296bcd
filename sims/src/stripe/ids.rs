//! Identifiers in Stripe's form: a prefix that says what it is, then letters
//! and digits.

use rand::Rng;
use rand::distr::Alphanumeric;

const USUAL_LENGTH: usize = 24;

pub(crate) fn session() -> String {
    format!("cs_test_{}", token(58))
}

pub(crate) fn payment_intent() -> String {
    format!("pi_{}", token(USUAL_LENGTH))
}

pub(crate) fn charge() -> String {
    format!("ch_{}", token(USUAL_LENGTH))
}

pub(crate) fn refund() -> String {
    format!("re_{}", token(USUAL_LENGTH))
}

pub(crate) fn event() -> String {
    format!("evt_{}", token(USUAL_LENGTH))
}

pub(crate) fn request() -> String {
    format!("req_{}", token(14))
}

/// The part that the ids of one line item, its price and its product share.
pub(crate) fn line_key() -> String {
    token(USUAL_LENGTH)
}

/// The id of something that exists once per `id`, such as the balance
/// transaction of a charge: the same letters under another prefix.
pub(crate) fn derived(prefix: &str, id: &str) -> String {
    let letters = id.rsplit('_').next().unwrap_or(id);
    format!("{prefix}_{letters}")
}

fn token(length: usize) -> String {
    rand::rng()
        .sample_iter(Alphanumeric)
        .take(length)
        .map(char::from)
        .collect()
}
