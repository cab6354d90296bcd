//! What travels over REST: the shapes of bodies, and how they are made from the contracts.

pub(crate) mod admin;
pub(crate) mod api_keys;
pub(crate) mod auth;
pub(crate) mod bulk;
pub(crate) mod cart_items;
pub(crate) mod checkout;
pub(crate) mod fields;
pub(crate) mod listing;
pub(crate) mod orders;
pub(crate) mod products;
pub(crate) mod recovery;
pub(crate) mod refunds;
pub(crate) mod second_factor;
pub(crate) mod users;

use chrono::{DateTime, SecondsFormat};
use prost_types::Timestamp;
use reen_proto::time::to_millis;
use serde::Serialize;
use utoipa::ToSchema;

/// What was done, where there is nothing else to show.
#[derive(Serialize, ToSchema)]
pub(crate) struct Done {
    /// One word, e.g. `removed`.
    #[schema(example = "removed")]
    pub(crate) status: &'static str,
}

/// RFC 3339, UTC, milliseconds.
fn rfc3339(time: Option<Timestamp>) -> String {
    let millis = time.as_ref().map(to_millis).unwrap_or_default();
    DateTime::from_timestamp_millis(millis)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use reen_proto::time::from_millis;

    use super::rfc3339;

    #[test]
    fn times_have_milliseconds_and_are_utc() {
        let time = Some(from_millis(1_732_147_200_120));
        assert_eq!(rfc3339(time), "2024-11-21T00:00:00.120Z");
        assert_eq!(rfc3339(None), "1970-01-01T00:00:00.000Z");
    }
}
