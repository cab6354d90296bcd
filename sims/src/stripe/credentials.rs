//! The caller's secret key: <https://docs.stripe.com/api/authentication>.
//!
//! Any well-formed key is accepted; each is an account of its own to the
//! idempotency keys, and they share everything else.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::errors::ApiError;

/// `Bearer sk_…`, or Basic with the key as the user name.
pub(crate) fn secret_key(headers: &HeaderMap) -> Result<String, ApiError> {
    let given = headers
        .get(AUTHORIZATION)
        .and_then(|header| header.to_str().ok())
        .and_then(|header| header.split_once(' '));
    let key = match given {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => key.trim().to_owned(),
        Some((scheme, credentials)) if scheme.eq_ignore_ascii_case("basic") => {
            basic_user(credentials.trim()).unwrap_or_default()
        }
        _ => {
            return Err(ApiError::unauthenticated(
                "You did not provide an API key. You need to provide your API key in the \
                 Authorization header, using Bearer auth (e.g. 'Authorization: Bearer \
                 YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, \
                 or we can help at https://support.stripe.com/.",
            ));
        }
    };
    if !is_well_formed(&key) {
        let shown: String = key.chars().take(3).collect();
        return Err(ApiError::unauthenticated(format!(
            "Invalid API Key provided: {shown}****"
        )));
    }
    Ok(key)
}

fn basic_user(credentials: &str) -> Option<String> {
    let decoded = STANDARD.decode(credentials).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (user, _password) = text.split_once(':')?;
    Some(user.to_owned())
}

/// `sk_…`, or `rk_…` for a restricted key.
fn is_well_formed(key: &str) -> bool {
    let rest = key.strip_prefix("sk_").or_else(|| key.strip_prefix("rk_"));
    rest.is_some_and(|rest| {
        !rest.is_empty()
            && rest
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn read(authorization: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(authorization).unwrap());
        secret_key(&headers).ok()
    }

    #[test]
    fn bearer_and_basic_carry_the_key() {
        assert_eq!(read("Bearer sk_test_1").as_deref(), Some("sk_test_1"));
        let basic = format!("Basic {}", STANDARD.encode("sk_test_1:"));
        assert_eq!(read(&basic).as_deref(), Some("sk_test_1"));
    }

    #[test]
    fn anything_else_is_refused() {
        for header in [
            "Bearer",
            "Bearer ",
            "Bearer pk_test_1",
            "Bearer sk_",
            "Basic %%%",
            "sk_1",
        ] {
            assert_eq!(read(header), None, "{header}");
        }
        assert!(secret_key(&HeaderMap::new()).is_err());
    }
}
