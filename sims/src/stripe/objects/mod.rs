//! Stripe's objects as JSON, with all their fields: a typed client refuses an
//! object in which one is missing.

mod payment;
mod refund;
mod session;

pub(crate) use payment::{charge, payment_intent};
pub(crate) use refund::refund;
use serde_json::{Value, json};
pub(crate) use session::checkout_session;

use super::errors::ApiError;
use super::params::Params;

/// Which ids a caller wants replaced by whole objects (`expand[]`).
#[derive(Debug, Default)]
pub(crate) struct Expand<'form>(Vec<&'form str>);

impl<'form> Expand<'form> {
    /// # Errors
    /// A property that is not in `known`.
    pub(crate) fn read(params: &Params<'form>, known: &[&str]) -> Result<Self, ApiError> {
        let properties = params.texts("expand")?;
        match properties.iter().find(|property| !known.contains(property)) {
            None => Ok(Self(properties)),
            Some(unknown) => Err(params.wrong(
                "expand",
                &format!("This property cannot be expanded ({unknown})."),
            )),
        }
    }

    /// Whether `property` is wanted, or something within it.
    pub(crate) fn wants(&self, property: &str) -> bool {
        self.0.iter().any(|wanted| {
            wanted
                .strip_prefix(property)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}

/// `object` with the fields of `unused` added: those that a typed client wants
/// to see and that no checkout of a shop sets.
fn with_unused(mut object: Value, unused: Value) -> Value {
    if let (Value::Object(fields), Value::Object(more)) = (&mut object, unused) {
        fields.extend(more);
    }
    object
}

/// One page of a list.
pub(crate) fn list(url: &str, data: &[Value], has_more: bool) -> Value {
    json!({ "object": "list", "data": data, "has_more": has_more, "url": url })
}
