//! The limits of what clients send. They are shown in the documentation and enforced from there.

use serde_json::json;
use utoipa::ToSchema as _;
use utoipa::openapi::Ref;
use utoipa::openapi::schema::{
    Array, ArrayBuilder, KnownFormat, ObjectBuilder, SchemaFormat, Type,
};

use crate::paging::{LONGEST_PAGE, MOST_SKIPPED};
use crate::scope::Scope;

/// Text without U+0000, which some stores cannot keep.
const PLAIN: &str = r"^[^\u0000]*$";
/// The same, with something to read in it.
const LEGIBLE: &str = r"^[^\u0000]*[^\s\u0000][^\u0000]*$";
/// The same without control characters: names of users are written into letters.
const ONE_LINE: &str = r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$";
const HTTP_URL: &str = r"^https?://[^\s/?#\u0000]+[^\s\u0000]*$";
const OBJECT_ID: &str = "^[0-9a-fA-F]{24}$";

const LONGEST_EMAIL: usize = 254;
const LONGEST_CODE: usize = 64;
const LONGEST_URL: usize = 2_048;
const HIGHEST_PRICE: f64 = 1_000_000.0;
const HIGHEST_FILTER: f64 = 1_000_000_000.0;
const CENT: f64 = 0.01;
const MOST_FILTERED: usize = 1_000_000_000;
const MOST_IN_STOCK: usize = 1_000_000;
const MOST_IN_CART: usize = 2_000;
const LONGEST_LIST: usize = 1_000;
const LONGEST_LETTER_ID: usize = 255;
const LONGEST_LETTER_TOKEN: usize = 128;
/// How many items one request may change.
pub(crate) const MOST_IN_BULK: usize = 100;

fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn integer(least: usize, most: usize) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(least))
        .maximum(Some(most))
}

fn money(least: f64, most: f64) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Number)
        .minimum(Some(least))
        .maximum(Some(most))
        .multiple_of(Some(CENT))
}

/// Any text of that length.
pub(crate) fn text(least: usize, most: usize) -> ObjectBuilder {
    string()
        .min_length(Some(least))
        .max_length(Some(most))
        .pattern(Some(PLAIN))
}

fn legible(most: usize) -> ObjectBuilder {
    text(1, most).pattern(Some(LEGIBLE))
}

/// The name of a user.
pub(crate) fn user_name() -> ObjectBuilder {
    text(1, 100)
        .pattern(Some(ONE_LINE))
        .examples([json!("Ada Lovelace")])
}

/// The name of a product.
pub(crate) fn name() -> ObjectBuilder {
    legible(100).examples([json!("Brass lamp")])
}

/// The description of a product.
pub(crate) fn description() -> ObjectBuilder {
    legible(5_000).examples([json!("Warm light, heavy foot.")])
}

/// An e-mail address with a domain that has a dot.
pub(crate) fn email() -> ObjectBuilder {
    text(3, LONGEST_EMAIL)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Email)))
        .examples([json!("ada@example.com")])
}

/// A password that somebody chooses.
pub(crate) fn new_password() -> ObjectBuilder {
    password(8)
}

/// A password that somebody claims: a short one is wrong, not malformed.
pub(crate) fn claimed_password() -> ObjectBuilder {
    password(1)
}

/// What a letter holds: another one is not the letter's, not malformed.
pub(crate) fn letter_token() -> ObjectBuilder {
    text(1, LONGEST_LETTER_TOKEN).examples([json!("q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq84")])
}

fn password(least: usize) -> ObjectBuilder {
    text(least, 128)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
        .examples([json!("correct horse")])
}

/// A code of the second factor, grouped or not; a malformed one is wrong.
pub(crate) fn second_factor_code() -> ObjectBuilder {
    text(1, LONGEST_CODE).examples([json!("050471"), json!("k3m9-7qwz-0x5t-h2ab")])
}

/// Recovery codes, as they are shown.
pub(crate) fn recovery_codes() -> Array {
    ArrayBuilder::new()
        .items(string().examples([json!("k3m9-7qwz-0x5t-h2ab")]))
        .build()
}

/// The name of an API key.
pub(crate) fn api_key_name() -> ObjectBuilder {
    text(1, 100)
        .pattern(Some(ONE_LINE))
        .examples([json!("Till in the shop")])
}

/// What an API key is for, each once.
pub(crate) fn scopes() -> Array {
    ArrayBuilder::new()
        .items(Ref::from_schema_name(Scope::name()))
        .min_items(Some(1))
        .unique_items(true)
        .examples([json!(["orders:read", "orders:write"])])
        .build()
}

/// When something ends.
pub(crate) fn expiry() -> ObjectBuilder {
    string()
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .description(Some(
            "In the future. Absent: it is good until it is taken back.",
        ))
        .examples([json!("2027-11-21T08:00:00.000Z")])
}

/// An id of ours.
pub(crate) fn id() -> ObjectBuilder {
    string()
        .pattern(Some(OBJECT_ID))
        .examples([json!("66f0c0ffee66f0c0ffee66f0")])
}

/// The price of a product, in major units.
pub(crate) fn price() -> ObjectBuilder {
    money(CENT, HIGHEST_PRICE).examples([json!(99.99)])
}

/// What goes back of a payment, in major units.
pub(crate) fn refund_amount() -> ObjectBuilder {
    money(CENT, HIGHEST_FILTER).examples([json!(12.5)])
}

/// How many of a product are for sale.
pub(crate) fn stock() -> ObjectBuilder {
    integer(0, MOST_IN_STOCK).examples([json!(25)])
}

/// How many of a product are in a cart.
pub(crate) fn cart_quantity() -> ObjectBuilder {
    integer(1, MOST_IN_CART).examples([json!(2)])
}

/// Absolute http and https URLs.
pub(crate) fn image_urls() -> Array {
    let url = text(1, LONGEST_URL)
        .format(Some(SchemaFormat::Custom("uri".to_owned())))
        .pattern(Some(HTTP_URL));
    ArrayBuilder::new()
        .items(url)
        .min_items(Some(1))
        .max_items(Some(6))
        .examples([json!(["https://images.example/lamp.jpg"])])
        .build()
}

/// Ids, each once.
pub(crate) fn ids() -> Array {
    ArrayBuilder::new()
        .items(id())
        .min_items(Some(1))
        .max_items(Some(MOST_IN_BULK))
        .unique_items(true)
        .build()
}

/// What a name must contain.
pub(crate) fn search() -> ObjectBuilder {
    text(0, 100).description(Some("Anywhere in the name, in any case."))
}

/// A bound on prices.
pub(crate) fn price_bound() -> ObjectBuilder {
    money(0.0, HIGHEST_FILTER).description(Some("In major units, inclusive."))
}

/// A bound on quantities.
pub(crate) fn quantity_bound() -> ObjectBuilder {
    integer(0, MOST_FILTERED).description(Some("Inclusive."))
}

/// The length of a page.
pub(crate) fn limit() -> ObjectBuilder {
    let about = "The length of a page; 20 when only `page` is given.";
    integer(1, as_usize(LONGEST_PAGE)).description(Some(about))
}

/// How many of something are shown to an operator.
pub(crate) fn list_limit() -> ObjectBuilder {
    integer(1, LONGEST_LIST).description(Some("How many at most; 100 when it is not given."))
}

/// A moment before which something was.
pub(crate) fn before() -> ObjectBuilder {
    let about = "Only those that began before this; for the next page, the last one's `createdAt`.";
    string()
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .description(Some(about))
        .examples([json!("2026-11-21T08:00:00.000Z")])
}

/// Why somebody decided something.
pub(crate) fn reason() -> ObjectBuilder {
    legible(500).examples([json!("the buyer asked for it")])
}

/// Ids of dead letters, each once.
pub(crate) fn letter_ids() -> Array {
    ArrayBuilder::new()
        .items(text(1, LONGEST_LETTER_ID))
        .min_items(Some(1))
        .max_items(Some(LONGEST_LIST))
        .unique_items(true)
        .build()
}

/// The number of a page.
pub(crate) fn page() -> ObjectBuilder {
    let about = "Counted from 1. The pages before must not hold more than 10,000,000 items.";
    integer(1, as_usize(MOST_SKIPPED)).description(Some(about))
}

fn as_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// One of these words; the first is the default.
pub(crate) fn one_of<const N: usize>(words: [&str; N]) -> ObjectBuilder {
    let default = words.first().map(|word| json!(word));
    string().enum_values(Some(words)).default(default)
}

#[cfg(test)]
mod tests {
    use jsonschema::Validator;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use crate::money::Money;

    fn price() -> Validator {
        let schema = serde_json::to_value(super::price().build()).unwrap();
        jsonschema::validator_for(&schema).unwrap()
    }

    /// What the schema passes is read without fail: anything else would be a 500.
    fn agree(price: &Validator, value: &Value) -> bool {
        let money = serde_json::from_value::<Money>(value.clone()).ok();
        let in_range = money.filter(|money| (1..=100_000_000).contains(&money.cents()));
        price.is_valid(value) == in_range.is_some()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn the_schema_and_the_type_agree_on_what_a_price_is(cents in 0_u32..100_000_100) {
            let price = price();
            let exact: f64 = format!("{}.{:02}", cents / 100, cents % 100).parse().unwrap();
            prop_assert!(agree(&price, &json!(exact)));
            for neighbour in [exact.next_up(), exact.next_down()] {
                prop_assert!(agree(&price, &json!(neighbour)), "{neighbour}");
            }
        }

        #[test]
        fn they_agree_on_any_number(number in any::<f64>()) {
            prop_assert!(agree(&price(), &json!(number)));
        }
    }
}
