use std::collections::BTreeSet;

use bson::DateTime;
use bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

use super::{Refund, Status};

/// What one buyer bought at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) id: ObjectId,
    pub(crate) checkout_id: String,
    pub(crate) user_id: ObjectId,
    pub(crate) total_cents: i64,
    pub(crate) status: Status,
    pub(crate) lines: Vec<OrderLine>,
    /// Oldest first.
    pub(crate) refunds: Vec<Refund>,
    /// What went back, all refunds together.
    pub(crate) refunded_cents: i64,
    pub(crate) created_at: DateTime,
    pub(crate) updated_at: DateTime,
}

/// One product of an order, as it was when it was bought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrderLine {
    pub(crate) id: ObjectId,
    pub(crate) product_id: ObjectId,
    pub(crate) name: String,
    pub(crate) seller_id: ObjectId,
    pub(crate) quantity: i64,
    pub(crate) unit_price_cents: i64,
    /// Of all pieces together.
    pub(crate) price_cents: i64,
    pub(crate) image_url: String,
}

/// One line of somebody's order, as its seller sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sale {
    pub(crate) order_id: ObjectId,
    pub(crate) buyer_id: ObjectId,
    pub(crate) status: Status,
    pub(crate) line: OrderLine,
    pub(crate) created_at: DateTime,
}

impl Order {
    /// The lines that this seller sold; those of other sellers are not his to see.
    pub(crate) fn sales_of(self, seller_id: ObjectId) -> impl Iterator<Item = Sale> {
        let own = self
            .lines
            .into_iter()
            .filter(move |line| line.seller_id == seller_id);
        own.map(move |line| Sale {
            order_id: self.id,
            buyer_id: self.user_id,
            status: self.status,
            line,
            created_at: self.created_at,
        })
    }
}

/// The products of these lines, each once, in the order of their ids.
pub(crate) fn products(lines: &[OrderLine]) -> Vec<ObjectId> {
    let products: BTreeSet<_> = lines.iter().map(|line| line.product_id).collect();
    products.into_iter().collect()
}

/// The sellers of these lines, each once.
pub(crate) fn sellers(lines: &[OrderLine]) -> Vec<ObjectId> {
    let sellers: BTreeSet<_> = lines.iter().map(|line| line.seller_id).collect();
    sellers.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use bson::DateTime;
    use bson::oid::ObjectId;

    use super::{Order, OrderLine, products, sellers};
    use crate::domain::Status;

    fn line(product_id: ObjectId, seller_id: ObjectId) -> OrderLine {
        OrderLine {
            id: ObjectId::new(),
            product_id,
            name: "Lamp".to_owned(),
            seller_id,
            quantity: 1,
            unit_price_cents: 500,
            price_cents: 500,
            image_url: String::new(),
        }
    }

    #[test]
    fn a_seller_sees_his_own_lines_only() {
        let (his, another) = (ObjectId::new(), ObjectId::new());
        let order = Order {
            id: ObjectId::new(),
            checkout_id: "checkout".to_owned(),
            user_id: ObjectId::new(),
            total_cents: 1_500,
            status: Status::Paid,
            lines: [his, another, his]
                .map(|seller| line(ObjectId::new(), seller))
                .into(),
            refunds: Vec::new(),
            refunded_cents: 0,
            created_at: DateTime::now(),
            updated_at: DateTime::now(),
        };
        let lines = order.lines.clone();
        let sales: Vec<_> = order.sales_of(his).map(|sale| sale.line).collect();
        assert_eq!(sales, [lines[0].clone(), lines[2].clone()]);
    }

    #[test]
    fn products_and_sellers_come_once_and_sorted() {
        let mut ids = [ObjectId::new(), ObjectId::new()];
        ids.sort_unstable();
        let [first, second] = ids;
        let lines = [line(second, first), line(first, first), line(second, first)];
        assert_eq!(products(&lines), [first, second]);
        assert_eq!(sellers(&lines), [first]);
    }
}
