//! Pieces that come into a cart.

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use mongodb::ClientSession;
use mongodb::options::ReturnDocument;
use reen_mongo::Claim;

use super::Store;
use super::document::ItemDocument;
use crate::domain::{CartItem, MOST_LINES, Quantity};
use crate::error::Error;

/// Two first pieces of one product at the same moment collide once; more often is not a race.
const ATTEMPTS: usize = 3;

/// What became of pieces that were to be added.
pub(crate) enum Added {
    Item(CartItem),
    /// With what is in the cart already they would be more than allowed.
    TooMany,
}

/// Pieces that are to be added.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addition {
    pub(crate) user_id: ObjectId,
    pub(crate) product_id: ObjectId,
    pub(crate) quantity: Quantity,
    /// How many pieces the item may have then.
    pub(crate) most: i64,
}

impl Store {
    /// Adds pieces unless the item would then have too many.
    pub(crate) async fn add(
        &self,
        addition: &Addition,
        claim: &Claim<CartItem>,
    ) -> Result<Added, Error> {
        let Addition { quantity, most, .. } = *addition;
        if quantity.pieces() > most {
            return Ok(Added::TooMany);
        }
        for _attempt in 0..ATTEMPTS {
            match self.try_to_add(addition, claim).await {
                Err(Error::Store(error)) if error.is_duplicate_key() => {}
                settled => return settled.map(Added::Item),
            }
            // The item is there: with too many pieces already, or made a moment ago by a sibling call.
            let key = doc! {"userId": addition.user_id, "productId": addition.product_id};
            if let Some(item) = self.items.find_one(key).await?
                && item.quantity.saturating_add(quantity.pieces()) > most
            {
                return Ok(Added::TooMany);
            }
        }
        Ok(Added::TooMany)
    }

    async fn try_to_add(
        &self,
        addition: &Addition,
        claim: &Claim<CartItem>,
    ) -> Result<CartItem, Error> {
        let mut write = claim.begin(&self.database).await?;
        loop {
            let attempt = self.add_once(write.session(), addition).await;
            if let Some(item) = write.settle(attempt).await? {
                return Ok(item);
            }
        }
    }

    async fn add_once(
        &self,
        mut session: Option<&mut ClientSession>,
        addition: &Addition,
    ) -> Result<CartItem, Error> {
        let item = self.upsert(session.as_deref_mut(), addition).await?;
        let is_new = item.created_at == item.updated_at;
        if is_new {
            self.refuse_if_full(session, &item).await?;
        }
        Ok(item.into())
    }

    async fn upsert(
        &self,
        session: Option<&mut ClientSession>,
        addition: &Addition,
    ) -> Result<ItemDocument, Error> {
        let now = DateTime::now();
        let pieces = addition.quantity.pieces();
        let with_room = doc! {
            "userId": addition.user_id,
            "productId": addition.product_id,
            "quantity": {"$lte": addition.most - pieces},
        };
        let added = doc! {
            "$inc": {"quantity": pieces},
            "$set": {"updatedAt": now},
            "$setOnInsert": {"_id": ObjectId::new(), "createdAt": now},
        };
        let mut adding = self
            .items
            .find_one_and_update(with_room, added)
            .upsert(true)
            .return_document(ReturnDocument::After);
        if let Some(session) = session {
            adding = adding.session(session);
        }
        adding.await?.ok_or(Error::NotFound)
    }

    /// Takes a new line out again when it is one too many. Counting afterwards, unlike before, holds
    /// against concurrent additions; but not within transactions, which do not see each other: of two
    /// named requests at the same moment both may get the last place.
    async fn refuse_if_full(
        &self,
        session: Option<&mut ClientSession>,
        item: &ItemDocument,
    ) -> Result<(), Error> {
        let of_user = doc! {"userId": item.user_id};
        let (lines, is_undone_by_abort) = match session {
            Some(session) => {
                let counting = self.items.count_documents(of_user);
                (counting.session(session).await?, true)
            }
            None => (self.items.count(of_user).await?, false),
        };
        if i64::try_from(lines).unwrap_or(i64::MAX) <= MOST_LINES {
            return Ok(());
        }
        if !is_undone_by_abort {
            self.items.delete_one(doc! {"_id": item.id}).await?;
        }
        Err(Error::CartFull)
    }
}
