//! Svix's webhook signatures, which Clerk uses: HMAC-SHA256 over the message's id, a dot, the time, a dot
//! and the raw body, in the header `svix-signature: v1,<base64> [v1,<base64> …]`
//! (<https://docs.svix.com/receiving/verifying-payloads/how-manual>).

use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

/// How old, or how far ahead of our clock, a message may be.
const TOLERANCE_SECONDS: u64 = 300;
const SECRET_PREFIX: &str = "whsec_";
const SCHEME: &str = "v1,";
/// Longer than Svix's, and short enough to be a part of a saga's id.
const LONGEST_ID: usize = 128;

/// What Svix signs with for one endpoint: `whsec_` and base64, as its dashboard shows it.
#[derive(Clone, Debug)]
pub struct SvixSecret(hmac::Key);

/// A text that is no [`SvixSecret`]; it does not repeat the text.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("must be `whsec_` and base64")]
pub struct NoSvixSecret;

impl FromStr for SvixSecret {
    type Err = NoSvixSecret;

    fn from_str(text: &str) -> Result<Self, NoSvixSecret> {
        let encoded = text.strip_prefix(SECRET_PREFIX).ok_or(NoSvixSecret)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| NoSvixSecret)?;
        if bytes.is_empty() {
            return Err(NoSvixSecret);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }
}

/// The id of a message that Svix signed within the last five minutes; nothing for any other. During an
/// exchange of secrets there is a signature for each; one that matches is enough.
pub(crate) fn genuine_id<'headers>(
    secret: &SvixSecret,
    headers: &'headers HeaderMap,
    body: &[u8],
) -> Option<&'headers str> {
    genuine_id_at(unix_now(), secret, headers, body)
}

fn genuine_id_at<'headers>(
    now: u64,
    secret: &SvixSecret,
    headers: &'headers HeaderMap,
    body: &[u8],
) -> Option<&'headers str> {
    let header = |name: &str| headers.get(name)?.to_str().ok();
    let id = header("svix-id").filter(|id| is_id(id))?;
    let time = header("svix-timestamp")?;
    let signatures = header("svix-signature")?;
    let signed = [id.as_bytes(), b".", time.as_bytes(), b".", body].concat();
    let matches = candidates(signatures)
        .any(|candidate| hmac::verify(&secret.0, &signed, &candidate).is_ok());
    let is_fresh = time.parse::<u64>().ok()?.abs_diff(now) <= TOLERANCE_SECONDS;
    (matches && is_fresh).then_some(id)
}

/// Whether it can name an event and a saga.
fn is_id(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(is_plain)
}

/// The signatures of the one scheme that a shared secret makes; `v1a` is for public keys.
fn candidates(signatures: &str) -> impl Iterator<Item = Vec<u8>> {
    let known = signatures
        .split(' ')
        .filter_map(|part| part.strip_prefix(SCHEME));
    known.filter_map(|candidate| STANDARD.decode(candidate).ok())
}

fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use proptest::prelude::*;

    use super::{SvixSecret, genuine_id_at};

    /// From Svix's documentation of manual verification; its own library signs the same.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIME: u64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn headers(id: &str, time: &str, signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("svix-id", id),
            ("svix-timestamp", time),
            ("svix-signature", signature),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        headers
    }

    fn is_genuine(now: u64, headers: &HeaderMap, body: &[u8]) -> bool {
        let secret: SvixSecret = SECRET.parse().unwrap();
        genuine_id_at(now, &secret, headers, body).is_some()
    }

    fn signed_with(signature: &str) -> HeaderMap {
        headers(ID, &TIME.to_string(), signature)
    }

    #[test]
    fn what_svix_signed_is_genuine_for_five_minutes() {
        let headers = signed_with(SIGNATURE);
        let secret: SvixSecret = SECRET.parse().unwrap();
        assert_eq!(genuine_id_at(TIME, &secret, &headers, BODY), Some(ID));
        for (now, expected) in [
            (TIME + 300, true),
            (TIME - 300, true),
            (TIME + 301, false),
            (TIME - 301, false),
        ] {
            assert_eq!(is_genuine(now, &headers, BODY), expected, "{now}");
        }
    }

    #[test]
    fn one_of_several_signatures_is_enough() {
        for several in [
            format!("v1,AAAA {SIGNATURE}"),
            format!("v1a,AAAA {SIGNATURE} v2,BBBB"),
        ] {
            assert!(is_genuine(TIME, &signed_with(&several), BODY), "{several}");
        }
    }

    #[test]
    fn what_was_changed_is_refused() {
        let genuine = signed_with(SIGNATURE);
        assert!(!is_genuine(TIME, &genuine, br#"{"test": 2432232315}"#));
        let later = (TIME + 1).to_string();
        assert!(!is_genuine(TIME, &headers(ID, &later, SIGNATURE), BODY));
        let other = headers("msg_other", &TIME.to_string(), SIGNATURE);
        assert!(!is_genuine(TIME, &other, BODY));
        let secret: SvixSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx".parse().unwrap();
        assert_eq!(genuine_id_at(TIME, &secret, &genuine, BODY), None);
    }

    #[test]
    fn what_is_malformed_is_refused() {
        let under_another_scheme = SIGNATURE.replace("v1,", "v1a,");
        for signature in [
            "",
            "v1",
            "v1,",
            "v1,AAAA",
            "v1,?",
            &SIGNATURE[3..],
            &under_another_scheme,
        ] {
            let headers = signed_with(signature);
            assert!(!is_genuine(TIME, &headers, BODY), "{signature}");
        }
        assert!(!is_genuine(TIME, &headers(ID, "now", SIGNATURE), BODY));
        for missing in ["svix-id", "svix-timestamp", "svix-signature"] {
            let mut headers = signed_with(SIGNATURE);
            headers.remove(missing);
            assert!(!is_genuine(TIME, &headers, BODY), "{missing}");
        }
    }

    #[test]
    fn a_secret_is_read_as_the_dashboard_shows_it_and_never_shown() {
        for text in ["", "whsec_", "whsec_?", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            assert!(text.parse::<SvixSecret>().is_err(), "{text}");
        }
        let secret: SvixSecret = SECRET.parse().unwrap();
        assert!(!format!("{secret:?}").contains("MfKQ"));
    }

    proptest! {
        #[test]
        fn no_header_panics(id in "[ -~]*", time in "[ -~]*", signature in "[ -~]*") {
            prop_assert!(!is_genuine(TIME, &headers(&id, &time, &signature), BODY));
        }
    }
}
