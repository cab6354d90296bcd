use bson::oid::ObjectId;
use reen_chassis::client::{self, PeerChannel};
use reen_chassis::identity::Identity;
use reen_error::Failure;
use reen_proto::auth::v1::GetBalanceRequest;
use reen_proto::auth::v1::auth_client::AuthClient;
use url::Url;

use crate::error::Error;

/// The ledger, asked what a buyer can spend.
#[derive(Clone)]
pub(crate) struct Auth {
    client: AuthClient<PeerChannel>,
}

impl Auth {
    pub(crate) fn connect(
        identity: &Identity,
        addresses: &[Url],
    ) -> Result<Self, tonic::transport::Error> {
        let channel = client::connect(identity, "auth", addresses)?;
        Ok(Self {
            client: AuthClient::new(channel),
        })
    }

    /// The user's balance in cents.
    pub(crate) async fn balance(&self, user_id: ObjectId) -> Result<i64, Error> {
        let request = GetBalanceRequest {
            user_id: user_id.to_hex(),
        };
        let answer = self.client.clone().get_balance(request).await;
        let balance = answer.map_err(|status| Error::Peer(Failure::from(status)))?;
        Ok(balance.into_inner().balance_cents)
    }
}
