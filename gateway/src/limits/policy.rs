use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use axum::http::Method;
use reen_chassis::config::Reader;

const OFF: &str = "off";
const MINUTE: Duration = Duration::from_secs(60);

/// What an operation costs us, and what it is worth to somebody who means ill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Class {
    /// Where passwords and refresh tokens are tried.
    SignIn,
    Webhook,
    Write,
    Read,
}

impl Class {
    pub(crate) const ALL: [Self; 4] = [Self::SignIn, Self::Webhook, Self::Write, Self::Read];

    /// The class of the operation at `path`, as the router knows it.
    pub(crate) fn of(path: &str, method: &Method) -> Self {
        match path.rsplit_once("/auth/").map(|(_, call)| call) {
            Some("sign-in" | "sign-up" | "refresh-token" | "change-password") => Self::SignIn,
            Some(call) if call.starts_with("second-factor") => Self::SignIn,
            Some(call) if call.starts_with("password-reset") => Self::SignIn,
            Some(call) if call.starts_with("email-verification") => Self::SignIn,
            _ if path.contains("/webhooks/") => Self::Webhook,
            _ if method.is_safe() => Self::Read,
            _ => Self::Write,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Webhook => "webhook",
            Self::Write => "write",
            Self::Read => "read",
        }
    }

    fn setting(self) -> &'static str {
        match self {
            Self::SignIn => "RATE_LIMIT_SIGN_IN",
            Self::Webhook => "RATE_LIMIT_WEBHOOK",
            Self::Write => "RATE_LIMIT_WRITE",
            Self::Read => "RATE_LIMIT_READ",
        }
    }

    /// What people do who click fast, and payment providers on a busy day.
    fn usual(self) -> Limit {
        let (a_minute, at_once) = match self {
            Self::SignIn => (30, 20),
            Self::Webhook => (12_000, 2_000),
            Self::Write => (600, 100),
            Self::Read => (1_800, 300),
        };
        Limit::new(a_minute, at_once)
    }
}

/// So many a minute, and so many at once after a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) a_minute: NonZeroU32,
    pub(crate) at_once: NonZeroU32,
}

impl Limit {
    /// Zero counts as one.
    pub(crate) fn new(a_minute: u32, at_once: u32) -> Self {
        let at_least_one = |count| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        Self {
            a_minute: at_least_one(a_minute),
            at_once: at_least_one(at_once),
        }
    }

    /// How long one request uses up.
    pub(crate) fn interval(self) -> Duration {
        MINUTE / self.a_minute.get()
    }
}

/// `600/100`, or `off`.
struct Setting(Option<Limit>);

impl FromStr for Setting {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == OFF {
            return Ok(Self(None));
        }
        let numbers = text.split_once('/').and_then(|(a_minute, at_once)| {
            Some(Limit {
                a_minute: a_minute.trim().parse().ok()?,
                at_once: at_once.trim().parse().ok()?,
            })
        });
        let expected = "must be off, or how many a minute and how many at once, as in 600/100";
        numbers.map(|limit| Self(Some(limit))).ok_or(expected)
    }
}

/// The limit of each class; none where it was turned off.
#[derive(Clone, Copy, Debug)]
pub struct Limits([Option<Limit>; Class::ALL.len()]);

impl Limits {
    /// `RATE_LIMIT_SIGN_IN`, `RATE_LIMIT_WEBHOOK`, `RATE_LIMIT_WRITE`, `RATE_LIMIT_READ`.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut limits = [None; Class::ALL.len()];
        let mut is_whole = true;
        for (limit, class) in limits.iter_mut().zip(Class::ALL) {
            match reader.or(class.setting(), Setting(Some(class.usual()))) {
                Some(Setting(read)) => *limit = read,
                None => is_whole = false,
            }
        }
        is_whole.then_some(Self(limits))
    }

    pub(crate) fn of(&self, class: Class) -> Option<Limit> {
        let position = Class::ALL.iter().position(|each| *each == class)?;
        self.0[position]
    }

    #[cfg(test)]
    pub(crate) fn all(limit: Limit) -> Self {
        Self([Some(limit); Class::ALL.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_has_a_class() {
        for (path, method, class) in [
            ("/api/v1/auth/sign-in", Method::POST, Class::SignIn),
            ("/api/v1/auth/refresh-token", Method::POST, Class::SignIn),
            (
                "/api/v1/auth/second-factor/confirm",
                Method::POST,
                Class::SignIn,
            ),
            ("/api/v1/auth/password-reset", Method::POST, Class::SignIn),
            (
                "/api/v1/auth/email-verification/confirm",
                Method::POST,
                Class::SignIn,
            ),
            ("/api/v1/auth/sign-out", Method::POST, Class::Write),
            ("/api/v1/auth/users/{id}", Method::GET, Class::Read),
            ("/api/v1/webhooks/stripe", Method::POST, Class::Webhook),
            ("/api/v1/products", Method::HEAD, Class::Read),
            ("/api/v1/products/{id}", Method::PATCH, Class::Write),
        ] {
            assert_eq!(Class::of(path, &method), class, "{method} {path}");
        }
    }

    #[test]
    fn a_setting_is_two_numbers_or_off() {
        let limit = |text: &str| text.parse::<Setting>().map(|setting| setting.0);
        assert_eq!(limit("600/100"), Ok(Some(Limit::new(600, 100))));
        assert_eq!(limit("off"), Ok(None));
        for malformed in ["", "600", "0/1", "1/0", "-1/1", "1/1/1", "many/few"] {
            assert!(limit(malformed).is_err(), "{malformed}");
        }
    }
}
