//! The `OpenAPI` documents: what the handlers say, completed with what is true of every operation, and
//! what the second version makes of it.

mod amounts;
mod lists;
mod pruning;
mod second;

use axum::http::Method;
use serde_json::Value;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, Info, OpenApi, Ref, RefOr, Response};
use utoipa::{PartialSchema as _, ToSchema as _};
use utoipa_swagger_ui::{Config, SwaggerUi, Url};

use crate::idempotency;
use crate::problem::{self, Problem};
use crate::routes;
use crate::version::announce_retirements;

/// Where the page is.
const PAGE: &str = "/api-gateway/documentation";
/// Where the document of the first version is.
const FIRST: &str = "/api-gateway/documentation-json";
/// Where the document of the second version is.
const SECOND: &str = "/api-gateway/documentation-json/v2";
const SCHEME: &str = "bearer";
/// As `rules` reads it back.
const KEY_SCHEME: &str = "apiKey";
const LOWEST_ERROR: u16 = 400;

/// Statuses with their codes.
type Errors<const N: usize> = [(&'static str, &'static str); N];

const ALWAYS: Errors<6> = [
    ("414", "`address_too_long`"),
    (
        "429",
        "`rate_limited`: `Retry-After` says when to come back",
    ),
    ("431", "`headers_too_large`"),
    ("500", "`internal`"),
    ("503", "`unavailable`, `overloaded`: try again shortly"),
    ("504", "`deadline_exceeded`"),
];
const WITH_ID: Errors<1> = [("404", "`not_found`: not there, or not yours")];
const WITH_QUERY: Errors<2> = [("400", "`bad_query`"), ("422", "`validation_failed`")];
/// What has no documented body is refused in the same ways when one comes all the same.
const WITH_BODY: Errors<5> = [
    ("400", "`malformed_body`"),
    ("408", "`request_timeout`: the body did not arrive in time"),
    ("413", "`body_too_large`"),
    ("415", "`unsupported_media_type`"),
    ("422", "`validation_failed`"),
];
const WITH_CREDENTIALS: Errors<2> = [
    ("401", "`unauthenticated`"),
    ("403", "`insufficient_scope`: the API key is not for this"),
];

const ABOUT: &str = "The public interface of REEN, version 1. Amounts of money are numbers in major units \
     with at most two decimals; ids are 24 hexadecimal digits; times are RFC 3339 in UTC. Every error is a \
     problem document (RFC 9457) whose `code` is stable; a body or a query that is not what is \
     described here is refused with every failing field. Every answer carries `X-Request-Id` and \
     `Reen-Version`. The version is named by the path, or below `/api` by the header `Reen-Version` (`1` when \
     it is absent, `unknown_version` when there is no such version). What is deprecated says so in \
     `Deprecation`, `Sunset` and `Link`.";

/// What the versions of the interface say of themselves.
#[derive(Clone, Debug)]
pub struct Documents {
    /// Of `/api/v1`.
    pub first: Value,
    /// Of `/api/v2`.
    pub second: Value,
}

impl Documents {
    /// Those of the routes that there are.
    ///
    /// # Errors
    /// Never, as far as anybody knows: what describes the routes can be written as JSON.
    pub fn of_routes() -> Result<Self, serde_json::Error> {
        Self::of(routes::all().to_openapi())
    }

    /// Those of the routes that `document` describes.
    pub(crate) fn of(document: OpenApi) -> Result<Self, serde_json::Error> {
        let mut first = serde_json::to_value(complete(document))?;
        let second = second::derive(first.clone());
        lists::forget_marks(&mut first);
        announce_retirements(&mut first);
        Ok(Self { first, second })
    }
}

/// Completes what the handlers say of themselves.
fn complete(mut document: OpenApi) -> OpenApi {
    document.info = Info::new("REEN", env!("CARGO_PKG_VERSION"));
    document.info.description = Some(ABOUT.to_owned());
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme(SCHEME, access_token());
    components.add_security_scheme(KEY_SCHEME, api_key());
    let mut schemas = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut schemas);
    components.schemas.extend(schemas);
    for item in document.paths.paths.values_mut() {
        for (method, operation) in operations(item) {
            add_common_errors(operation, method != Method::GET);
            idempotency::describe(operation);
            describe_errors(operation);
        }
    }
    document
}

/// Serves the page and the documents. Everything comes from this binary, nothing from elsewhere.
pub(crate) fn routes(documents: Documents) -> axum::Router {
    let documents = [
        (Url::with_primary("v1", FIRST, true), documents.first),
        (Url::new("v2", SECOND), documents.second),
    ];
    SwaggerUi::new(PAGE)
        .external_urls_from_iter_unchecked(documents)
        .config(Config::default().persist_authorization(true))
        .into()
}

fn access_token() -> SecurityScheme {
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The `accessToken` that sign-in answers."));
    SecurityScheme::Http(scheme.build())
}

fn api_key() -> SecurityScheme {
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("reen_<id>_<secret>")
        .description(Some(
            "An API key of `POST /auth/api-keys`. It opens the operations that name it here, if it has the \
             scope that they name, and no other.",
        ));
    SecurityScheme::Http(scheme.build())
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    [
        (Method::GET, &mut item.get),
        (Method::POST, &mut item.post),
        (Method::PATCH, &mut item.patch),
        (Method::DELETE, &mut item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// The errors that follow from what an operation takes; what the handler says of them stays.
fn add_common_errors(operation: &mut Operation, reads_body: bool) {
    let takes = |place: &ParameterIn| {
        let mut parameters = operation.parameters.iter().flatten();
        parameters.any(|each| matches!(each, RefOr::T(each) if each.parameter_in == *place))
    };
    let common = [
        (true, &ALWAYS[..]),
        (takes(&ParameterIn::Path), &WITH_ID[..]),
        (takes(&ParameterIn::Query), &WITH_QUERY[..]),
        (reads_body, &WITH_BODY[..]),
        (operation.security.is_some(), &WITH_CREDENTIALS[..]),
    ];
    let errors = common.into_iter().filter(|(applies, _)| *applies);
    for (status, codes) in errors.flat_map(|(_, errors)| errors) {
        let responses = &mut operation.responses.responses;
        let known = responses.entry((*status).to_owned());
        known.or_insert_with(|| Response::new(*codes).into());
    }
}

/// Every error has the same shape.
fn describe_errors(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        let is_error = status
            .parse()
            .is_ok_and(|status: u16| status >= LOWEST_ERROR);
        if let RefOr::T(response) = response
            && is_error
        {
            let content = ContentBuilder::new()
                .schema(Some(Ref::from_schema_name(Problem::name())))
                .build();
            response
                .content
                .insert(problem::MEDIA_TYPE.to_owned(), content.into());
        }
    }
}
