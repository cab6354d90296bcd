//! API keys, on behalf of the user whose they are, and for the gateway that is shown one.

use std::collections::BTreeSet;

use bson::DateTime;
use bson::oid::ObjectId;
use reen_chassis::Caller;
use reen_error::{Failure, FieldFailure};
use reen_proto::auth::v1 as proto;
use reen_proto::time::{from_millis, to_millis};
use tonic::{Request, Response, Status};

use super::{GATEWAY, answer, signed_in};
use crate::domain::{ApiKey, ApiKeySecret, NewApiKey, Scope, prefix};
use crate::error::Error;
use crate::service::ApiKeys;

pub(crate) struct ApiKeysGrpc {
    api_keys: ApiKeys,
}

impl ApiKeysGrpc {
    pub(crate) fn new(api_keys: ApiKeys) -> Self {
        Self { api_keys }
    }
}

#[tonic::async_trait]
impl proto::api_keys_server::ApiKeys for ApiKeysGrpc {
    async fn create_api_key(
        &self,
        request: Request<proto::CreateApiKeyRequest>,
    ) -> Result<Response<proto::CreateApiKeyResponse>, Status> {
        let user_id = signed_in(&request)?;
        let new = new_key(request.get_ref())?;
        let created = self.api_keys.create(user_id, &new).await;
        answer(created.map(|(key, secret)| proto::CreateApiKeyResponse {
            api_key: Some(view(key)),
            key: secret.expose().to_owned(),
        }))
    }

    async fn list_api_keys(
        &self,
        request: Request<proto::ListApiKeysRequest>,
    ) -> Result<Response<proto::ListApiKeysResponse>, Status> {
        let keys = self.api_keys.list(signed_in(&request)?).await;
        answer(keys.map(|keys| proto::ListApiKeysResponse {
            api_keys: keys.into_iter().map(view).collect(),
        }))
    }

    async fn revoke_api_key(
        &self,
        request: Request<proto::RevokeApiKeyRequest>,
    ) -> Result<Response<proto::RevokeApiKeyResponse>, Status> {
        let user_id = signed_in(&request)?;
        // An id that cannot be one belongs to no key.
        let id = ObjectId::parse_str(&request.get_ref().id)
            .map_err(|_| Failure::from_error(&Error::NotFound))?;
        let revoked = self.api_keys.revoke(user_id, id).await;
        answer(revoked.map(|()| proto::RevokeApiKeyResponse {}))
    }

    async fn resolve_api_key(
        &self,
        request: Request<proto::ResolveApiKeyRequest>,
    ) -> Result<Response<proto::ResolveApiKeyResponse>, Status> {
        Caller::of(&request)?.must_be(GATEWAY)?;
        let presented = ApiKeySecret::presented(request.into_inner().key);
        let resolved = self.api_keys.resolve(presented).await;
        answer(resolved.map(|key| proto::ResolveApiKeyResponse {
            user_id: key.user_id.to_hex(),
            scopes: scope_numbers(&key),
            expires_at: key.expires_at.map(timestamp),
        }))
    }
}

fn new_key(asked: &proto::CreateApiKeyRequest) -> Result<NewApiKey, Failure> {
    let scopes: Result<BTreeSet<Scope>, Failure> = asked.scopes.iter().map(scope).collect();
    let expires_at = asked.expires_at.as_ref();
    let expires_at = expires_at.map(|time| DateTime::from_millis(to_millis(time)));
    NewApiKey::parse(&asked.name, scopes?, expires_at, DateTime::now()).map_err(Failure::invalid)
}

fn scope(number: &i32) -> Result<Scope, Failure> {
    Ok(match proto::Scope::try_from(*number).unwrap_or_default() {
        proto::Scope::ProductsWrite => Scope::ProductsWrite,
        proto::Scope::OrdersRead => Scope::OrdersRead,
        proto::Scope::OrdersWrite => Scope::OrdersWrite,
        proto::Scope::CartRead => Scope::CartRead,
        proto::Scope::CartWrite => Scope::CartWrite,
        proto::Scope::CheckoutWrite => Scope::CheckoutWrite,
        proto::Scope::AccountRead => Scope::AccountRead,
        proto::Scope::Unspecified => {
            let message = "must name scopes that there are";
            return Err(Failure::invalid(vec![FieldFailure::new(
                "scopes",
                "not_in_list",
                message,
            )]));
        }
    })
}

fn view(key: ApiKey) -> proto::ApiKey {
    proto::ApiKey {
        id: key.id.to_hex(),
        scopes: scope_numbers(&key),
        name: key.name,
        prefix: prefix(key.id),
        created_at: Some(timestamp(key.created_at)),
        last_used_at: key.last_used_at.map(timestamp),
        expires_at: key.expires_at.map(timestamp),
    }
}

fn scope_numbers(key: &ApiKey) -> Vec<i32> {
    let number = |scope: &Scope| match scope {
        Scope::ProductsWrite => proto::Scope::ProductsWrite.into(),
        Scope::OrdersRead => proto::Scope::OrdersRead.into(),
        Scope::OrdersWrite => proto::Scope::OrdersWrite.into(),
        Scope::CartRead => proto::Scope::CartRead.into(),
        Scope::CartWrite => proto::Scope::CartWrite.into(),
        Scope::CheckoutWrite => proto::Scope::CheckoutWrite.into(),
        Scope::AccountRead => proto::Scope::AccountRead.into(),
    };
    key.scopes.iter().map(number).collect()
}

fn timestamp(time: DateTime) -> prost_types::Timestamp {
    from_millis(time.timestamp_millis())
}
