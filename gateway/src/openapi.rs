//! The `OpenAPI` document: what the handlers say, completed with what is true of every operation.

use axum::http::Method;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, Info, OpenApi, Ref, RefOr, Response};
use utoipa::{PartialSchema as _, ToSchema as _};
use utoipa_swagger_ui::SwaggerUi;

use crate::problem::{self, Problem};

/// Where the page is.
const PAGE: &str = "/api-gateway/documentation";
/// Where the document is.
const DOCUMENT: &str = "/api-gateway/documentation-json";
const SCHEME: &str = "bearer";
const LOWEST_ERROR: u16 = 400;

/// Statuses with their codes.
type Errors<const N: usize> = [(&'static str, &'static str); N];

const ALWAYS: Errors<4> = [
    (
        "429",
        "`rate_limited`: `Retry-After` says when to come back",
    ),
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
const WITH_CREDENTIALS: Errors<1> = [("401", "`unauthenticated`")];

const ABOUT: &str = "The public interface of REEN. Amounts of money are numbers in major units with \
     at most two decimals; ids are 24 hexadecimal digits; times are RFC 3339 in UTC. Every error is a \
     problem document (RFC 9457) whose `code` is stable; a body or a query that is not what is \
     described here is refused with every failing field. Every answer carries `X-Request-Id`.";

/// Completes what the handlers say of themselves.
pub(crate) fn complete(mut document: OpenApi) -> OpenApi {
    document.info = Info::new("REEN", env!("CARGO_PKG_VERSION"));
    document.info.description = Some(ABOUT.to_owned());
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme(SCHEME, access_token());
    let mut schemas = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut schemas);
    components.schemas.extend(schemas);
    for item in document.paths.paths.values_mut() {
        for (method, operation) in operations(item) {
            add_common_errors(operation, method != Method::GET);
            describe_errors(operation);
        }
    }
    document
}

/// Serves the page and the document. Everything comes from this binary, nothing from elsewhere.
pub(crate) fn routes(document: OpenApi) -> axum::Router {
    SwaggerUi::new(PAGE).url(DOCUMENT, document).into()
}

fn access_token() -> SecurityScheme {
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The `accessToken` that sign-in answers."));
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
