use bson::oid::ObjectId;
use reen_chassis::admin::Peer;
use reen_chassis::client::{self, AddressError, PeerChannel};
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
    peer: Peer,
}

impl Auth {
    pub(crate) fn connect(identity: &Identity, addresses: &[Url]) -> Result<Self, AddressError> {
        let channel = client::connect(identity, "auth", addresses)?;
        Ok(Self {
            peer: Peer::new("auth", channel.clone()),
            client: AuthClient::new(channel),
        })
    }

    /// Who answers, as this process depends on it.
    pub(crate) fn peer(&self) -> Peer {
        self.peer.clone()
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
