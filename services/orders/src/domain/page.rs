use reen_error::FieldFailure;

const MOST_ON_A_PAGE: i32 = 1_000;

/// How many orders, after how many newer ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) limit: i64,
    pub(crate) skip: u64,
}

impl Page {
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
            (Ok(limit), Ok(skip)) => Ok(Self { limit, skip }),
            (limit, skip) => Err([limit.err(), skip.err()].into_iter().flatten().collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_ON_A_PAGE, Page};

    #[test]
    fn a_page_has_a_size_and_a_place() {
        let largest = Page::parse(MOST_ON_A_PAGE, i64::MAX).unwrap();
        assert_eq!(largest.limit, 1_000);
        assert_eq!(largest.skip, 9_223_372_036_854_775_807);
        let smallest = Page { limit: 1, skip: 0 };
        assert_eq!(Page::parse(1, 0), Ok(smallest));
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
