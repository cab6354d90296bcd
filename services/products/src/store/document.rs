use bson::DateTime;
use bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

use crate::domain::{Fee, HeldLine, Hold, HoldId, HoldState, Product, Reservation, fold};

/// Of any document, where no more is asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct IdDocument<Id> {
    #[serde(rename = "_id")]
    pub(crate) id: Id,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProductDocument {
    #[serde(rename = "_id")]
    pub(crate) id: ObjectId,
    pub(crate) name: String,
    /// The name as it is searched and sorted.
    pub(crate) name_folded: String,
    pub(crate) description: String,
    pub(crate) price_cents: i64,
    /// Available.
    pub(crate) quantity: i64,
    pub(crate) held: i64,
    pub(crate) sold: i64,
    /// The sum of the three.
    pub(crate) stocked: i64,
    pub(crate) image_urls: Vec<String>,
    pub(crate) seller_id: ObjectId,
    pub(crate) listed: bool,
    pub(crate) version: i64,
    /// Only while it is hidden but still in carts or its seller's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) removing_since: Option<DateTime>,
    pub(crate) created_at: DateTime,
    pub(crate) updated_at: DateTime,
}

impl ProductDocument {
    /// A product of which nothing was held or sold yet.
    pub(crate) fn fresh(product: &Product) -> Self {
        Self {
            id: product.id,
            name: product.name.clone(),
            name_folded: fold(&product.name),
            description: product.description.clone(),
            price_cents: product.price_cents,
            quantity: product.quantity,
            held: 0,
            sold: 0,
            stocked: product.quantity,
            image_urls: product.image_urls.clone(),
            seller_id: product.seller_id,
            listed: product.listed,
            version: product.version,
            removing_since: None,
            created_at: product.created_at,
            updated_at: product.updated_at,
        }
    }
}

impl From<ProductDocument> for Product {
    fn from(product: ProductDocument) -> Self {
        Self {
            id: product.id,
            name: product.name,
            description: product.description,
            price_cents: product.price_cents,
            quantity: product.quantity,
            image_urls: product.image_urls,
            seller_id: product.seller_id,
            listed: product.listed,
            version: product.version,
            created_at: product.created_at,
            updated_at: product.updated_at,
        }
    }
}

/// A fee from before it is charged until the listing is there or the fee is given back.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FeeDocument {
    /// The operation's id.
    #[serde(rename = "_id")]
    pub(crate) id: String,
    pub(crate) user_id: ObjectId,
    pub(crate) product_id: ObjectId,
    pub(crate) amount_cents: i64,
    pub(crate) state: FeeState,
    pub(crate) created_at: DateTime,
}

impl FeeDocument {
    pub(crate) fn owed(fee: &Fee) -> Self {
        Self {
            id: fee.id.clone(),
            user_id: fee.user_id,
            product_id: fee.product_id,
            amount_cents: fee.amount_cents,
            state: FeeState::Owed,
            created_at: fee.created_at,
        }
    }
}

/// How far a fee is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FeeState {
    /// It may have been charged; what it is for is not there yet.
    Owed,
    /// What it is for is there.
    Settled,
    /// What it is for will never be there, so it is to be given back.
    Reversing,
    /// It was given back.
    Undone,
}

impl FeeState {
    /// As it is stored.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Owed => "owed",
            Self::Settled => "settled",
            Self::Reversing => "reversing",
            Self::Undone => "undone",
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HoldDocument {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) operation_id: Option<String>,
    pub(crate) state: HoldState,
    pub(crate) lines: Vec<HeldLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<DateTime>,
    pub(crate) created_at: DateTime,
    pub(crate) updated_at: DateTime,
}

impl HoldDocument {
    pub(crate) fn held(reservation: &Reservation, operation_id: &str, lines: &[HeldLine]) -> Self {
        let now = DateTime::now();
        Self {
            id: reservation.hold_id.text().to_owned(),
            operation_id: Some(operation_id.to_owned()),
            state: HoldState::Held,
            lines: lines.to_vec(),
            expires_at: Some(reservation.expires_at),
            created_at: now,
            updated_at: now,
        }
    }

    /// The record that nothing must be held under an id any more.
    pub(crate) fn never(hold_id: &HoldId) -> Self {
        let now = DateTime::now();
        Self {
            id: hold_id.text().to_owned(),
            operation_id: None,
            state: HoldState::Released,
            lines: Vec::new(),
            expires_at: None,
            created_at: now,
            updated_at: now,
        }
    }
}

impl From<HoldDocument> for Hold {
    fn from(hold: HoldDocument) -> Self {
        Self {
            operation_id: hold.operation_id,
            state: hold.state,
            lines: hold.lines,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FeeState;

    #[test]
    fn a_state_is_stored_under_its_word() {
        for state in [
            FeeState::Owed,
            FeeState::Settled,
            FeeState::Reversing,
            FeeState::Undone,
        ] {
            let stored = bson::serialize_to_bson(&state).unwrap();
            assert_eq!(stored.as_str(), Some(state.word()));
        }
    }
}
