//! The refresh cookie: not readable by scripts, not sent from other sites, only to the auth routes.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum_extra::extract::CookieJar;

use crate::error::Error;

const NAME: &str = "refreshToken";
const PATH: &str = "/api/v1/auth";
const SEVEN_DAYS: u32 = 7 * 24 * 60 * 60;
/// Ours are much shorter; a longer one is not worth a call.
const LONGEST_TOKEN: usize = 512;

/// A `Set-Cookie` header.
pub(crate) type SetCookie = [(HeaderName, HeaderValue); 1];

/// Sets, reads and clears the refresh cookie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RefreshCookie {
    /// Whether it travels over TLS only.
    pub(crate) secure: bool,
}

impl RefreshCookie {
    /// Makes the browser keep `token`.
    pub(crate) fn set(self, token: &str) -> Result<SetCookie, Error> {
        self.header(token, SEVEN_DAYS)
    }

    /// Makes the browser forget it.
    pub(crate) fn clear(self) -> Result<SetCookie, Error> {
        self.header("", 0)
    }

    /// The token that the browser sent.
    pub(crate) fn read(headers: &HeaderMap) -> Option<String> {
        let jar = CookieJar::from_headers(headers);
        let token = jar.get(NAME)?.value();
        let plausible = !token.is_empty() && token.len() <= LONGEST_TOKEN;
        plausible.then(|| token.to_owned())
    }

    fn header(self, token: &str, max_age: u32) -> Result<SetCookie, Error> {
        let secure = if self.secure { "; Secure" } else { "" };
        let cookie = format!(
            "{NAME}={token}; HttpOnly; SameSite=Strict; Path={PATH}; Max-Age={max_age}{secure}"
        );
        let mut value = HeaderValue::from_str(&cookie).map_err(Error::internal)?;
        value.set_sensitive(true);
        Ok([(header::SET_COOKIE, value)])
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::RefreshCookie;

    #[test]
    fn what_is_set_is_read_back() {
        let [(_, value)] = RefreshCookie { secure: true }.set("a-b_c").unwrap();
        let set = value.to_str().unwrap();
        assert_eq!(
            set,
            "refreshToken=a-b_c; HttpOnly; SameSite=Strict; Path=/api/v1/auth; Max-Age=604800; Secure"
        );
        let mut headers = HeaderMap::new();
        headers.insert("cookie", "x=1; refreshToken=a-b_c".parse().unwrap());
        assert_eq!(RefreshCookie::read(&headers).unwrap(), "a-b_c");
    }

    #[test]
    fn absent_empty_and_absurd_tokens_are_none() {
        for cookie in [
            "x=1",
            "refreshToken=",
            &format!("refreshToken={}", "a".repeat(600)),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("cookie", cookie.parse().unwrap());
            assert_eq!(RefreshCookie::read(&headers), None);
        }
    }
}
