use reen_chassis::Operation;
use reen_chassis::admin::Peer;
use reen_chassis::client::{self, AddressError, PeerChannel};
use reen_chassis::identity::Identity;
use reen_error::Failure;
use reen_proto::auth::v1::auth_client::AuthClient;
use reen_proto::auth::v1::{ChargeFeeRequest, FeeKind, ReverseFeeRequest, Role};
use url::Url;

use crate::domain::{Fee, Payer};
use crate::error::Error;

/// A reversal is of a later epoch than its charge, so that a charge that comes late is refused.
const CHARGE: i64 = 1;
const REVERSAL: i64 = 2;

/// The ledger, which takes fees and gives them back.
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

    /// Takes the fee from the payer's balance; refused when they may not pay it or cannot.
    pub(crate) async fn charge(&self, fee: &Fee) -> Result<(), Error> {
        let operation = Operation {
            id: fee.id.clone(),
            saga: fee.id.clone(),
            epoch: CHARGE,
        };
        let required_role = match fee.payer {
            Payer::Seller => Role::Seller,
            Payer::Owner => Role::Unspecified,
        };
        let request = ChargeFeeRequest {
            operation: Some(operation.to_proto()),
            user_id: fee.user_id.to_hex(),
            kind: FeeKind::Listing.into(),
            amount_cents: fee.amount_cents,
            required_role: required_role.into(),
        };
        let answer = self.client.clone().charge_fee(request).await;
        answer.map_err(|status| Error::Peer(Failure::from(status)))?;
        Ok(())
    }

    /// Gives the fee back; when it was never taken it never will be.
    pub(crate) async fn reverse(&self, fee_id: &str) -> Result<(), Error> {
        let operation = Operation {
            id: format!("{fee_id}-reversal"),
            saga: fee_id.to_owned(),
            epoch: REVERSAL,
        };
        let request = ReverseFeeRequest {
            operation: Some(operation.to_proto()),
            fee_operation_id: fee_id.to_owned(),
        };
        let answer = self.client.clone().reverse_fee(request).await;
        answer.map_err(|status| Error::Peer(Failure::from(status)))?;
        Ok(())
    }
}
