use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::AnyOfBuilder;
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::auth::SessionView;
use super::{Done, fields};

/// Who wants a new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestPasswordReset {
    #[schema(schema_with = fields::email)]
    pub(crate) email: String,
}

/// A new password, and what the letter held.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ResetPassword {
    #[schema(schema_with = fields::letter_token)]
    pub(crate) token: String,
    #[schema(schema_with = fields::new_password)]
    pub(crate) new_password: String,
}

/// What the letter held.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyEmail {
    #[schema(schema_with = fields::letter_token)]
    pub(crate) token: String,
}

/// Who is signed in now, or only that it is done, where the password alone does not sign in.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum PasswordResetView {
    SignedIn(Box<SessionView>),
    Done(Done),
}

impl PartialSchema for PasswordResetView {
    fn schema() -> RefOr<Schema> {
        AnyOfBuilder::new()
            .item(Ref::from_schema_name(SessionView::name()))
            .item(Ref::from_schema_name(Done::name()))
            .into()
    }
}

impl ToSchema for PasswordResetView {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((SessionView::name().into_owned(), SessionView::schema()));
        SessionView::schemas(schemas);
        schemas.push((Done::name().into_owned(), Done::schema()));
    }
}

/// The keys that verify access tokens (RFC 7517).
#[derive(Serialize, ToSchema)]
pub(crate) struct KeySet {
    #[schema(value_type = Vec<Object>)]
    keys: Vec<serde_json::Value>,
}
