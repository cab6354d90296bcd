use bson::oid::ObjectId;
use reen_error::FieldFailure;

use super::OrderLine;

/// As many lines as one payment can show.
const MOST_LINES: usize = 100;
const LONGEST_CHECKOUT_ID: usize = 100;

/// The checkout that an order comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CheckoutId(String);

impl CheckoutId {
    pub(crate) fn parse(id: String) -> Result<Self, FieldFailure> {
        if (1..=LONGEST_CHECKOUT_ID).contains(&id.len()) {
            return Ok(Self(id));
        }
        let sentence = format!("must have 1 to {LONGEST_CHECKOUT_ID} characters");
        Err(FieldFailure::new("checkoutId", "out_of_range", sentence))
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

/// A line as a checkout remembers it: what was agreed, not yet multiplied.
#[derive(Clone, Debug)]
pub(crate) struct NewLine {
    pub(crate) product_id: ObjectId,
    pub(crate) name: String,
    pub(crate) seller_id: ObjectId,
    pub(crate) unit_price_cents: i64,
    pub(crate) quantity: i64,
    pub(crate) image_url: String,
}

/// An order that is to be made: its lines add up to its total.
#[derive(Clone, Debug)]
pub(crate) struct NewOrder {
    pub(crate) checkout_id: CheckoutId,
    pub(crate) user_id: ObjectId,
    pub(crate) total_cents: i64,
    pub(crate) lines: Vec<OrderLine>,
}

impl NewOrder {
    /// Checks everything and names all that fails.
    pub(crate) fn parse(
        checkout_id: String,
        user_id: ObjectId,
        total_cents: i64,
        lines: Vec<NewLine>,
    ) -> Result<Self, Vec<FieldFailure>> {
        let checkout_id = CheckoutId::parse(checkout_id);
        let lines = priced(lines).and_then(|lines| adding_up(lines, total_cents));
        match (checkout_id, lines) {
            (Ok(checkout_id), Ok(lines)) => Ok(Self {
                checkout_id,
                user_id,
                total_cents,
                lines,
            }),
            (checkout_id, lines) => {
                let mut failures: Vec<_> = checkout_id.err().into_iter().collect();
                failures.extend(lines.err().unwrap_or_default());
                Err(failures)
            }
        }
    }
}

fn priced(lines: Vec<NewLine>) -> Result<Vec<OrderLine>, Vec<FieldFailure>> {
    if !(1..=MOST_LINES).contains(&lines.len()) {
        let sentence = format!("must have 1 to {MOST_LINES}");
        return Err(vec![FieldFailure::new("lines", "out_of_range", sentence)]);
    }
    let mut priced = Vec::with_capacity(lines.len());
    let mut failures = Vec::new();
    for (position, line) in lines.into_iter().enumerate() {
        match price(position, line) {
            Ok(line) => priced.push(line),
            Err(failure) => failures.push(failure),
        }
    }
    if failures.is_empty() {
        Ok(priced)
    } else {
        Err(failures)
    }
}

fn price(position: usize, line: NewLine) -> Result<OrderLine, FieldFailure> {
    let refused = |field: &str, code: &str, sentence: &str| {
        Err(FieldFailure::new(
            format!("lines[{position}].{field}"),
            code,
            sentence,
        ))
    };
    if line.quantity < 1 {
        return refused("quantity", "too_small", "must be at least 1");
    }
    if line.unit_price_cents < 0 {
        return refused("unitPriceCents", "too_small", "must not be negative");
    }
    let Some(price_cents) = line.unit_price_cents.checked_mul(line.quantity) else {
        return refused(
            "quantity",
            "too_large",
            "the price of the line is too large",
        );
    };
    Ok(OrderLine {
        id: ObjectId::new(),
        product_id: line.product_id,
        name: line.name,
        seller_id: line.seller_id,
        quantity: line.quantity,
        unit_price_cents: line.unit_price_cents,
        price_cents,
        image_url: line.image_url,
    })
}

/// What was paid is the sum of the lines; a sum that does not fit is nobody's total.
fn adding_up(lines: Vec<OrderLine>, total_cents: i64) -> Result<Vec<OrderLine>, Vec<FieldFailure>> {
    let sum = lines
        .iter()
        .try_fold(0_i64, |sum, line| sum.checked_add(line.price_cents));
    if sum == Some(total_cents) {
        return Ok(lines);
    }
    let sentence = "must be the sum of the lines";
    Err(vec![FieldFailure::new(
        "totalCents",
        "not_the_sum",
        sentence,
    )])
}

#[cfg(test)]
mod tests {
    use bson::oid::ObjectId;
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::{MOST_LINES, NewLine, NewOrder};

    fn line(unit_price_cents: i64, quantity: i64) -> NewLine {
        NewLine {
            product_id: ObjectId::new(),
            name: "Lamp".to_owned(),
            seller_id: ObjectId::new(),
            unit_price_cents,
            quantity,
            image_url: String::new(),
        }
    }

    fn order(total_cents: i64, lines: Vec<NewLine>) -> Result<NewOrder, Vec<String>> {
        let parsed = NewOrder::parse("checkout".to_owned(), ObjectId::new(), total_cents, lines);
        parsed.map_err(|failures| failures.into_iter().map(|each| each.field).collect())
    }

    #[test]
    fn a_line_costs_its_unit_price_for_each_piece() {
        let order = order(1_250, vec![line(500, 2), line(250, 1)]).unwrap();
        let prices: Vec<_> = order.lines.iter().map(|line| line.price_cents).collect();
        assert_eq!(prices, [1_000, 250]);
    }

    #[test]
    fn there_are_one_to_a_hundred_lines() {
        assert_eq!(order(0, Vec::new()).unwrap_err(), ["lines"]);
        assert!(order(100, vec![line(1, 1); MOST_LINES]).is_ok());
        assert_eq!(order(101, vec![line(1, 1); 101]).unwrap_err(), ["lines"]);
    }

    #[test]
    fn every_wrong_line_is_named() {
        let wrong = vec![line(1, 0), line(-1, 1), line(1, 1), line(i64::MAX, 2)];
        assert_eq!(
            order(1, wrong).unwrap_err(),
            [
                "lines[0].quantity",
                "lines[1].unitPriceCents",
                "lines[3].quantity"
            ]
        );
    }

    #[test]
    fn a_checkout_has_an_id() {
        for wrong in [String::new(), "x".repeat(101)] {
            let failures = NewOrder::parse(wrong, ObjectId::new(), 7, vec![line(1, 1)]);
            let fields: Vec<_> = failures
                .unwrap_err()
                .into_iter()
                .map(|each| each.field)
                .collect();
            assert_eq!(fields, ["checkoutId", "totalCents"]);
        }
    }

    #[test]
    fn a_sum_that_does_not_fit_is_refused() {
        let lines = vec![line(i64::MAX, 1), line(i64::MAX, 1)];
        assert_eq!(order(-2, lines).unwrap_err(), ["totalCents"]);
    }

    proptest! {
        #[test]
        fn an_order_is_made_exactly_when_its_total_is_the_sum(
            // Every other product of these is more than 64 bits hold.
            lines in vec((0_i64..20_000_000_000, 1_i64..1_000_000_000), 1..5),
            total_cents in any::<i64>(),
        ) {
            let sum: i128 = lines
                .iter()
                .map(|(price, pieces)| i128::from(*price) * i128::from(*pieces))
                .sum();
            let sum = i64::try_from(sum).ok();
            let lines: Vec<_> = lines.into_iter().map(|(price, pieces)| line(price, pieces)).collect();
            prop_assert_eq!(order(total_cents, lines.clone()).is_ok(), sum == Some(total_cents));
            if let Some(sum) = sum {
                prop_assert!(order(sum, lines).is_ok());
            }
        }
    }
}
