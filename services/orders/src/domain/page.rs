use bson::oid::ObjectId;
use reen_error::FieldFailure;

const MOST_ON_A_PAGE: i32 = 1_000;

/// How many orders, and from where on; the newest come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) limit: i64,
    pub(crate) start: Start,
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// After so many newer ones; all are counted.
    Skip(u64),
    /// Behind this one, or with the newest; none are counted.
    Behind(Option<ObjectId>),
}

/// What is on a page.
#[derive(Debug)]
pub(crate) struct Listed<T> {
    pub(crate) items: Vec<T>,
    /// How many there are on all pages, where they were counted.
    pub(crate) total: u64,
    /// Behind which the next page begins, where there is one and nothing was counted.
    pub(crate) next: Option<ObjectId>,
}

impl<T> Listed<T> {
    /// A page out of what was found, which is one more than asked for when there is a next page.
    pub(crate) fn cut(mut found: Vec<T>, limit: i64, id: impl Fn(&T) -> ObjectId) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let goes_on = found.len() > limit;
        found.truncate(limit);
        Self {
            next: found.last().filter(|_| goes_on).map(id),
            items: found,
            total: 0,
        }
    }
}

impl Page {
    /// Behind which order, instead of how many come before.
    pub(crate) fn behind(self, after: Option<ObjectId>) -> Self {
        Self {
            start: Start::Behind(after),
            ..self
        }
    }

    /// Checks both and names all that fails.
    pub(crate) fn parse(limit: i32, skip: i64) -> Result<Self, Vec<FieldFailure>> {
        let limit = if (1..=MOST_ON_A_PAGE).contains(&limit) {
            Ok(i64::from(limit))
        } else {
            let sentence = format!("must be from 1 to {MOST_ON_A_PAGE}");
            Err(FieldFailure::new("limit", "out_of_range", sentence))
        };
        let skip = u64::try_from(skip)
            .map_err(|_| FieldFailure::new("skip", "out_of_range", "must not be negative"));
        match (limit, skip) {
            (Ok(limit), Ok(skip)) => Ok(Self {
                limit,
                start: Start::Skip(skip),
            }),
            (limit, skip) => Err([limit.err(), skip.err()].into_iter().flatten().collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use bson::oid::ObjectId;

    use super::{Listed, MOST_ON_A_PAGE, Page, Start};

    #[test]
    fn a_page_has_a_size_and_a_place() {
        let largest = Page::parse(MOST_ON_A_PAGE, i64::MAX).unwrap();
        assert_eq!(largest.limit, 1_000);
        assert_eq!(largest.start, Start::Skip(9_223_372_036_854_775_807));
        let smallest = Page {
            limit: 1,
            start: Start::Skip(0),
        };
        assert_eq!(Page::parse(1, 0), Ok(smallest));
    }

    #[test]
    fn one_more_than_a_page_means_another_page() {
        let ids: Vec<_> = (0..3).map(|_| ObjectId::new()).collect();
        let cut = |limit| Listed::cut(ids.clone(), limit, |id| *id);
        assert_eq!((cut(2).items.len(), cut(2).next), (2, Some(ids[1])));
        assert_eq!((cut(3).items.len(), cut(3).next), (3, None));
    }

    #[test]
    fn every_wrong_number_is_named() {
        for (limit, skip, expected) in [
            (0, 0, vec!["limit"]),
            (MOST_ON_A_PAGE + 1, 0, vec!["limit"]),
            (1, -1, vec!["skip"]),
            (-1, -1, vec!["limit", "skip"]),
        ] {
            let failures = Page::parse(limit, skip).unwrap_err();
            let fields: Vec<_> = failures.iter().map(|each| each.field.as_str()).collect();
            assert_eq!(fields, expected);
        }
    }
}
