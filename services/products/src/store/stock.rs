//! Pieces that move from one pile of a product to another.

use std::collections::HashMap;

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use futures::TryStreamExt as _;
use mongodb::ClientSession;

use super::Store;
use super::document::ProductDocument;
use crate::domain::{HeldLine, Movement, Pile, ShortLine, StockLine};
use crate::error::Error;

impl Store {
    /// What the lines are now, in their order; refused when any is short, naming every one that is.
    ///
    /// What was read here and is changed later in the same transaction was not changed in between:
    /// then the transaction conflicts and is tried again.
    pub(super) async fn reservable(
        &self,
        session: &mut ClientSession,
        lines: &[StockLine],
    ) -> Result<Vec<HeldLine>, Error> {
        let ids: Vec<ObjectId> = lines.iter().map(|line| line.product_id).collect();
        let listed = doc! {"_id": {"$in": ids}, "listed": true};
        let mut cursor = self.products.find(listed).session(&mut *session).await?;
        let products: HashMap<ObjectId, ProductDocument> = cursor
            .stream(session)
            .map_ok(|product| (product.id, product))
            .try_collect()
            .await?;
        let mut held = Vec::with_capacity(lines.len());
        let mut short = Vec::new();
        for line in lines {
            match products.get(&line.product_id) {
                Some(product) if product.quantity >= line.quantity => {
                    held.push(held_line(product, line.quantity));
                }
                product => short.push(ShortLine {
                    product_id: line.product_id,
                    left: product.map(|product| product.quantity),
                }),
            }
        }
        if short.is_empty() {
            Ok(held)
        } else {
            Err(Error::Short(short))
        }
    }

    /// Moves the pieces of every line, in the order of the products' ids: two holds that share
    /// products then meet at the first of them.
    pub(super) async fn move_pieces(
        &self,
        session: &mut ClientSession,
        movement: Movement,
        lines: &[HeldLine],
    ) -> Result<(), Error> {
        let mut lines: Vec<&HeldLine> = lines.iter().collect();
        lines.sort_by_key(|line| line.product_id);
        for line in lines {
            let moved = self
                .products
                .update_one(
                    enough(movement, line),
                    from_pile_to_pile(movement, line.quantity),
                )
                .session(&mut *session)
                .await?;
            if moved.matched_count == 0 {
                return Err(Error::StockContradicted);
            }
        }
        Ok(())
    }
}

fn enough(movement: Movement, line: &HeldLine) -> Document {
    let from = field(movement.from());
    let mut enough = doc! {"_id": line.product_id, from: {"$gte": line.quantity}};
    if movement == Movement::Reserve {
        enough.insert("listed", true);
    }
    enough
}

fn from_pile_to_pile(movement: Movement, pieces: i64) -> Document {
    let mut moved = doc! {field(movement.from()): -pieces, field(movement.to()): pieces};
    if !movement.is_seen() {
        return doc! {"$inc": moved};
    }
    moved.insert("version", 1_i64);
    doc! {"$inc": moved, "$set": {"updatedAt": DateTime::now()}}
}

fn field(pile: Pile) -> &'static str {
    match pile {
        Pile::Available => "quantity",
        Pile::Held => "held",
        Pile::Sold => "sold",
    }
}

fn held_line(product: &ProductDocument, quantity: i64) -> HeldLine {
    HeldLine {
        product_id: product.id,
        quantity,
        unit_price_cents: product.price_cents,
        name: product.name.clone(),
        seller_id: product.seller_id,
        image_url: product.image_urls.first().cloned().unwrap_or_default(),
    }
}
