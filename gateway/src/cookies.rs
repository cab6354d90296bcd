//! The refresh cookie and the device's: not readable by scripts, not sent from other sites, only to the
//! auth routes.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::AppendHeaders;
use axum_extra::extract::CookieJar;

use crate::error::Error;
use crate::version::Asked;

const REFRESH: &str = "refreshToken";
const DEVICE: &str = "device";
/// Below the base of the version.
const PATH: &str = "/auth";
const SEVEN_DAYS: u32 = 7 * 24 * 60 * 60;
const NINETY_DAYS: u32 = 90 * 24 * 60 * 60;
/// Ours are much shorter; a longer one is not worth a call.
const LONGEST_TOKEN: usize = 512;
/// 256 bits in base64url.
const DEVICE_TOKEN: usize = 43;

/// `Set-Cookie` headers, one for each cookie.
pub(crate) type SetCookies = AppendHeaders<Vec<(HeaderName, HeaderValue)>>;

/// Sets, reads and clears the refresh cookie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RefreshCookie {
    /// Whether it travels over TLS only.
    pub(crate) secure: bool,
}

impl RefreshCookie {
    /// Makes the browser keep `token`.
    pub(crate) fn set(self, token: &str) -> Result<SetCookies, Error> {
        set_cookie(REFRESH, token, SEVEN_DAYS, self.secure)
    }

    /// Makes the browser forget it.
    pub(crate) fn clear(self) -> Result<SetCookies, Error> {
        set_cookie(REFRESH, "", 0, self.secure)
    }

    /// The token that the browser sent.
    pub(crate) fn read(headers: &HeaderMap) -> Option<String> {
        let jar = CookieJar::from_headers(headers);
        let token = jar.get(REFRESH)?.value();
        let plausible = !token.is_empty() && token.len() <= LONGEST_TOKEN;
        plausible.then(|| token.to_owned())
    }

    /// Makes the browser keep `device` as well, by which it is known when somebody signs in again. It
    /// outlives the session: signing out does not make the browser a stranger.
    pub(crate) fn set_with_device(self, token: &str, device: &str) -> Result<SetCookies, Error> {
        let AppendHeaders(mut cookies) = self.set(token)?;
        if !device.is_empty() {
            let AppendHeaders(device) = set_cookie(DEVICE, device, NINETY_DAYS, self.secure)?;
            cookies.extend(device);
        }
        Ok(AppendHeaders(cookies))
    }
}

/// The device token that the browser sent, if it could be one: it goes back as it came.
pub(crate) fn device_token(headers: &HeaderMap) -> Option<String> {
    let jar = CookieJar::from_headers(headers);
    let token = jar.get(DEVICE)?.value();
    let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let plausible = token.len() == DEVICE_TOKEN && token.bytes().all(is_base64url);
    plausible.then(|| token.to_owned())
}

fn set_cookie(name: &str, token: &str, max_age: u32, secure: bool) -> Result<SetCookies, Error> {
    let base = Asked::current().base;
    let secure = if secure { "; Secure" } else { "" };
    let cookie = format!(
        "{name}={token}; HttpOnly; SameSite=Strict; Path={base}{PATH}; Max-Age={max_age}{secure}"
    );
    let mut value = HeaderValue::from_str(&cookie).map_err(Error::internal)?;
    value.set_sensitive(true);
    Ok(AppendHeaders(vec![(header::SET_COOKIE, value)]))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use axum::response::AppendHeaders;

    use super::{RefreshCookie, device_token};

    #[test]
    fn what_is_set_is_read_back() {
        let AppendHeaders(cookies) = RefreshCookie { secure: true }.set("a-b_c").unwrap();
        let [(_, value)] = cookies.as_slice() else {
            panic!("{cookies:?}");
        };
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

    #[test]
    fn only_what_can_be_a_device_token_is_taken_for_one() {
        let token = "a-b_c".repeat(8) + "xyz";
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            let cookie = format!("refreshToken=x; device={value}");
            headers.insert("cookie", cookie.parse().unwrap());
            device_token(&headers)
        };
        assert_eq!(read(&token), Some(token.clone()));
        for other in ["", "short", &format!("{token}a"), &token.replace('a', ".")] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn a_device_is_remembered_beside_the_session() {
        let set = RefreshCookie { secure: false }.set_with_device("a", "b");
        let AppendHeaders(cookies) = set.unwrap();
        let texts = cookies.iter().map(|(_, value)| value.to_str().unwrap());
        let texts: Vec<_> = texts.collect();
        assert!(
            texts[1].starts_with("device=b; HttpOnly; SameSite=Strict;"),
            "{texts:?}"
        );
        assert!(texts[1].ends_with("Max-Age=7776000"), "{texts:?}");
        let set = RefreshCookie { secure: false }.set_with_device("a", "");
        assert_eq!(set.unwrap().0.len(), 1);
    }
}
