use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::fields;
use super::users::UserView;

/// A new account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignUp {
    #[schema(schema_with = fields::user_name)]
    pub(crate) name: String,
    #[schema(schema_with = fields::email)]
    pub(crate) email: String,
    #[schema(schema_with = fields::new_password)]
    pub(crate) password: String,
}

/// Credentials.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    #[schema(schema_with = fields::email)]
    pub(crate) email: String,
    #[schema(schema_with = fields::claimed_password)]
    pub(crate) password: String,
    /// Of the second factor, for who has one: six digits of the app, or a recovery code.
    #[schema(schema_with = fields::second_factor_code)]
    pub(crate) code: Option<String>,
}

/// Another password.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ChangePassword {
    #[schema(schema_with = fields::claimed_password)]
    pub(crate) current_password: String,
    #[schema(schema_with = fields::new_password)]
    pub(crate) new_password: String,
}

/// Who is signed in now; the refresh token is in a cookie.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionView {
    pub(crate) access_token: String,
    pub(crate) user: UserView,
}

/// A fresh access token.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccessTokenView {
    pub(crate) access_token: String,
}
