//! Stripe's webhook signatures: HMAC-SHA256 over the time, a dot and the raw body, in the header
//! `Stripe-Signature: t=…,v1=…[,v1=…]` (<https://docs.stripe.com/webhooks/signature>).
//!
//! Verified here and not with `Webhook::construct_event` of the Stripe crates: that one reads the
//! whole event into types as well, and reports as an error every event whose type it was not built with.

use std::time::{SystemTime, UNIX_EPOCH};

use ring::hmac;
use secrecy::{ExposeSecret as _, SecretString};

/// How old, or how far ahead of our clock, an event may be.
const TOLERANCE_SECONDS: u64 = 300;

/// Whether `header` proves that Stripe signed `body` within the last five minutes. During an exchange
/// of secrets Stripe sends one signature for each; one that matches is enough.
pub(crate) fn is_genuine(secret: &SecretString, header: &str, body: &[u8]) -> bool {
    is_genuine_at(unix_now(), secret, header, body)
}

fn is_genuine_at(now: u64, secret: &SecretString, header: &str, body: &[u8]) -> bool {
    let Some(Signature { time, candidates }) = Signature::parse(header) else {
        return false;
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    let signed = [time.to_string().as_bytes(), b".", body].concat();
    let matches = candidates
        .iter()
        .any(|candidate| hmac::verify(&key, &signed, candidate).is_ok());
    matches && time.abs_diff(now) <= TOLERANCE_SECONDS
}

struct Signature {
    time: u64,
    candidates: Vec<Vec<u8>>,
}

impl Signature {
    fn parse(header: &str) -> Option<Self> {
        let mut time = None;
        let mut candidates = Vec::new();
        for part in header.split(',') {
            match part.trim().split_once('=')? {
                ("t", value) => time = value.parse().ok(),
                ("v1", value) => candidates.extend(hex::decode(value)),
                // Other schemes may come along; `v0` is for Stripe's test mode.
                _ => {}
            }
        }
        Some(Self {
            time: time?,
            candidates,
        })
    }
}

fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::SecretString;
    use stripe_webhook::Webhook;

    use super::is_genuine_at;

    const SECRET: &str = "whsec_of_this_test";
    const BODY: &str = r#"{"id":"evt_1","type":"charge.refunded"}"#;
    const NOW: u64 = 1_750_000_000;

    /// Signed by the Stripe crates, so that both sides are not our own.
    fn header(at: i64) -> String {
        Webhook::generate_test_header(BODY, SECRET, Some(at))
    }

    fn is_genuine(header: &str, body: &[u8]) -> bool {
        is_genuine_at(NOW, &SecretString::from(SECRET), header, body)
    }

    #[test]
    fn what_stripe_signed_passes_for_five_minutes() {
        let signed_at = 1_750_000_000;
        assert!(is_genuine(&header(signed_at), BODY.as_bytes()));
        assert!(is_genuine(&header(signed_at - 300), BODY.as_bytes()));
        assert!(is_genuine(&header(signed_at + 300), BODY.as_bytes()));
        assert!(!is_genuine(&header(signed_at - 301), BODY.as_bytes()));
        assert!(!is_genuine(&header(signed_at + 301), BODY.as_bytes()));
    }

    #[test]
    fn one_of_several_signatures_is_enough() {
        let header = header(1_750_000_000);
        let (time, signature) = header.split_once(',').unwrap();
        let exchanged = format!("{time},v1={},{signature},v0=00", "ab".repeat(32));
        assert!(is_genuine(&exchanged, BODY.as_bytes()));
    }

    #[test]
    fn what_was_changed_is_refused() {
        let header = header(1_750_000_000);
        assert!(!is_genuine(&header, b"{}"));
        assert!(!is_genuine(
            &header.replace("t=1750000000", "t=1750000001"),
            BODY.as_bytes()
        ));
        let other = Webhook::generate_test_header(BODY, "whsec_other", Some(1_750_000_000));
        assert!(!is_genuine(&other, BODY.as_bytes()));
        for malformed in [
            "",
            "t=",
            "t=1750000000",
            "v1=00",
            "t=-1,v1=00",
            "t=x,v1=zz",
            "garbage",
        ] {
            assert!(!is_genuine(malformed, BODY.as_bytes()), "{malformed}");
        }
    }

    proptest! {
        #[test]
        fn no_header_panics(header in "\\PC*") {
            prop_assert!(!is_genuine(&header, BODY.as_bytes()));
        }
    }
}
