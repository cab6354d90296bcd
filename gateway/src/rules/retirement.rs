//! What the document says of operations that clients should leave.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use chrono::NaiveDate;
use serde_json::Value;

use super::RulesError;

/// Since when an operation is deprecated (RFC 9745).
pub(crate) const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
/// When it goes away at the earliest (RFC 8594).
pub(crate) const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// The headers by which every answer of a deprecated operation says so.
#[derive(Debug)]
pub(crate) struct Retirement {
    deprecation: HeaderValue,
    sunset: HeaderValue,
    successor: HeaderValue,
}

impl Retirement {
    /// `None` of an operation that stays.
    pub(super) fn read(operation: &Value) -> Result<Option<Self>, RulesError> {
        if operation["deprecated"] != true {
            return Ok(None);
        }
        let incomplete = || RulesError("a deprecated operation lacks a date or a successor".into());
        let since = operation["x-deprecated-at"].as_i64();
        let successor = operation["x-successor"].as_str().ok_or_else(incomplete)?;
        let sunset = operation["x-sunset"].as_str().and_then(http_date);
        let header = |value: String| HeaderValue::from_str(&value).map_err(|_| incomplete());
        Ok(Some(Self {
            deprecation: header(format!("@{}", since.ok_or_else(incomplete)?))?,
            sunset: header(sunset.ok_or_else(incomplete)?)?,
            successor: header(format!("<{successor}>; rel=\"successor-version\""))?,
        }))
    }

    /// Tells the client.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        headers.insert(DEPRECATION, self.deprecation.clone());
        headers.insert(SUNSET, self.sunset.clone());
        headers.append(header::LINK, self.successor.clone());
    }
}

/// The beginning of a day as headers write it (RFC 9110, section 5.6.7).
fn http_date(day: &str) -> Option<String> {
    let day = NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()?;
    Some(day.format("%a, %d %b %Y 00:00:00 GMT").to_string())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use serde_json::json;

    use super::Retirement;

    #[test]
    fn what_is_deprecated_says_when_it_goes_and_what_comes() {
        let operation = json!({
            "deprecated": true, "x-deprecated-at": 1_795_219_200, "x-sunset": "2028-01-01",
            "x-successor": "/api/v2/things",
        });
        let mut headers = HeaderMap::new();
        let retirement = Retirement::read(&operation).unwrap().unwrap();
        retirement.tell(&mut headers);
        assert_eq!(headers["deprecation"], "@1795219200");
        assert_eq!(headers["sunset"], "Sat, 01 Jan 2028 00:00:00 GMT");
        assert_eq!(
            headers["link"],
            "</api/v2/things>; rel=\"successor-version\""
        );
        assert!(Retirement::read(&json!({})).unwrap().is_none());
        assert!(Retirement::read(&json!({ "deprecated": true })).is_err());
    }
}
