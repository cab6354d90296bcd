use reen_error::{Code, Failure};
use reen_proto::auth::v1 as auth;
use reen_proto::time::from_millis;
use tonic::{Request, async_trait};

use super::{Answer, BORN, KEY_ID, answer, not_found};
use crate::support::Mesh;

fn till() -> auth::ApiKey {
    auth::ApiKey {
        id: KEY_ID.to_owned(),
        name: "Till".to_owned(),
        scopes: vec![auth::Scope::OrdersRead.into()],
        prefix: format!("reen_{KEY_ID}"),
        created_at: Some(from_millis(BORN)),
        last_used_at: Some(from_millis(BORN)),
        expires_at: None,
    }
}

#[async_trait]
impl auth::api_keys_server::ApiKeys for Mesh {
    async fn create_api_key(
        &self,
        r: Request<auth::CreateApiKeyRequest>,
    ) -> Answer<auth::CreateApiKeyResponse> {
        self.note("CreateApiKey", &r)?;
        answer(auth::CreateApiKeyResponse {
            api_key: Some(till()),
            key: format!("reen_{KEY_ID}_secret"),
        })
    }

    async fn list_api_keys(
        &self,
        r: Request<auth::ListApiKeysRequest>,
    ) -> Answer<auth::ListApiKeysResponse> {
        self.note("ListApiKeys", &r)?;
        let api_keys = vec![till()];
        answer(auth::ListApiKeysResponse { api_keys })
    }

    async fn revoke_api_key(
        &self,
        r: Request<auth::RevokeApiKeyRequest>,
    ) -> Answer<auth::RevokeApiKeyResponse> {
        self.note("RevokeApiKey", &r)?;
        if r.get_ref().id == KEY_ID {
            return answer(auth::RevokeApiKeyResponse {});
        }
        Err(not_found())
    }

    async fn resolve_api_key(
        &self,
        r: Request<auth::ResolveApiKeyRequest>,
    ) -> Answer<auth::ResolveApiKeyResponse> {
        self.note("ResolveApiKey", &r)?;
        let known = self.with(|state| state.api_keys.get(&r.get_ref().key).cloned());
        answer(known.ok_or_else(|| Failure::new(Code::Unauthenticated, "no key"))?)
    }
}
