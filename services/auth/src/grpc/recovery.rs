use reen_chassis::{Caller, Operation};
use reen_error::Failure;
use reen_proto::auth::v1 as proto;
use tonic::{Request, Response, Status};

use super::{GATEWAY, SAGAS, answer, parse, signed_in, view};
use crate::domain::{Email, LetterKind, OpaqueToken};
use crate::service::{IssuedLetter, Recovery};

pub(crate) struct RecoveryGrpc {
    recovery: Recovery,
}

impl RecoveryGrpc {
    pub(crate) fn new(recovery: Recovery) -> Self {
        Self { recovery }
    }
}

#[tonic::async_trait]
impl proto::recovery_server::Recovery for RecoveryGrpc {
    async fn request_password_reset(
        &self,
        request: Request<proto::RequestPasswordResetRequest>,
    ) -> Result<Response<proto::RequestPasswordResetResponse>, Status> {
        Caller::of(&request)?.must_be(GATEWAY)?;
        let email = Email::parse(&request.get_ref().email);
        let email = email.map_err(|field| Failure::invalid(vec![field]))?;
        let requested = self.recovery.request_password_reset(&email).await;
        answer(requested.map(|()| proto::RequestPasswordResetResponse {}))
    }

    async fn reset_password(
        &self,
        request: Request<proto::ResetPasswordRequest>,
    ) -> Result<Response<proto::ResetPasswordResponse>, Status> {
        Caller::of(&request)?.must_be(GATEWAY)?;
        let asked = request.into_inner();
        let token = OpaqueToken::presented(asked.token);
        let password = parse::new_password(asked.new_password)?;
        let client = parse::client(asked.client);
        let reset = self
            .recovery
            .reset_password(&token, password, &client)
            .await;
        answer(reset.map(|session| proto::ResetPasswordResponse {
            session: session.map(view::session),
        }))
    }

    async fn request_email_verification(
        &self,
        request: Request<proto::RequestEmailVerificationRequest>,
    ) -> Result<Response<proto::RequestEmailVerificationResponse>, Status> {
        let user_id = signed_in(&request)?;
        let requested = self.recovery.request_email_verification(user_id).await;
        answer(requested.map(|()| proto::RequestEmailVerificationResponse {}))
    }

    async fn verify_email(
        &self,
        request: Request<proto::VerifyEmailRequest>,
    ) -> Result<Response<proto::VerifyEmailResponse>, Status> {
        Caller::of(&request)?.must_be(GATEWAY)?;
        let token = OpaqueToken::presented(request.into_inner().token);
        let verified = self.recovery.verify_email(&token).await;
        answer(verified.map(|()| proto::VerifyEmailResponse {}))
    }

    async fn issue_token(
        &self,
        request: Request<proto::IssueTokenRequest>,
    ) -> Result<Response<proto::IssueTokenResponse>, Status> {
        Caller::of(&request)?.must_be(SAGAS)?;
        let asked = request.into_inner();
        let operation = Operation::required(asked.operation)?;
        let letter_id = parse::object_id("letterId", &asked.letter_id)?;
        let issued = self.recovery.issue_token(&operation, letter_id).await;
        answer(issued.map(|issued| proto::IssueTokenResponse {
            letter: issued.map(letter),
        }))
    }
}

fn letter(issued: IssuedLetter) -> proto::IssuedLetter {
    let IssuedLetter { addressee, token } = issued;
    let kind = match addressee.kind {
        LetterKind::PasswordReset => proto::LetterKind::PasswordReset,
        LetterKind::EmailVerification => proto::LetterKind::EmailVerification,
    };
    proto::IssuedLetter {
        kind: kind.into(),
        name: addressee.name,
        email: addressee.email,
        token: token.expose().to_owned(),
    }
}
