use bson::DateTime;
use bson::oid::ObjectId;
use reen_error::FieldFailure;

use super::product::{Product, fold};

const LONGEST_NAME: usize = 100;
const MOST_ON_A_PAGE: i32 = 1_000;
const FARTHEST_SKIP: u64 = 10_000_000;

/// What of the catalogue is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Search {
    pub(crate) criteria: Criteria,
    pub(crate) sort: Sort,
    pub(crate) page: Page,
}

/// What a product must be like to be found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Criteria {
    /// Folded; anywhere in the folded name.
    pub(crate) name: Option<String>,
    pub(crate) price_cents: Range,
    pub(crate) quantity: Range,
}

impl Criteria {
    /// Asks for a part of the name; an empty one is in every name.
    pub(crate) fn named(mut self, name: Option<&str>) -> Result<Self, FieldFailure> {
        let name = name.unwrap_or_default();
        if name.chars().count() > LONGEST_NAME {
            let most = format!("must have at most {LONGEST_NAME} characters");
            return Err(FieldFailure::new("name", "too_long", most));
        }
        self.name = (!name.is_empty()).then(|| fold(name));
        Ok(self)
    }
}

/// From the least to the most, both included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Range {
    pub(crate) least: Option<i64>,
    pub(crate) most: Option<i64>,
}

/// By what and in which direction; products that are alike in it are told apart by id.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sort {
    pub(crate) by: SortField,
    pub(crate) ascending: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SortField {
    Name,
    Price,
    Quantity,
    #[default]
    CreatedAt,
    UpdatedAt,
}

/// How many products, and from where on.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    limit: i64,
    start: Start,
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// After so many others; all are counted.
    Skip(u64),
    /// Behind this place, or at the beginning; none are counted.
    Behind(Option<Place>),
}

/// Where a product is in a sorted list: what it is sorted by, and the id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) key: PlaceKey,
    pub(crate) id: ObjectId,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PlaceKey {
    /// A folded name.
    Text(String),
    /// Cents or pieces.
    Number(i64),
    Time(DateTime),
}

impl Place {
    /// That of `product` in a list sorted by `field`.
    pub(crate) fn of(product: &Product, field: SortField) -> Self {
        let key = match field {
            SortField::Name => PlaceKey::Text(fold(&product.name)),
            SortField::Price => PlaceKey::Number(product.price_cents),
            SortField::Quantity => PlaceKey::Number(product.quantity),
            SortField::CreatedAt => PlaceKey::Time(product.created_at),
            SortField::UpdatedAt => PlaceKey::Time(product.updated_at),
        };
        Self {
            key,
            id: product.id,
        }
    }
}

/// What is on a page.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) products: Vec<Product>,
    /// How many there are on all pages, where they were counted.
    pub(crate) total: u64,
    /// Behind which the next page begins, where there is one and nothing was counted.
    pub(crate) next: Option<Place>,
}

impl Default for Page {
    fn default() -> Self {
        Self {
            limit: MOST_ON_A_PAGE.into(),
            start: Start::Skip(0),
        }
    }
}

impl Page {
    pub(crate) fn parse(limit: i32, skip: i64) -> Result<Self, Vec<FieldFailure>> {
        let skip = u64::try_from(skip)
            .ok()
            .filter(|skip| *skip <= FARTHEST_SKIP)
            .ok_or_else(|| {
                let sentence = format!("must be from 0 to {FARTHEST_SKIP}");
                FieldFailure::new("skip", "out_of_range", sentence)
            });
        match (page_size(limit), skip) {
            (Ok(limit), Ok(skip)) => Ok(Self {
                limit,
                start: Start::Skip(skip),
            }),
            (limit, skip) => Err([limit.err(), skip.err()].into_iter().flatten().collect()),
        }
    }

    /// Behind which place, instead of how many come before.
    pub(crate) fn behind(self, place: Option<Place>) -> Self {
        Self {
            start: Start::Behind(place),
            ..self
        }
    }

    pub(crate) fn limit(&self) -> i64 {
        self.limit
    }

    pub(crate) fn start(&self) -> &Start {
        &self.start
    }
}

/// How many entries one answer may have.
pub(crate) fn page_size(limit: i32) -> Result<i64, FieldFailure> {
    if (1..=MOST_ON_A_PAGE).contains(&limit) {
        return Ok(limit.into());
    }
    let sentence = format!("must be from 1 to {MOST_ON_A_PAGE}");
    Err(FieldFailure::new("limit", "out_of_range", sentence))
}

#[cfg(test)]
mod tests {
    use super::{Criteria, Page, Start};

    #[test]
    fn a_page_is_neither_empty_nor_endless() {
        let page = Page::parse(1_000, 10_000_000).unwrap();
        assert_eq!(page.limit(), 1_000);
        assert_eq!(*page.start(), Start::Skip(10_000_000));
        for (limit, skip) in [(0, 0), (1_001, 0), (-1, 0), (1, -1), (1, 10_000_001)] {
            assert_eq!(Page::parse(limit, skip).unwrap_err().len(), 1);
        }
        assert_eq!(Page::parse(0, i64::MIN).unwrap_err().len(), 2);
    }

    #[test]
    fn a_part_of_a_name_is_folded_and_short() {
        let named = |name| Criteria::default().named(Some(name));
        assert_eq!(named("Hemd").unwrap().name.as_deref(), Some("hemd"));
        assert!(named("").unwrap().name.is_none());
        assert!(named(&"a".repeat(101)).is_err());
    }
}
