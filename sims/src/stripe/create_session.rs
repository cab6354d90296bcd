//! The rules for a new Checkout Session:
//! <https://docs.stripe.com/api/checkout/sessions/create>.

use std::time::Duration;

use url::Url;

use super::errors::ApiError;
use super::ids;
use super::money::{self, Currency, MAXIMUM_CHARGE};
use super::params::Params;
use super::session::{Line, Session, Status};

const MOST_LINES: usize = 100;
const LONGEST_LIFE_SECONDS: i64 = 24 * 60 * 60;
const LONGEST_URL: usize = 5_000;
const LONGEST_TEXT: usize = 5_000;

const KNOWN: [&str; 11] = [
    "cancel_url",
    "client_reference_id",
    "customer_email",
    "expand",
    "expires_at",
    "line_items",
    "metadata",
    "mode",
    "payment_intent_data",
    "success_url",
    "ui_mode",
];

/// Accepted as by Stripe, but nothing here depends on them.
const WITHOUT_EFFECT: [&str; 6] = [
    "allow_promotion_codes",
    "billing_address_collection",
    "customer_creation",
    "locale",
    "payment_method_types",
    "submit_type",
];

/// Reads a session from a request. `minimum_life` is Stripe's 30 minutes,
/// shorter in tests.
///
/// # Errors
/// The first rule that the request breaks, with the parameter's name.
pub(crate) fn read_session(
    params: &Params<'_>,
    minimum_life: Duration,
    now: i64,
) -> Result<Session, ApiError> {
    params.only(&[KNOWN.as_slice(), WITHOUT_EFFECT.as_slice()].concat())?;
    check_mode(params)?;
    let (currency, lines) = read_lines(params)?;
    let total = checked_total(&lines, currency)?;
    let intent = params.within("payment_intent_data")?;
    intent.only(&["metadata", "description"])?;
    Ok(Session {
        id: ids::session(),
        created: now,
        expires_at: read_expiry(params, minimum_life, now)?,
        status: Status::Open,
        currency: currency.code.to_owned(),
        lines,
        total,
        metadata: params.metadata("metadata")?,
        success_url: read_url(params, "success_url")?
            .ok_or_else(|| ApiError::missing_param("success_url"))?,
        cancel_url: read_url(params, "cancel_url")?,
        client_reference_id: params.bounded_text("client_reference_id", 200)?,
        customer_email: read_email(params)?,
        intent_metadata: intent.metadata("metadata")?,
        intent_description: intent.bounded_text("description", 1_000)?,
        payment: None,
    })
}

fn check_mode(params: &Params<'_>) -> Result<(), ApiError> {
    match params.required_text("mode")? {
        "payment" => {}
        "setup" | "subscription" => {
            return Err(params.wrong("mode", "This stand-in knows only the mode `payment`"));
        }
        _ => {
            return Err(params.wrong(
                "mode",
                "Invalid mode: must be one of payment, setup, or subscription",
            ));
        }
    }
    match params.text("ui_mode")? {
        None | Some("hosted" | "hosted_page") => Ok(()),
        Some(_) => Err(params.wrong("ui_mode", "This stand-in knows only the hosted page")),
    }
}

fn read_lines(params: &Params<'_>) -> Result<(&'static Currency, Vec<Line>), ApiError> {
    let items = params.list("line_items")?;
    let Some(first) = items.first() else {
        return Err(ApiError::missing_param("line_items"));
    };
    if items.len() > MOST_LINES {
        return Err(params.wrong(
            "line_items",
            &format!("Line items can have up to {MOST_LINES} items in payment mode"),
        ));
    }
    let currency = read_currency(first)?;
    let mut lines = Vec::with_capacity(items.len());
    for item in &items {
        if read_currency(item)? != currency {
            return Err(params.wrong(
                "line_items",
                "All prices on a Checkout Session must use the same currency",
            ));
        }
        lines.push(read_line(item)?);
    }
    Ok((currency, lines))
}

fn read_currency(item: &Params<'_>) -> Result<&'static Currency, ApiError> {
    let price = item.within("price_data")?;
    if !item.has("price_data") {
        return match item.text("price")? {
            Some(id) => Err(ApiError::no_such("price", id, &item.name_of("price"))),
            None => Err(ApiError::missing_param(item.name_of("price"))),
        };
    }
    let code = price.required_text("currency")?;
    money::find(code).ok_or_else(|| {
        let known = money::known_codes();
        price.wrong(
            "currency",
            &format!("Invalid currency: {code}. This stand-in knows: {known}"),
        )
    })
}

fn read_line(item: &Params<'_>) -> Result<Line, ApiError> {
    item.only(&["metadata", "price_data", "quantity"])?;
    let price = item.within("price_data")?;
    price.only(&["currency", "product_data", "tax_behavior", "unit_amount"])?;
    let product = price.within("product_data")?;
    product.only(&["description", "images", "metadata", "name"])?;

    let unit_amount = price
        .integer("unit_amount", 0)?
        .ok_or_else(|| ApiError::missing_param(price.name_of("unit_amount")))?;
    let quantity = item
        .integer("quantity", 1)?
        .ok_or_else(|| ApiError::missing_param(item.name_of("quantity")))?;
    let total = unit_amount
        .checked_mul(quantity)
        .ok_or_else(amount_too_large)?;
    // Checked, but shown nowhere: the stand-in has no product objects.
    product.metadata("metadata")?;
    let images = product.texts("images")?;
    if images.len() > 8 {
        return Err(product.wrong("images", "A product can have up to 8 images"));
    }
    Ok(Line {
        key: ids::line_key(),
        name: product.required_text("name")?.to_owned(),
        description: product.bounded_text("description", LONGEST_TEXT)?,
        metadata: item.metadata("metadata")?,
        unit_amount,
        quantity,
        total,
    })
}

fn checked_total(lines: &[Line], currency: &Currency) -> Result<i64, ApiError> {
    let total = lines
        .iter()
        .try_fold(0_i64, |sum, line| sum.checked_add(line.total))
        .filter(|total| *total <= MAXIMUM_CHARGE)
        .ok_or_else(amount_too_large)?;
    if total < currency.minimum {
        let least = money::display(currency.minimum, currency.code);
        return Err(ApiError::invalid(format!(
            "The Checkout Session's total amount due must add up to at least {least} {}",
            currency.code
        ))
        .code("amount_too_small"));
    }
    Ok(total)
}

fn amount_too_large() -> ApiError {
    let most = money::display(MAXIMUM_CHARGE, "usd");
    ApiError::invalid(format!(
        "The Checkout Session's total amount due must be no more than {most}"
    ))
    .code("amount_too_large")
}

fn read_expiry(params: &Params<'_>, minimum_life: Duration, now: i64) -> Result<i64, ApiError> {
    let Some(expires_at) = params.integer("expires_at", 0)? else {
        return Ok(now + LONGEST_LIFE_SECONDS);
    };
    let least = i64::try_from(minimum_life.as_secs()).unwrap_or(i64::MAX);
    if expires_at < now.saturating_add(least) {
        let minutes = minimum_life.as_secs() / 60;
        return Err(params.wrong(
            "expires_at",
            &format!(
                "The `expires_at` timestamp must be at least {minutes} minutes from Checkout \
                 Session creation."
            ),
        ));
    }
    if expires_at > now + LONGEST_LIFE_SECONDS {
        return Err(params.wrong(
            "expires_at",
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
        ));
    }
    Ok(expires_at)
}

/// Only http and https: the page links to these, so a `javascript:` URL would
/// be a hole.
fn read_url(params: &Params<'_>, field: &str) -> Result<Option<String>, ApiError> {
    let Some(text) = params.text(field)? else {
        return Ok(None);
    };
    let valid = text.len() <= LONGEST_URL
        && Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if !valid {
        return Err(params.wrong(field, "Not a valid URL").code("url_invalid"));
    }
    Ok(Some(text.to_owned()))
}

fn read_email(params: &Params<'_>) -> Result<Option<String>, ApiError> {
    let Some(email) = params.bounded_text("customer_email", 800)? else {
        return Ok(None);
    };
    let valid = email.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && host.contains('.') && !email.contains(char::is_whitespace)
    });
    if !valid {
        return Err(params
            .wrong("customer_email", &format!("Invalid email address: {email}"))
            .code("email_invalid"));
    }
    Ok(Some(email))
}
