//! The second factor, on behalf of the user who is signed in.

use std::sync::Arc;

use reen_proto::auth::v1 as proto;
use secrecy::SecretString;
use tonic::{Request, Response, Status};

use super::{answer, signed_in, view};
use crate::domain::{PresentedCode, RecoveryCode};
use crate::service::{SecondFactors, Sessions};

pub(crate) struct SecondFactorsGrpc {
    second_factors: Arc<SecondFactors>,
    sessions: Arc<Sessions>,
}

impl SecondFactorsGrpc {
    pub(crate) fn new(second_factors: Arc<SecondFactors>, sessions: Arc<Sessions>) -> Self {
        Self {
            second_factors,
            sessions,
        }
    }
}

#[tonic::async_trait]
impl proto::second_factors_server::SecondFactors for SecondFactorsGrpc {
    async fn begin_second_factor(
        &self,
        request: Request<proto::BeginSecondFactorRequest>,
    ) -> Result<Response<proto::BeginSecondFactorResponse>, Status> {
        let user_id = signed_in(&request)?;
        let password = SecretString::from(request.into_inner().current_password);
        let begun = self.second_factors.begin(user_id, password).await;
        answer(begun.map(|enrolment| proto::BeginSecondFactorResponse {
            secret: enrolment.secret,
            uri: enrolment.uri,
        }))
    }

    async fn confirm_second_factor(
        &self,
        request: Request<proto::ConfirmSecondFactorRequest>,
    ) -> Result<Response<proto::ConfirmSecondFactorResponse>, Status> {
        let user_id = signed_in(&request)?;
        let code = PresentedCode::parse(&request.get_ref().code);
        let confirmed = async {
            let codes = self.second_factors.confirm(user_id, code.as_ref()).await?;
            Ok((codes, self.sessions.begin_anew(user_id).await?))
        };
        answer(
            confirmed
                .await
                .map(|(codes, session)| proto::ConfirmSecondFactorResponse {
                    recovery_codes: shown(&codes),
                    session: Some(view::session(session)),
                }),
        )
    }

    async fn end_second_factor(
        &self,
        request: Request<proto::EndSecondFactorRequest>,
    ) -> Result<Response<proto::EndSecondFactorResponse>, Status> {
        let user_id = signed_in(&request)?;
        let asked = request.into_inner();
        let password = SecretString::from(asked.current_password);
        let code = PresentedCode::parse(&asked.code);
        let ended = self.second_factors.end(user_id, password, code.as_ref());
        answer(ended.await.map(|()| proto::EndSecondFactorResponse {}))
    }

    async fn renew_recovery_codes(
        &self,
        request: Request<proto::RenewRecoveryCodesRequest>,
    ) -> Result<Response<proto::RenewRecoveryCodesResponse>, Status> {
        let user_id = signed_in(&request)?;
        let code = PresentedCode::parse(&request.get_ref().code);
        let renewed = self
            .second_factors
            .renew_recovery_codes(user_id, code.as_ref());
        answer(
            renewed
                .await
                .map(|codes| proto::RenewRecoveryCodesResponse {
                    recovery_codes: shown(&codes),
                }),
        )
    }
}

fn shown(codes: &[RecoveryCode]) -> Vec<String> {
    codes.iter().map(RecoveryCode::expose).collect()
}
