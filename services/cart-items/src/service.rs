//! The use cases of a cart.

use bson::oid::ObjectId;
use reen_chassis::Operation;

use crate::clients::Products;
use crate::domain::{BoughtLine, CartItem, MOST_PIECES, Quantity, too_many};
use crate::error::Error;
use crate::store::{Added, Addition, Claim, Store, Takings};

pub(crate) struct CartItems {
    store: Store,
    takings: Takings,
    products: Products,
}

impl CartItems {
    pub(crate) fn new(store: Store, products: Products) -> Self {
        Self {
            takings: Takings::start(store.clone()),
            store,
            products,
        }
    }

    /// Adds pieces to what is in the cart of this product already.
    pub(crate) async fn add(
        &self,
        user_id: ObjectId,
        product_id: ObjectId,
        quantity: Quantity,
        claim: &Claim<CartItem>,
    ) -> Result<CartItem, Error> {
        let in_stock = self.products.in_stock(product_id).await?;
        let addition = Addition {
            user_id,
            product_id,
            quantity,
            most: in_stock.min(MOST_PIECES),
        };
        match self.store.add(&addition, claim).await? {
            Added::Item(item) => Ok(item),
            Added::TooMany if in_stock > MOST_PIECES => Err(too_many().into()),
            Added::TooMany => Err(Error::InsufficientStock { in_stock }),
        }
    }

    pub(crate) async fn list(&self, user_id: ObjectId) -> Result<Vec<CartItem>, Error> {
        self.store.of_user(user_id).await
    }

    pub(crate) async fn get(&self, user_id: ObjectId, id: ObjectId) -> Result<CartItem, Error> {
        self.store.find(user_id, id).await?.ok_or(Error::NotFound)
    }

    pub(crate) async fn change_quantity(
        &self,
        user_id: ObjectId,
        id: ObjectId,
        quantity: Quantity,
        claim: &Claim<CartItem>,
    ) -> Result<CartItem, Error> {
        let item = self.get(user_id, id).await?;
        let in_stock = self.products.in_stock(item.product_id).await?;
        if quantity.pieces() > in_stock {
            return Err(Error::InsufficientStock { in_stock });
        }
        self.store.set_quantity(user_id, id, quantity, claim).await
    }

    pub(crate) async fn remove(&self, user_id: ObjectId, id: ObjectId) -> Result<(), Error> {
        if self.store.remove(user_id, id).await? {
            Ok(())
        } else {
            Err(Error::NotFound)
        }
    }

    pub(crate) async fn clear(&self, user_id: ObjectId) -> Result<u64, Error> {
        self.store.clear(user_id).await
    }

    pub(crate) async fn remove_products(&self, product_ids: &[ObjectId]) -> Result<u64, Error> {
        self.store.remove_products(product_ids).await
    }

    pub(crate) async fn take_out_bought(
        &self,
        operation: Operation,
        user_id: ObjectId,
        lines: Vec<BoughtLine>,
    ) -> Result<(), Error> {
        self.takings.take_out(operation, user_id, lines).await
    }

    pub(crate) async fn put_back(
        &self,
        operation: &Operation,
        take_operation_id: &str,
    ) -> Result<(), Error> {
        self.store.put_back(operation, take_operation_id).await
    }

    pub(crate) async fn empty(
        &self,
        operation: &Operation,
        user_id: ObjectId,
    ) -> Result<(), Error> {
        self.store.empty(operation, user_id).await
    }
}
