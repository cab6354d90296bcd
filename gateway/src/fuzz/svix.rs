use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bolero::check;
use ring::hmac;

use super::{is_fresh, unix_now, with_a_byte_changed};
use crate::svix_signature::{SvixSecret, genuine_id};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_of_this_target";
const NAMES: [&str; 3] = ["svix-id", "svix-timestamp", "svix-signature"];

/// What Svix would say of the body, under the names above.
fn signed(time: i64, body: &[u8]) -> [String; 3] {
    let secret = STANDARD.decode(&SECRET["whsec_".len()..]).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
    let tag = hmac::sign(&key, &[format!("{ID}.{time}.").as_bytes(), body].concat());
    let signature = format!("v1,{}", STANDARD.encode(tag));
    [ID.to_owned(), time.to_string(), signature]
}

/// Nothing when HTTP itself refuses such a value.
fn is_taken(values: &[String; 3], body: &[u8]) -> Option<bool> {
    let mut headers = HeaderMap::new();
    for (name, value) in NAMES.into_iter().zip(values) {
        headers.insert(name, value.parse().ok()?);
    }
    let secret: SvixSecret = SECRET.parse().unwrap();
    Some(genuine_id(&secret, &headers, body).is_some())
}

#[test]
fn nobody_signs_by_chance() {
    check!()
        .with_type::<([String; 3], Vec<u8>)>()
        .for_each(|(values, body)| assert_ne!(is_taken(values, body), Some(true)));
}

#[test]
fn a_genuine_one_is_taken_while_it_is_fresh() {
    check!()
        .with_type::<(i16, Vec<u8>)>()
        .for_each(|(age, body)| {
            let values = signed(unix_now() - i64::from(*age), body);
            if let Some(fresh) = is_fresh(i64::from(*age)) {
                assert_eq!(is_taken(&values, body), Some(fresh));
            }
        });
}

#[test]
fn one_changed_byte_is_one_too_many() {
    check!()
        .with_type::<(Vec<u8>, usize, usize, u8)>()
        .for_each(|(body, header, position, change)| {
            let values = signed(unix_now(), body);
            let index = header % NAMES.len();
            if let Some(other) = with_a_byte_changed(&values[index], *position, *change) {
                let mut forged = values.clone();
                forged[index] = other;
                assert_ne!(is_taken(&forged, body), Some(true), "{forged:?}");
            }
            let mut other = body.clone();
            if let Some(index) = position.checked_rem(body.len()) {
                other[index] ^= (*change).max(1);
                assert_eq!(is_taken(&values, &other), Some(false));
            }
        });
}
