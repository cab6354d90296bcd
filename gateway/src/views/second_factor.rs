use reen_proto::auth::v1 as proto;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::SessionView;
use super::fields;

/// Who wants a second factor.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct BeginSecondFactor {
    #[schema(schema_with = fields::claimed_password)]
    pub(crate) current_password: String,
}

/// A code of the second factor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProveSecondFactor {
    #[schema(schema_with = fields::second_factor_code)]
    pub(crate) code: String,
}

/// Who wants a second factor no longer.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct EndSecondFactor {
    #[schema(schema_with = fields::claimed_password)]
    pub(crate) current_password: String,
    #[schema(schema_with = fields::second_factor_code)]
    pub(crate) code: String,
}

/// What an authenticator app is told, once.
#[derive(Serialize, ToSchema)]
pub(crate) struct SecondFactorSecret {
    /// In base32, for who types it.
    #[schema(example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    secret: String,
    /// To be shown as a QR code: SHA-1, 6 digits, 30 seconds.
    #[schema(
        example = "otpauth://totp/REEN:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=REEN"
    )]
    uri: String,
}

impl From<proto::BeginSecondFactorResponse> for SecondFactorSecret {
    fn from(begun: proto::BeginSecondFactorResponse) -> Self {
        Self {
            secret: begun.secret,
            uri: begun.uri,
        }
    }
}

/// Codes for the day on which the app is gone, each good for once. They are shown this once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RecoveryCodes {
    #[schema(schema_with = fields::recovery_codes)]
    pub(crate) recovery_codes: Vec<String>,
}

/// The second factor is on, and this client is signed in anew.
#[derive(Serialize, ToSchema)]
pub(crate) struct SecondFactorConfirmed {
    #[serde(flatten)]
    pub(crate) codes: RecoveryCodes,
    #[serde(flatten)]
    pub(crate) session: SessionView,
}
