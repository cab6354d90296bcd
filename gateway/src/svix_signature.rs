//! Svix's webhook signatures, which Clerk uses: HMAC-SHA256 over the message's id, a dot, the time, a dot
//! and the raw body, in the header `svix-signature: v1,<base64> [v1,<base64> …]`
//! (<https://docs.svix.com/receiving/verifying-payloads/how-manual>).

use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use secrecy::{ExposeSecret as _, SecretString};

/// How old, or how far ahead of our clock, a message may be.
const TOLERANCE_SECONDS: u64 = 300;
const SECRET_PREFIX: &str = "whsec_";
const LONGEST_ID: usize = 200;

/// The id of a message that Svix signed within the last five minutes; nothing for any other.
pub(crate) fn genuine_id<'headers>(
    secret: &SecretString,
    headers: &'headers HeaderMap,
    body: &[u8],
) -> Option<&'headers str> {
    genuine_id_at(unix_now(), secret, headers, body)
}

fn genuine_id_at<'headers>(
    now: u64,
    secret: &SecretString,
    headers: &'headers HeaderMap,
    body: &[u8],
) -> Option<&'headers str> {
    let header = |name: &str| headers.get(name)?.to_str().ok();
    let id = header("svix-id").filter(|id| id.len() <= LONGEST_ID)?;
    let time = header("svix-timestamp")?;
    let signatures = header("svix-signature")?;
    let key = key(secret)?;
    let signed = [id.as_bytes(), b".", time.as_bytes(), b".", body].concat();
    let matches =
        candidates(signatures).any(|candidate| hmac::verify(&key, &signed, &candidate).is_ok());
    let is_fresh = time.parse::<u64>().ok()?.abs_diff(now) <= TOLERANCE_SECONDS;
    (matches && is_fresh).then_some(id)
}

/// The signatures of the one known scheme; during an exchange of secrets there is one for each.
fn candidates(signatures: &str) -> impl Iterator<Item = Vec<u8>> {
    let known = signatures
        .split(' ')
        .filter_map(|part| part.strip_prefix("v1,"));
    known.filter_map(|candidate| STANDARD.decode(candidate).ok())
}

fn key(secret: &SecretString) -> Option<hmac::Key> {
    let secret = secret.expose_secret();
    let encoded = secret.strip_prefix(SECRET_PREFIX).unwrap_or(secret);
    let bytes = STANDARD.decode(encoded).ok()?;
    Some(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use secrecy::SecretString;

    use super::genuine_id_at;

    /// From Svix's documentation of manual verification.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIME: u64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn headers(signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("svix-id", ID.parse().unwrap());
        headers.insert("svix-timestamp", TIME.into());
        headers.insert("svix-signature", signature.parse().unwrap());
        headers
    }

    fn is_genuine(now: u64, signature: &str, body: &[u8]) -> bool {
        let secret = SecretString::from(SECRET);
        genuine_id_at(now, &secret, &headers(signature), body).is_some()
    }

    #[test]
    fn what_svix_signed_is_genuine() {
        assert!(is_genuine(TIME, SIGNATURE, BODY));
        let several = format!("v1a,AAAA v1,AAAA {SIGNATURE}");
        assert!(is_genuine(TIME + 300, &several, BODY));
    }

    #[test]
    fn anything_else_is_not() {
        assert!(!is_genuine(TIME, SIGNATURE, b"{\"test\": 2432232315}"));
        assert!(!is_genuine(TIME + 301, SIGNATURE, BODY), "too old");
        assert!(!is_genuine(TIME - 301, SIGNATURE, BODY), "from the future");
        assert!(!is_genuine(TIME, "v1,AAAA", BODY));
        assert!(!is_genuine(TIME, "", BODY));
    }
}
