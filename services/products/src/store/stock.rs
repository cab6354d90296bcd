//! Pieces that move from one pile of a product to another.

use std::collections::{BTreeMap, HashMap};

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use futures::TryStreamExt as _;
use mongodb::ClientSession;
use reen_mongo::update_each;

use super::Store;
use super::document::ProductDocument;
use crate::domain::{HeldLine, Movement, Pile, ShortLine, StockLine};
use crate::error::Error;

/// Products as a transaction found them, less what was taken since.
///
/// What was read here and is changed later in the same transaction was not changed in between: then
/// the transaction conflicts and is tried again.
pub(super) struct Shelf(HashMap<ObjectId, ProductDocument>);

/// Pieces that move, summed up for each product.
#[derive(Default)]
pub(super) struct Pieces(BTreeMap<(ObjectId, Movement), i64>);

impl Shelf {
    /// What the lines are now, in their order; refused when any is short, naming every one that is.
    pub(super) fn take(&mut self, lines: &[StockLine]) -> Result<Vec<HeldLine>, Error> {
        let mut held = Vec::with_capacity(lines.len());
        let mut short = Vec::new();
        for line in lines {
            match self.0.get_mut(&line.product_id) {
                Some(product) if product.quantity >= line.quantity => {
                    product.quantity -= line.quantity;
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
}

impl Pieces {
    pub(super) fn of(movement: Movement, lines: &[HeldLine]) -> Self {
        let mut pieces = Self::default();
        pieces.add(movement, lines);
        pieces
    }

    pub(super) fn add(&mut self, movement: Movement, lines: &[HeldLine]) {
        for line in lines {
            *self.0.entry((line.product_id, movement)).or_default() += line.quantity;
        }
    }
}

impl Store {
    /// Those of these products that are listed.
    pub(super) async fn shelf(
        &self,
        session: &mut ClientSession,
        product_ids: Vec<ObjectId>,
    ) -> Result<Shelf, Error> {
        if product_ids.is_empty() {
            return Ok(Shelf(HashMap::new()));
        }
        let listed = doc! {"_id": {"$in": product_ids}, "listed": true};
        let mut cursor = self.products.find(listed).session(&mut *session).await?;
        let products = cursor
            .stream(session)
            .map_ok(|product| (product.id, product));
        Ok(Shelf(products.try_collect().await?))
    }

    /// Moves pieces, in the order of the products' ids: two transactions that share products then
    /// meet at the first of them.
    pub(super) async fn move_pieces(
        &self,
        session: &mut ClientSession,
        pieces: Pieces,
    ) -> Result<(), Error> {
        let moves = pieces
            .0
            .into_iter()
            .map(|((product_id, movement), pieces)| {
                doc! {
                    "q": enough(movement, product_id, pieces),
                    "u": from_pile_to_pile(movement, pieces),
                }
            });
        let moves: Vec<Document> = moves.collect();
        let wanted = u64::try_from(moves.len()).unwrap_or(u64::MAX);
        if update_each(session, &self.products, moves).await? != wanted {
            return Err(Error::StockContradicted);
        }
        Ok(())
    }
}

fn enough(movement: Movement, product_id: ObjectId, pieces: i64) -> Document {
    let from = field(movement.from());
    let mut enough = doc! {"_id": product_id, from: {"$gte": pieces}};
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
