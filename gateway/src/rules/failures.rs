//! What a JSON Schema validator found, in the words of the contract.
//!
//! Nothing that was sent is sent back but names of fields, and those cut short.

use std::collections::HashMap;

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::paths::{Location, LocationSegment};
use jsonschema::{ValidationError, Validator};
use reen_error::FieldFailure;
use serde_json::Value;

/// Enough for a hundred items of ten fields each.
const MOST_FAILURES: usize = 1_000;
const LONGEST_NAME: usize = 64;
/// Stands for the whole body where a failure is not about one field of it.
const WHOLE: &str = "body";

/// Every field of `instance` that is not valid, each once.
pub(super) fn check(validator: &Validator, instance: &Value) -> Result<(), Vec<FieldFailure>> {
    let mut found = Found::default();
    for error in validator.iter_errors(instance) {
        if found.failures.len() >= MOST_FAILURES {
            break;
        }
        for (failure, rank) in translate(&error) {
            found.add(failure, rank);
        }
    }
    if found.failures.is_empty() {
        Ok(())
    } else {
        Err(found.failures)
    }
}

/// How telling a failure is: of several for one field, the most telling is shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Shape,
    Size,
    Content,
}

#[derive(Default)]
struct Found {
    failures: Vec<FieldFailure>,
    by_field: HashMap<String, (usize, Rank)>,
}

impl Found {
    fn add(&mut self, failure: FieldFailure, rank: Rank) {
        match self.by_field.get_mut(&failure.field) {
            Some((index, known)) if rank < *known => {
                *known = rank;
                self.failures[*index] = failure;
            }
            Some(_) => {}
            None => {
                let entry = (self.failures.len(), rank);
                self.by_field.insert(failure.field.clone(), entry);
                self.failures.push(failure);
            }
        }
    }
}

fn translate(error: &ValidationError<'_>) -> Vec<(FieldFailure, Rank)> {
    let at = error.instance_path();
    match error.kind() {
        Kind::Required { property } => {
            let field = below(at, property.as_str().unwrap_or_default());
            vec![(
                FieldFailure::new(field, "required", "must be given"),
                Rank::Shape,
            )]
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            unexpected
                .iter()
                .take(MOST_FAILURES)
                .map(|name| {
                    let unknown = ("unknown_field", "is not a field that is known here");
                    let failure = FieldFailure::new(below(at, name), unknown.0, unknown.1);
                    (failure, Rank::Shape)
                })
                .collect()
        }
        kind => {
            let (rank, code, message) = describe(kind, error.instance().as_ref());
            vec![(FieldFailure::new(field(at), code, message), rank)]
        }
    }
}

fn describe(kind: &Kind, instance: &Value) -> (Rank, &'static str, String) {
    match kind {
        Kind::Type { kind } => (Rank::Shape, "invalid_type", must_be(kind)),
        Kind::MinLength { limit: 1 } => (Rank::Size, "too_short", "must not be empty".to_owned()),
        Kind::MinLength { limit } => size("too_short", "have at least", limit, "characters"),
        Kind::MaxLength { limit } => size("too_long", "have at most", limit, "characters"),
        Kind::MinItems { limit: 1 } => (Rank::Size, "too_few", "must not be empty".to_owned()),
        Kind::MinItems { limit } => size("too_few", "have at least", limit, "items"),
        Kind::MaxItems { limit } => size("too_many", "have at most", limit, "items"),
        Kind::MinProperties { limit } => size("too_few", "have at least", limit, "fields"),
        Kind::Minimum { limit } => size("too_small", "be at least", limit, ""),
        Kind::Maximum { limit } => size("too_large", "be at most", limit, ""),
        Kind::MultipleOf { .. } => {
            let message = "must have at most two decimals".to_owned();
            (Rank::Content, "too_many_decimals", message)
        }
        Kind::Enum { options } => {
            let message = format!("must be one of: {}", list(options));
            (Rank::Content, "not_in_list", message)
        }
        Kind::UniqueItems => {
            let message = "must not hold anything twice".to_owned();
            (Rank::Content, "duplicate", message)
        }
        Kind::Format { format } => of_format(format),
        Kind::Pattern { pattern } => of_pattern(pattern, instance.as_str().unwrap_or_default()),
        _ => (
            Rank::Content,
            "not_valid",
            "is not what the documentation asks for".to_owned(),
        ),
    }
}

fn size(
    code: &'static str,
    verb: &str,
    limit: impl std::fmt::Display,
    unit: &str,
) -> (Rank, &'static str, String) {
    let message = format!("must {verb} {limit} {unit}");
    (Rank::Size, code, message.trim_end().to_owned())
}

fn of_format(format: &str) -> (Rank, &'static str, String) {
    let (code, what) = match format {
        "email" => ("not_an_email", "an e-mail address"),
        "uri" => ("not_a_url", "an http or https URL"),
        "date-time" => ("not_a_time", "a time like 2026-11-21T08:00:00.000Z"),
        other => ("not_valid", other),
    };
    (Rank::Content, code, format!("must be {what}"))
}

/// A pattern says that something is wrong, the value what.
fn of_pattern(pattern: &str, value: &str) -> (Rank, &'static str, String) {
    let (code, message) = if value.contains('\0') {
        (
            "forbidden_character",
            "must not hold the character U+0000".to_owned(),
        )
    } else if pattern.contains("\\u001f") && value.contains(char::is_control) {
        (
            "forbidden_character",
            "must not hold control characters".to_owned(),
        )
    } else if value.trim().is_empty() {
        ("blank", "must hold more than white space".to_owned())
    } else if pattern.starts_with("^https?:") {
        ("not_a_url", "must be an http or https URL".to_owned())
    } else if pattern.contains("{24}") {
        ("not_an_id", "must be 24 hexadecimal digits".to_owned())
    } else {
        ("not_valid", format!("must match {pattern}"))
    };
    (Rank::Content, code, message)
}

fn must_be(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(only) => {
            let name = only.as_str();
            let article = if name.starts_with(['a', 'i', 'o']) {
                "an"
            } else {
                "a"
            };
            format!("must be {article} {name}")
        }
        TypeKind::Multiple(_) => "must be of another type".to_owned(),
    }
}

fn list(options: &Value) -> String {
    let words = options.as_array().map(Vec::as_slice).unwrap_or_default();
    let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
    words.join(", ")
}

/// A location as the client writes it: `imageUrls[2]`.
fn field(at: &Location) -> String {
    let mut path = String::new();
    for segment in at {
        match segment {
            LocationSegment::Property(name) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&short(&name));
            }
            LocationSegment::Index(index) => path.push_str(&format!("[{index}]")),
        }
    }
    if path.is_empty() {
        WHOLE.to_owned()
    } else {
        path
    }
}

fn below(at: &Location, name: &str) -> String {
    if at.is_empty() {
        short(name)
    } else {
        format!("{}.{}", field(at), short(name))
    }
}

fn short(name: &str) -> String {
    let mut cut: String = name.chars().take(LONGEST_NAME).collect();
    if cut.len() < name.len() {
        cut.push('…');
    }
    cut
}
