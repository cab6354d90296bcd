//! Between protobuf timestamps and milliseconds since the Unix epoch, in which documents keep time.

use prost_types::Timestamp;

const MILLIS: i64 = 1_000;
const NANOS_PER_MILLI: i32 = 1_000_000;

/// A timestamp from milliseconds since the Unix epoch.
#[must_use]
pub fn from_millis(millis: i64) -> Timestamp {
    let nanos = i32::try_from(millis.rem_euclid(MILLIS)).unwrap_or_default() * NANOS_PER_MILLI;
    Timestamp {
        seconds: millis.div_euclid(MILLIS),
        nanos,
    }
}

/// Milliseconds since the Unix epoch; what is finer is cut off, what does not fit is saturated.
#[must_use]
pub fn to_millis(timestamp: &Timestamp) -> i64 {
    let millis = i64::from(timestamp.nanos / NANOS_PER_MILLI);
    timestamp
        .seconds
        .saturating_mul(MILLIS)
        .saturating_add(millis)
}

#[cfg(test)]
mod tests {
    use super::{from_millis, to_millis};

    #[test]
    fn milliseconds_survive() {
        for millis in [0, 1, 999, 1_000, 1_732_147_200_123, -1, -1_001] {
            assert_eq!(to_millis(&from_millis(millis)), millis);
        }
    }
}
