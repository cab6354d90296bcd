use std::collections::HashSet;

use bson::DateTime;
use bson::oid::ObjectId;
use reen_error::FieldFailure;

use super::HoldId;

const MOST_LINES: usize = 100;
const MOST_PIECES: i64 = 1_000_000;

/// Pieces of one product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StockLine {
    pub(crate) product_id: ObjectId,
    pub(crate) quantity: i64,
}

/// Stock that is to be set aside, each product once.
#[derive(Clone, Debug)]
pub(crate) struct Reservation {
    pub(crate) hold_id: HoldId,
    pub(crate) lines: Vec<StockLine>,
    pub(crate) expires_at: DateTime,
}

impl Reservation {
    pub(crate) fn products(&self) -> impl Iterator<Item = ObjectId> {
        self.lines.iter().map(|line| line.product_id)
    }

    /// Checks everything and names all that fails.
    pub(crate) fn parse(
        hold_id: String,
        lines: Vec<StockLine>,
        expires_at: Option<DateTime>,
    ) -> Result<Self, Vec<FieldFailure>> {
        let hold_id = HoldId::parse(hold_id);
        let expires_at =
            expires_at.ok_or_else(|| FieldFailure::new("expiresAt", "required", "must be there"));
        let lines_fail = line_failures(&lines);
        match (hold_id, expires_at) {
            (Ok(hold_id), Ok(expires_at)) if lines_fail.is_empty() => Ok(Self {
                hold_id,
                lines,
                expires_at,
            }),
            (hold_id, expires_at) => {
                let others = [hold_id.err(), expires_at.err()];
                Err(others.into_iter().flatten().chain(lines_fail).collect())
            }
        }
    }
}

fn line_failures(lines: &[StockLine]) -> Vec<FieldFailure> {
    if !(1..=MOST_LINES).contains(&lines.len()) {
        let sentence = format!("must have 1 to {MOST_LINES}");
        return vec![FieldFailure::new("lines", "out_of_range", sentence)];
    }
    let mut failures = Vec::new();
    let mut seen = HashSet::new();
    for (position, line) in lines.iter().enumerate() {
        if !(1..=MOST_PIECES).contains(&line.quantity) {
            let field = format!("lines[{position}].quantity");
            let sentence = format!("must be from 1 to {MOST_PIECES}");
            failures.push(FieldFailure::new(field, "out_of_range", sentence));
        }
        if !seen.insert(line.product_id) {
            let field = format!("lines[{position}].productId");
            failures.push(FieldFailure::new(field, "repeated", "each product once"));
        }
    }
    failures
}

/// A line that cannot be set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ShortLine {
    pub(crate) product_id: ObjectId,
    /// How many pieces there are; absent when the product cannot be bought at all.
    pub(crate) left: Option<i64>,
}

impl From<ShortLine> for FieldFailure {
    /// The product's id stands for the line, so that whoever asked finds it again.
    fn from(short: ShortLine) -> Self {
        let line = short.product_id.to_hex();
        match short.left {
            Some(left) => Self::new(line, "insufficient_stock", format!("{left} left")),
            None => Self::new(line, "not_found", "there is no such product"),
        }
    }
}

#[cfg(test)]
mod tests {
    use bson::DateTime;
    use bson::oid::ObjectId;

    use super::{Reservation, StockLine};

    fn line(quantity: i64) -> StockLine {
        StockLine {
            product_id: ObjectId::new(),
            quantity,
        }
    }

    fn failing(lines: Vec<StockLine>) -> Vec<String> {
        Reservation::parse("hold".to_owned(), lines, Some(DateTime::now()))
            .map(|_| Vec::new())
            .unwrap_or_else(|failures| failures.into_iter().map(|each| each.field).collect())
    }

    #[test]
    fn there_are_one_to_a_hundred_lines() {
        assert_eq!(failing(Vec::new()), ["lines"]);
        let most: Vec<_> = (0..100).map(|_| line(1)).collect();
        assert!(failing(most.clone()).is_empty());
        let one_more = [most, vec![line(1)]].concat();
        assert_eq!(failing(one_more), ["lines"]);
    }

    #[test]
    fn each_product_comes_once_with_at_least_one_piece() {
        let first = line(1);
        assert_eq!(failing(vec![first, first]), ["lines[1].productId"]);
        let wrong = failing(vec![line(0), line(i64::MAX), line(-1)]);
        assert_eq!(wrong.len(), 3);
    }

    #[test]
    fn a_hold_has_a_name_and_an_end() {
        let refused = Reservation::parse(String::new(), vec![line(1)], None).unwrap_err();
        let fields: Vec<_> = refused.iter().map(|each| each.field.as_str()).collect();
        assert_eq!(fields, ["holdId", "expiresAt"]);
    }
}
