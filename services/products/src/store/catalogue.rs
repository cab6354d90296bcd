use bson::oid::ObjectId;
use bson::{Bson, Document, doc};
use futures::TryStreamExt as _;

use super::Store;
use crate::domain::{
    Criteria, Listed, Place, PlaceKey, Product, Range, Search, Sort, SortField, Start,
};
use crate::error::Error;

impl Store {
    /// A product that is in the catalogue.
    pub(crate) async fn listed(&self, id: ObjectId) -> Result<Option<Product>, Error> {
        let listed = doc! {"_id": id, "listed": true};
        Ok(self.products.find_one(listed).await?.map(Product::from))
    }

    /// A product of this seller that is in the catalogue.
    pub(crate) async fn own(
        &self,
        seller_id: ObjectId,
        id: ObjectId,
    ) -> Result<Option<Product>, Error> {
        let own = doc! {"_id": id, "sellerId": seller_id, "listed": true};
        Ok(self.products.find_one(own).await?.map(Product::from))
    }

    /// Products by id, hidden ones too, in no particular order.
    pub(crate) async fn find(&self, ids: &[ObjectId]) -> Result<Vec<Product>, Error> {
        let by_ids = doc! {"_id": {"$in": ids.to_vec()}};
        let found = self.products.find(by_ids).await?;
        Ok(found.map_ok(Product::from).try_collect().await?)
    }

    /// One page of what is searched for.
    pub(crate) async fn search(&self, search: &Search) -> Result<Listed, Error> {
        let limit = search.page.limit();
        match search.page.start() {
            Start::Skip(skip) => {
                let reading = self.read(search, matching(&search.criteria), *skip, limit);
                let (products, total) = tokio::try_join!(reading, self.total(&search.criteria))?;
                Ok(Listed {
                    products,
                    total,
                    next: None,
                })
            }
            Start::Behind(place) => {
                let filter = match place {
                    Some(place) => behind(search, place),
                    None => matching(&search.criteria),
                };
                // One more tells whether there is another page.
                let found = self.read(search, filter, 0, limit + 1).await?;
                Ok(cut(found, search))
            }
        }
    }

    async fn read(
        &self,
        search: &Search,
        filter: Document,
        skip: u64,
        limit: i64,
    ) -> Result<Vec<Product>, Error> {
        let page = self
            .products
            .find(filter)
            .sort(in_order(search.sort))
            .skip(skip)
            .limit(limit)
            .await?;
        Ok(page.map_ok(Product::from).try_collect().await?)
    }

    /// How many there are on all pages, as it was a second ago at most.
    async fn total(&self, criteria: &Criteria) -> Result<u64, Error> {
        let count = || async { Ok(self.products.count(matching(criteria)).await?) };
        self.totals.of(criteria, count).await
    }
}

fn cut(mut products: Vec<Product>, search: &Search) -> Listed {
    let limit = usize::try_from(search.page.limit()).unwrap_or(usize::MAX);
    let goes_on = products.len() > limit;
    products.truncate(limit);
    let last = products.last().filter(|_| goes_on);
    Listed {
        next: last.map(|last| Place::of(last, search.sort.by)),
        products,
        total: 0,
    }
}

/// What matches and comes behind `place`. Each alternative is bound by the index of the order and comes
/// in that order, so that they are merged and nothing is passed over or sorted.
pub(super) fn behind(search: &Search, place: &Place) -> Document {
    let field = field(search.sort.by);
    let further = if search.sort.ascending { "$gt" } else { "$lt" };
    let key = match &place.key {
        PlaceKey::Text(text) => Bson::from(text),
        PlaceKey::Number(number) => Bson::from(*number),
        PlaceKey::Time(time) => Bson::from(*time),
    };
    let beyond = doc! {field: {further: &key}};
    let beside = doc! {field: key, "_id": {further: place.id}};
    let all = |place| doc! {"$and": [matching(&search.criteria), place]};
    doc! {"$or": [all(beyond), all(beside)]}
}

/// A part of a name cannot bound an index, but `listed` can: the part is then looked for in the keys.
pub(super) fn matching(criteria: &Criteria) -> Document {
    let mut filter = doc! {"listed": true};
    if let Some(name) = &criteria.name {
        filter.insert("nameFolded", doc! {"$regex": literally(name)});
    }
    let ranges = [
        ("priceCents", criteria.price_cents),
        ("quantity", criteria.quantity),
    ];
    for (field, range) in ranges {
        let bounds = bounds(range);
        if !bounds.is_empty() {
            filter.insert(field, bounds);
        }
    }
    filter
}

fn bounds(range: Range) -> Document {
    let mut bounds = Document::new();
    if let Some(least) = range.least {
        bounds.insert("$gte", least);
    }
    if let Some(most) = range.most {
        bounds.insert("$lte", most);
    }
    bounds
}

pub(super) fn in_order(sort: Sort) -> Document {
    let field = field(sort.by);
    let direction = if sort.ascending { 1 } else { -1 };
    // One index serves both directions, because the id turns with the field.
    doc! {field: direction, "_id": direction}
}

fn field(sorted_by: SortField) -> &'static str {
    match sorted_by {
        SortField::Name => "nameFolded",
        SortField::Price => "priceCents",
        SortField::Quantity => "quantity",
        SortField::CreatedAt => "createdAt",
        SortField::UpdatedAt => "updatedAt",
    }
}

/// A pattern that matches exactly this text. PCRE takes a backslash before anything that is not a
/// letter or digit of ASCII literally, and BSON takes no zero byte in a pattern.
fn literally(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter == '\0' {
            pattern.push_str("\\x00");
            continue;
        }
        if letter.is_ascii() && !letter.is_ascii_alphanumeric() {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::literally;

    #[test]
    fn nothing_in_a_pattern_has_a_meaning() {
        assert_eq!(literally("3.5\" (a|b)*"), r#"3\.5\"\ \(a\|b\)\*"#);
        assert_eq!(literally("größe ñ"), "größe\\ ñ");
        assert_eq!(literally("a\0b"), "a\\x00b");
    }
}
