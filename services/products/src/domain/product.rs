use bson::DateTime;
use bson::oid::ObjectId;

use super::Change;

/// A product as everybody sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Product {
    pub(crate) id: ObjectId,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) price_cents: i64,
    /// What can be bought now: neither held nor sold.
    pub(crate) quantity: i64,
    pub(crate) image_urls: Vec<String>,
    pub(crate) seller_id: ObjectId,
    pub(crate) listed: bool,
    pub(crate) version: i64,
    pub(crate) created_at: DateTime,
    pub(crate) updated_at: DateTime,
}

impl Product {
    /// What the available pieces are worth together, in cents.
    pub(crate) fn value_cents(&self) -> i128 {
        i128::from(self.price_cents) * i128::from(self.quantity)
    }

    /// This product with `change` in it; times and version are the store's.
    pub(crate) fn changed(&self, change: Change) -> Self {
        let mut changed = self.clone();
        if let Some(name) = change.name {
            changed.name = name.into_text();
        }
        if let Some(description) = change.description {
            changed.description = description.into_text();
        }
        if let Some(price) = change.price {
            changed.price_cents = price.cents();
        }
        if let Some(quantity) = change.quantity {
            changed.quantity = quantity.count();
        }
        if let Some(image_urls) = change.image_urls {
            changed.image_urls = image_urls.into_urls();
        }
        changed
    }
}

/// A text as it is searched. Letter by letter, because lower-casing a whole word looks at a letter's
/// place in it (the Greek sigma), and then a part of a name would not be found in the name.
pub(crate) fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn a_part_of_a_name_folds_like_the_name() {
        assert_eq!(fold("ÄRMEL Hemd"), "ärmel hemd");
        assert!(fold("ΟΔΟΣΑ").contains(&fold("ΟΔΟΣ")));
    }
}
