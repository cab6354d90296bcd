use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use crate::error::Error;
use crate::etag::Precondition;
use crate::extract::IfNoneMatch;

const NO_CACHE: &str = "no-cache";

/// How a public answer was asked for.
pub(crate) struct ReadHeaders {
    /// What the client has already.
    pub(super) known: Option<Precondition>,
    /// `Cache-Control: no-cache`: no answer that is remembered will do (RFC 9111, section 5.2.1.4).
    pub(super) for_the_truth: bool,
}

impl<S: Sync> FromRequestParts<S> for ReadHeaders {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let IfNoneMatch(known) = IfNoneMatch::from_request_parts(parts, state).await?;
        Ok(Self {
            known,
            for_the_truth: wants_the_truth(&parts.headers),
        })
    }
}

impl IntoParams for ReadHeaders {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let header = |name: &str, about: &str| {
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Header)
                .description(Some(about))
                .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
                .build()
        };
        vec![
            header("If-None-Match", "Entity tags, or `*`"),
            header(
                "Cache-Control",
                "`no-cache`: read it anew; only a name or a count beside it may be a second old",
            ),
        ]
    }
}

fn wants_the_truth(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::CACHE_CONTROL).iter();
    let directives = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    directives
        .map(str::trim)
        .any(|directive| directive.eq_ignore_ascii_case(NO_CACHE))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::wants_the_truth;

    #[test]
    fn the_truth_is_asked_for_by_a_directive() {
        for (value, expected) in [
            ("no-cache", true),
            ("max-age=0, No-Cache", true),
            ("max-age=0", false),
            ("no-cache-at-all", false),
        ] {
            let value = HeaderValue::from_static(value);
            let headers = HeaderMap::from_iter([(header::CACHE_CONTROL, value)]);
            assert_eq!(wants_the_truth(&headers), expected, "{headers:?}");
        }
        assert!(!wants_the_truth(&HeaderMap::new()));
    }
}
