use bson::oid::ObjectId;
use reen_chassis::admin::Peer;
use reen_chassis::client::{self, AddressError, PeerChannel};
use reen_chassis::identity::Identity;
use reen_error::{Code, Failure};
use reen_proto::operation::v1::Operation;
use reen_proto::products::v1::products_client::ProductsClient;
use reen_proto::products::v1::{
    ListStaleHoldsRequest, ReleaseHoldRequest, ReserveStockRequest, ReservedLine, StockLine,
};
use reen_proto::time::from_millis;
use url::Url;

use super::answered_id;
use crate::domain::{CartLine, Line};
use crate::error::Error;

/// Of the saga that opens a checkout: first the stock is reserved.
const RESERVING: i64 = 1;
/// Later it is given back; from then on a reservation that is still on its way is refused.
const RELEASING: i64 = 2;
const MOST_STALE_HOLDS: i32 = 1_000;

/// The catalogue, which holds the stock.
#[derive(Clone)]
pub(crate) struct Products {
    client: ProductsClient<PeerChannel>,
    peer: Peer,
}

/// Stock that is held for a checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    /// As the catalogue knows it.
    pub(crate) id: String,
    pub(crate) checkout_id: ObjectId,
}

impl Hold {
    /// What is held from the opening of a checkout on.
    pub(crate) fn of(checkout_id: ObjectId) -> Self {
        Self {
            id: checkout_id.to_hex(),
            checkout_id,
        }
    }

    /// Reads an id: the checkout's, or one that is derived from it (`<checkout>/<why>`) for stock that
    /// was reserved anew.
    fn parse(id: String) -> Option<Self> {
        let checkout = id.split('/').next()?;
        let checkout_id = ObjectId::parse_str(checkout).ok()?;
        Some(Self { id, checkout_id })
    }
}

impl Products {
    pub(crate) fn connect(identity: &Identity, addresses: &[Url]) -> Result<Self, AddressError> {
        let channel = client::connect(identity, "products", addresses)?;
        Ok(Self {
            peer: Peer::new("products", channel.clone()),
            client: ProductsClient::new(channel),
        })
    }

    /// Who answers, as this process depends on it.
    pub(crate) fn peer(&self) -> Peer {
        self.peer.clone()
    }

    /// Sets stock aside until `expires_at`, all lines or none, and answers them at today's prices.
    pub(crate) async fn reserve(
        &self,
        hold: &Hold,
        cart: &[CartLine],
        expires_at: bson::DateTime,
    ) -> Result<Vec<Line>, Error> {
        let request = ReserveStockRequest {
            operation: Some(operation("reserve", hold, RESERVING)),
            hold_id: hold.id.clone(),
            lines: cart.iter().map(stock_line).collect(),
            expires_at: Some(from_millis(expires_at.timestamp_millis())),
        };
        let answer = self.client.clone().reserve_stock(request).await;
        let reserved = answer.map_err(|status| Error::Peer(Failure::from(status)))?;
        reserved.into_inner().lines.into_iter().map(line).collect()
    }

    /// Gives the stock back; what was sold meanwhile stays sold.
    pub(crate) async fn release(&self, hold: &Hold) -> Result<(), Error> {
        let request = ReleaseHoldRequest {
            operation: Some(operation("release", hold, RELEASING)),
            hold_id: hold.id.clone(),
        };
        let answer = self.client.clone().release_hold(request).await;
        match answer.map_err(Failure::from) {
            Ok(_) => Ok(()),
            Err(failure) if failure.code == Code::HoldCommitted => Ok(()),
            Err(failure) => Err(Error::Peer(failure)),
        }
    }

    /// Stock that is held longer than it was meant to, oldest first.
    pub(crate) async fn stale_holds(&self) -> Result<Vec<Hold>, Error> {
        let request = ListStaleHoldsRequest {
            limit: MOST_STALE_HOLDS,
        };
        let answer = self.client.clone().list_stale_holds(request).await;
        let stale = answer.map_err(|status| Error::Peer(Failure::from(status)))?;
        let ids = stale.into_inner().hold_ids.into_iter();
        Ok(ids.filter_map(Hold::parse).collect())
    }
}

fn operation(verb: &str, hold: &Hold, epoch: i64) -> Operation {
    Operation {
        id: format!("{verb}:{}", hold.id),
        saga: format!("open:{}", hold.checkout_id),
        epoch,
    }
}

fn stock_line(line: &CartLine) -> StockLine {
    StockLine {
        product_id: line.product_id.to_hex(),
        quantity: line.quantity,
    }
}

fn line(reserved: ReservedLine) -> Result<Line, Error> {
    Ok(Line {
        product_id: answered_id(&reserved.product_id)?,
        name: reserved.name,
        seller_id: answered_id(&reserved.seller_id)?,
        unit_price_cents: reserved.unit_price_cents,
        quantity: reserved.quantity,
        image_url: reserved.image_url,
    })
}

#[cfg(test)]
mod tests {
    use bson::oid::ObjectId;

    use super::Hold;

    #[test]
    fn a_hold_leads_to_its_checkout() {
        let checkout_id = ObjectId::new();
        for id in [checkout_id.to_hex(), format!("{checkout_id}/late")] {
            let hold = Hold::parse(id.clone()).unwrap();
            assert_eq!(hold, Hold { id, checkout_id });
        }
        assert_eq!(Hold::parse("of somebody else".to_owned()), None);
    }
}
