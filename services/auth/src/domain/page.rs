use reen_error::FieldFailure;

/// How many users are asked for or listed at once.
const MOST_AT_ONCE: i64 = 1_000;

/// Which of the newest users are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) limit: i64,
    pub(crate) skip: u64,
}

impl Page {
    /// A page of 1 to 1,000 users, or every field that is wrong.
    pub(crate) fn parse(limit: i32, skip: i64) -> Result<Self, Vec<FieldFailure>> {
        let limit = i64::from(limit);
        let is_limit = (1..=MOST_AT_ONCE).contains(&limit);
        match (is_limit, u64::try_from(skip)) {
            (true, Ok(skip)) => Ok(Self { limit, skip }),
            (_, skip) => {
                let wrong_limit = (!is_limit).then(|| {
                    let message = format!("must be from 1 to {MOST_AT_ONCE}");
                    FieldFailure::new("limit", "out_of_range", message)
                });
                let wrong_skip = skip
                    .is_err()
                    .then(|| FieldFailure::new("skip", "too_small", "must not be negative"));
                Err(wrong_limit.into_iter().chain(wrong_skip).collect())
            }
        }
    }
}

/// Refuses more ids than are answered at once.
pub(crate) fn check_count(field: &str, ids: usize) -> Result<(), FieldFailure> {
    if i64::try_from(ids).is_ok_and(|ids| ids <= MOST_AT_ONCE) {
        return Ok(());
    }
    let message = format!("must have at most {MOST_AT_ONCE} items");
    Err(FieldFailure::new(field, "too_many", message))
}

#[cfg(test)]
mod tests {
    use super::{Page, check_count};

    #[test]
    fn a_page_has_limits() {
        assert!(Page::parse(1, 0).is_ok());
        assert!(Page::parse(1_000, i64::MAX).is_ok());
        for (limit, skip, failures) in [(0, 0, 1), (1_001, 0, 1), (5, -1, 1), (-5, -1, 2)] {
            let refused = Page::parse(limit, skip).unwrap_err();
            assert_eq!(refused.len(), failures, "{limit} {skip}");
        }
    }

    #[test]
    fn so_many_and_no_more() {
        assert!(check_count("ids", 1_000).is_ok());
        assert_eq!(check_count("ids", 1_001).unwrap_err().code, "too_many");
    }
}
