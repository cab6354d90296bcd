//! Who bears how much of a refund, between the services.

use reen_proto::auth::v1::SellerShare;
use reen_proto::events::v1::SellerPart;
use reen_proto::orders::v1::RefundShare;
use serde::{Deserialize, Serialize};

/// What one seller bears, as a saga keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Share {
    seller_id: String,
    amount_cents: i64,
}

impl From<SellerPart> for Share {
    fn from(part: SellerPart) -> Self {
        Self {
            seller_id: part.seller_id,
            amount_cents: part.amount_cents,
        }
    }
}

impl From<RefundShare> for Share {
    fn from(share: RefundShare) -> Self {
        Self {
            seller_id: share.seller_id,
            amount_cents: share.amount_cents,
        }
    }
}

/// As the ledger takes them.
pub(super) fn to_auth(shares: &[Share]) -> Vec<SellerShare> {
    let share = |share: &Share| SellerShare {
        seller_id: share.seller_id.clone(),
        amount_cents: share.amount_cents,
    };
    shares.iter().map(share).collect()
}
