//! What the `OpenAPI` document says of each operation, compiled so that it can be enforced: who may
//! call it, which query and which body it takes. Documentation and behaviour cannot differ.

mod book;
mod failures;
mod query;
mod references;
mod retirement;
mod scopes;

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::Method;
use jsonschema::{Draft, EmailOptions, ValidationError, Validator};
use reen_error::FieldFailure;
use serde_json::{Map, Value, json};
use url::Url;

pub(crate) use book::RuleBook;
pub(crate) use query::QueryRules;
pub(crate) use retirement::{DEPRECATION, Retirement, SUNSET};

use crate::idempotency;
use crate::limits::Class;
use crate::scope::Scope;
use scopes::KeyScopes;

/// Below it are those who look after our health.
pub(crate) const HEALTH: &str = "/health/";

/// The document cannot be enforced: it does not compile.
#[derive(Debug, thiserror::Error)]
#[error("the OpenAPI document cannot be enforced: {0}")]
pub struct RulesError(String);

impl From<ValidationError<'_>> for RulesError {
    fn from(error: ValidationError<'_>) -> Self {
        Self(error.to_string())
    }
}

impl From<serde_json::Error> for RulesError {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody; credentials are not looked at.
    Public,
    /// Anybody; who presents credentials must present good ones.
    Optional,
    /// Who is signed in.
    SignedIn,
}

/// The rules of one operation.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) access: Access,
    /// Which limit it counts against; none for those who look after our health.
    pub(crate) class: Option<Class>,
    pub(crate) query: QueryRules,
    /// Whether clients may name the request, and repeat it under its name.
    pub(crate) takes_key: bool,
    key_scopes: KeyScopes,
    /// Of an operation that clients should leave.
    pub(crate) retirement: Option<Retirement>,
    body: BodyRules,
}

#[derive(Debug)]
enum BodyRules {
    /// None is taken, or an empty object in its place: some clients always send one.
    Nothing(Validator),
    Json(Validator),
    /// Only the handler knows.
    Unchecked,
}

impl Operation {
    /// Every field of a body that is not valid.
    pub(crate) fn check_body(&self, body: &Value) -> Result<(), Vec<FieldFailure>> {
        match &self.body {
            BodyRules::Nothing(validator) | BodyRules::Json(validator) => {
                failures::check(validator, body)
            }
            BodyRules::Unchecked => Ok(()),
        }
    }

    /// Whether an API key that is for these scopes opens the operation.
    pub(crate) fn opens_to_key_of(&self, granted: &[Scope]) -> bool {
        self.key_scopes.are_among(granted)
    }

    /// Whether the document has a body here.
    pub(crate) fn takes_body(&self) -> bool {
        !matches!(self.body, BodyRules::Nothing(_))
    }
}

/// The rules of every operation, by path (as the router knows it) and method.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    operations: HashMap<String, HashMap<Method, Arc<Operation>>>,
}

impl Rules {
    /// Reads the document.
    pub(crate) fn read(document: &Value) -> Result<Self, RulesError> {
        let components = &document["components"];
        let mut operations: HashMap<String, HashMap<Method, Arc<Operation>>> = HashMap::new();
        for (path, item) in entries(&document["paths"]) {
            for (method, operation) in entries(item) {
                let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes()) else {
                    continue;
                };
                let class = (!path.starts_with(HEALTH)).then(|| Class::of(path, &method));
                let operation = read_operation(operation, class, components)?;
                let methods = operations.entry(path.clone()).or_default();
                methods.insert(method, Arc::new(operation));
            }
        }
        Ok(Self { operations })
    }

    /// The rules of what the router matched; `HEAD` is `GET` without the body.
    pub(crate) fn of(&self, path: &str, method: &Method) -> Option<Arc<Operation>> {
        let method = if *method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        self.operations.get(path)?.get(method).cloned()
    }
}

fn entries(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().into_iter().flat_map(Map::iter)
}

fn read_operation(
    operation: &Value,
    class: Option<Class>,
    components: &Value,
) -> Result<Operation, RulesError> {
    Ok(Operation {
        class,
        access: read_access(&operation["security"]),
        key_scopes: KeyScopes::read(&operation["security"])?,
        query: QueryRules::read(&operation["parameters"], components)?,
        takes_key: idempotency::is_taken(&operation["parameters"]),
        retirement: Retirement::read(operation)?,
        body: read_body(&operation["requestBody"], components)?,
    })
}

fn read_body(body: &Value, components: &Value) -> Result<BodyRules, RulesError> {
    if body.is_null() {
        // `additionalProperties` alone would not tell the names of what is too much.
        let nothing = json!({ "type": "object", "unevaluatedProperties": false });
        return compile(&nothing, components).map(BodyRules::Nothing);
    }
    match &body["content"]["application/json"]["schema"] {
        Value::Null => Ok(BodyRules::Unchecked),
        schema => compile(schema, components).map(BodyRules::Json),
    }
}

/// `security` lists alternatives; an empty one means that none is needed.
fn read_access(security: &Value) -> Access {
    let alternatives = security.as_array().map(Vec::as_slice).unwrap_or_default();
    let is_none = |alternative: &Value| alternative.as_object().is_none_or(Map::is_empty);
    if alternatives.iter().all(is_none) {
        Access::Public
    } else if alternatives.iter().any(is_none) {
        Access::Optional
    } else {
        Access::SignedIn
    }
}

/// A validator of `schema`, whose references lead into `components`.
fn compile(schema: &Value, components: &Value) -> Result<Validator, RulesError> {
    let components = references::led_to(schema, components);
    let rooted = json!({ "allOf": [schema], "components": components });
    let emails = EmailOptions::default()
        .with_required_tld()
        .without_domain_literal()
        .without_display_text();
    Ok(jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .with_email_options(emails)
        .with_format("uri", is_web_address)
        .build(&rooted)?)
}

/// As strict as the services: what the standard for URIs passes may still name a port that cannot be.
fn is_web_address(text: &str) -> bool {
    let is_usable = |url: Url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some();
    jsonschema::uri::from_str(text).is_ok() && Url::parse(text).is_ok_and(is_usable)
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use serde_json::json;

    use super::{Access, Rules};

    fn rules() -> Rules {
        let document = json!({
            "paths": {
                "/things": {
                    "get": { "security": [{}, { "bearer": [] }] },
                    "post": {
                        "security": [{ "bearer": [] }],
                        "requestBody": { "content": { "application/json": {
                            "schema": { "$ref": "#/components/schemas/Thing" }
                        } } }
                    },
                    "delete": {}
                }
            },
            "components": { "schemas": {
                "Thing": {
                    "type": "object",
                    "required": ["name", "parts"],
                    "additionalProperties": false,
                    "properties": {
                        "name": { "type": "string", "minLength": 1 },
                        "parts": { "type": "array", "items": { "$ref": "#/components/schemas/Part" } }
                    }
                },
                "Part": { "type": "integer", "maximum": 3 }
            } }
        });
        Rules::read(&document).unwrap()
    }

    #[test]
    fn who_may_call_is_read_from_security() {
        let rules = rules();
        let access = |method| rules.of("/things", &method).unwrap().access;
        assert_eq!(access(Method::GET), Access::Optional);
        assert_eq!(access(Method::HEAD), Access::Optional);
        assert_eq!(access(Method::POST), Access::SignedIn);
        assert_eq!(access(Method::DELETE), Access::Public);
        assert!(rules.of("/things", &Method::PUT).is_none());
    }

    #[test]
    fn every_failing_field_of_a_body_is_found() {
        let operation = rules().of("/things", &Method::POST).unwrap();
        let body = json!({ "parts": [1, 9, "x"], "more": 1 });
        let mut found: Vec<_> = operation
            .check_body(&body)
            .unwrap_err()
            .into_iter()
            .map(|failure| (failure.field, failure.code))
            .collect();
        found.sort();
        let expected = [
            ("more", "unknown_field"),
            ("name", "required"),
            ("parts[1]", "too_large"),
            ("parts[2]", "invalid_type"),
        ]
        .map(|(field, code)| (field.to_owned(), code.to_owned()));
        assert_eq!(found, expected);
        assert!(
            operation
                .check_body(&json!({ "name": "a", "parts": [] }))
                .is_ok()
        );
    }

    #[test]
    fn a_body_that_is_not_documented_is_refused() {
        let operation = rules().of("/things", &Method::DELETE).unwrap();
        assert!(!operation.takes_body());
        assert!(operation.check_body(&json!({})).is_ok());
        for body in [json!({ "a": 1 }), json!([]), json!(null)] {
            assert!(operation.check_body(&body).is_err(), "{body}");
        }
    }
}
