//! From what the rules know to messages.

use bson::oid::ObjectId;
use reen_proto::orders::v1 as proto;
use reen_proto::paging::v1::Position;
use reen_proto::time::from_millis;

use crate::domain::{Listed, Order, OrderLine, Refund, RefundStatus, Sale, Share, Status};
use crate::store::ProductCount;

pub(super) fn order(order: Order) -> proto::Order {
    let refunds = order.refunds.into_iter();
    proto::Order {
        id: order.id.to_hex(),
        checkout_id: order.checkout_id,
        user_id: order.user_id.to_hex(),
        total_cents: order.total_cents,
        status: status(order.status).into(),
        lines: order.lines.into_iter().map(line).collect(),
        created_at: Some(from_millis(order.created_at.timestamp_millis())),
        updated_at: Some(from_millis(order.updated_at.timestamp_millis())),
        refunds: refunds.map(|each| refund(order.id, each)).collect(),
        refunded_cents: order.refunded_cents,
    }
}

pub(super) fn refund(order_id: ObjectId, refund: Refund) -> proto::Refund {
    proto::Refund {
        id: refund.id,
        order_id: order_id.to_hex(),
        amount_cents: refund.amount_cents,
        status: refund_status(refund.status).into(),
        shares: refund.shares.iter().map(share).collect(),
        restock: refund.restock,
        reason: refund.reason,
        created_at: Some(from_millis(refund.at.timestamp_millis())),
    }
}

pub(super) fn outside_refund(
    (recorded, made): (Order, Refund),
) -> proto::RecordOutsideRefundResponse {
    proto::RecordOutsideRefundResponse {
        refund: Some(refund(recorded.id, made)),
        order: Some(order(recorded)),
    }
}

pub(super) fn orders(listed: Listed<Order>) -> proto::ListOrdersResponse {
    proto::ListOrdersResponse {
        orders: listed.items.into_iter().map(order).collect(),
        total: count(listed.total),
        next: listed.next.map(position),
    }
}

/// Orders are sorted by their ids alone.
fn position(last: ObjectId) -> Position {
    Position {
        id: last.to_hex(),
        key: None,
    }
}

pub(super) fn sales(listed: Listed<Sale>) -> proto::ListSalesResponse {
    proto::ListSalesResponse {
        sales: listed.items.into_iter().map(sale).collect(),
        total_orders: count(listed.total),
        next: listed.next.map(position),
    }
}

pub(super) fn counts(counts: Vec<ProductCount>) -> proto::CountOrdersResponse {
    let counts = counts.into_iter().map(|count| proto::ProductOrderCount {
        product_id: count.product_id.to_hex(),
        orders: count.orders,
    });
    proto::CountOrdersResponse {
        counts: counts.collect(),
    }
}

fn sale(sale: Sale) -> proto::Sale {
    proto::Sale {
        order_id: sale.order_id.to_hex(),
        buyer_id: sale.buyer_id.to_hex(),
        status: status(sale.status).into(),
        line: Some(line(sale.line)),
        created_at: Some(from_millis(sale.created_at.timestamp_millis())),
    }
}

fn line(line: OrderLine) -> proto::OrderLine {
    proto::OrderLine {
        id: line.id.to_hex(),
        product_id: line.product_id.to_hex(),
        quantity: line.quantity,
        price_cents: line.price_cents,
        name: line.name,
        seller_id: line.seller_id.to_hex(),
        image_url: line.image_url,
    }
}

fn status(status: Status) -> proto::Status {
    match status {
        Status::Paid => proto::Status::Paid,
        Status::Processing => proto::Status::Processing,
        Status::Shipped => proto::Status::Shipped,
        Status::Delivered => proto::Status::Delivered,
        Status::Refunded => proto::Status::Refunded,
    }
}

fn share(share: &Share) -> proto::RefundShare {
    proto::RefundShare {
        seller_id: share.seller_id.to_hex(),
        amount_cents: share.amount_cents,
    }
}

fn refund_status(status: RefundStatus) -> proto::RefundStatus {
    match status {
        RefundStatus::Pending => proto::RefundStatus::Pending,
        RefundStatus::Done => proto::RefundStatus::Done,
        RefundStatus::Rejected => proto::RefundStatus::Rejected,
    }
}

fn count(documents: u64) -> i64 {
    i64::try_from(documents).unwrap_or(i64::MAX)
}
