use bolero::check;
use ring::hmac;
use secrecy::SecretString;

use super::{is_fresh, unix_now, with_a_byte_changed};
use crate::stripe_signature::is_genuine;

const SECRET: &str = "whsec_of_this_target";

fn tag(time: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    hex::encode(hmac::sign(&key, &[time.as_bytes(), b".", body].concat()))
}

fn signed(time: i64, body: &[u8]) -> String {
    let time = time.to_string();
    format!("t={time},v1={}", tag(&time, body))
}

fn is_taken(header: &str, body: &[u8]) -> bool {
    is_genuine(&SecretString::from(SECRET), header, body)
}

/// Whether the secret's owner said this of the body, read as carelessly as can be.
fn was_said(header: &str, body: &[u8]) -> bool {
    let header = header.to_lowercase();
    let times = header.split(',').filter_map(|part| part.split_once("t="));
    let mut times = times.filter_map(|(_, time)| time.trim().parse::<u64>().ok());
    times.any(|time| header.contains(&tag(&time.to_string(), body)))
}

#[test]
fn nobody_signs_by_chance() {
    check!()
        .with_type::<(String, Vec<u8>)>()
        .for_each(|(header, body)| assert!(!is_taken(header, body)));
}

#[test]
fn a_genuine_one_is_taken_while_it_is_fresh() {
    check!()
        .with_type::<(i16, Vec<u8>)>()
        .for_each(|(age, body)| {
            let header = signed(unix_now() - i64::from(*age), body);
            if let Some(fresh) = is_fresh(i64::from(*age)) {
                assert_eq!(is_taken(&header, body), fresh);
            }
        });
}

#[test]
fn one_changed_byte_is_one_too_many() {
    check!()
        .with_type::<(Vec<u8>, usize, u8)>()
        .for_each(|(body, position, change)| {
            let header = signed(unix_now(), body);
            if let Some(forged) = with_a_byte_changed(&header, *position, *change)
                && is_taken(&forged, body)
            {
                // Digits of a tag may be written large, for one.
                assert!(was_said(&forged, body), "{forged}");
            }
            let mut other = body.clone();
            if let Some(index) = position.checked_rem(body.len()) {
                other[index] ^= (*change).max(1);
                assert!(!is_taken(&header, &other));
            }
        });
}
