//! What it publishes.

use reen_messaging::{Message, Queue};
use reen_proto::events::QUEUE;
use reen_proto::events::v1::{RefundRequested, SellerPart};
use reen_proto::time::from_millis;

use crate::domain::{Order, Refund, Share};

/// Where refunds are seen to.
pub(crate) const EVENTS: Queue = Queue { name: QUEUE };

/// Somebody asked for a refund, and it is noted at its order.
pub(crate) fn refund_requested(order: &Order, refund: &Refund) -> Message {
    Message::new(&RefundRequested {
        refund_id: refund.id.clone(),
        order_id: order.id.to_hex(),
        checkout_id: order.checkout_id.clone(),
        buyer_id: order.user_id.to_hex(),
        amount_cents: refund.amount_cents,
        parts: refund.shares.iter().map(part).collect(),
        restock: refund.restock,
        requested_at: Some(from_millis(refund.at.timestamp_millis())),
    })
}

fn part(share: &Share) -> SellerPart {
    SellerPart {
        seller_id: share.seller_id.to_hex(),
        amount_cents: share.amount_cents,
    }
}
