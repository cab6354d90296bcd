use reen_proto::auth::v1 as auth;
use tonic::{Request, async_trait};

use super::auth::session;
use super::{Answer, answer};
use crate::support::Mesh;

fn recovery_codes() -> Vec<String> {
    vec!["k3m9-7qwz-0x5t-h2ab".to_owned()]
}

#[async_trait]
impl auth::second_factors_server::SecondFactors for Mesh {
    async fn begin_second_factor(
        &self,
        r: Request<auth::BeginSecondFactorRequest>,
    ) -> Answer<auth::BeginSecondFactorResponse> {
        self.note("BeginSecondFactor", &r)?;
        answer(auth::BeginSecondFactorResponse {
            secret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".to_owned(),
            uri: "otpauth://totp/REEN:ada".to_owned(),
        })
    }

    async fn confirm_second_factor(
        &self,
        r: Request<auth::ConfirmSecondFactorRequest>,
    ) -> Answer<auth::ConfirmSecondFactorResponse> {
        self.note("ConfirmSecondFactor", &r)?;
        answer(auth::ConfirmSecondFactorResponse {
            recovery_codes: recovery_codes(),
            session: Some(session("second")),
        })
    }

    async fn end_second_factor(
        &self,
        r: Request<auth::EndSecondFactorRequest>,
    ) -> Answer<auth::EndSecondFactorResponse> {
        self.note("EndSecondFactor", &r)?;
        answer(auth::EndSecondFactorResponse {})
    }

    async fn renew_recovery_codes(
        &self,
        r: Request<auth::RenewRecoveryCodesRequest>,
    ) -> Answer<auth::RenewRecoveryCodesResponse> {
        self.note("RenewRecoveryCodes", &r)?;
        answer(auth::RenewRecoveryCodesResponse {
            recovery_codes: recovery_codes(),
        })
    }
}
