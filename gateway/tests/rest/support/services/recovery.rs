use reen_error::{Code, Failure};
use reen_proto::auth::v1 as auth;
use tonic::{Request, async_trait};

use super::auth::session;
use super::{Answer, DEVICE, answer};
use crate::support::Mesh;

#[async_trait]
impl auth::recovery_server::Recovery for Mesh {
    async fn request_password_reset(
        &self,
        r: Request<auth::RequestPasswordResetRequest>,
    ) -> Answer<auth::RequestPasswordResetResponse> {
        self.note("RequestPasswordReset", &r)?;
        answer(auth::RequestPasswordResetResponse {})
    }

    async fn reset_password(
        &self,
        r: Request<auth::ResetPasswordRequest>,
    ) -> Answer<auth::ResetPasswordResponse> {
        self.note("ResetPassword", &r)?;
        let session = match r.get_ref().token.as_str() {
            "first" => Some(auth::Session {
                device_token: DEVICE.to_owned(),
                ..session("fresh")
            }),
            "second-factor" => None,
            _ => return Err(Failure::new(Code::InvalidToken, "was used").into()),
        };
        answer(auth::ResetPasswordResponse { session })
    }

    async fn request_email_verification(
        &self,
        r: Request<auth::RequestEmailVerificationRequest>,
    ) -> Answer<auth::RequestEmailVerificationResponse> {
        self.note("RequestEmailVerification", &r)?;
        answer(auth::RequestEmailVerificationResponse {})
    }

    async fn verify_email(
        &self,
        r: Request<auth::VerifyEmailRequest>,
    ) -> Answer<auth::VerifyEmailResponse> {
        self.note("VerifyEmail", &r)?;
        if r.get_ref().token != "first" {
            return Err(Failure::new(Code::InvalidToken, "was used").into());
        }
        answer(auth::VerifyEmailResponse {})
    }
}
