//! From a checkout to a new Checkout Session. Everything comes from what is stored, so that a repeat
//! sends the same and Stripe recognises it.

use std::collections::HashMap;

use stripe_checkout::CheckoutSessionMode;
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionLineItems, CreateCheckoutSessionLineItemsPriceData,
    CreateCheckoutSessionPaymentIntentData, ProductData,
};
use stripe_types::Currency;
use url::Url;

use crate::domain::{Checkout, Line};

const MILLIS_PER_SECOND: i64 = 1_000;
/// Stripe takes no longer one, and a missing picture is better than no payment page.
const LONGEST_IMAGE_URL: usize = 2_048;

/// Where the buyer comes back to.
#[derive(Clone, Debug)]
pub(super) struct ReturnPages {
    success: String,
    cancel: String,
}

impl ReturnPages {
    pub(super) fn of(frontend: &Url) -> Self {
        let shop = frontend.as_str().trim_end_matches('/');
        Self {
            success: format!("{shop}/checkout?success=true"),
            cancel: format!("{shop}/checkout?canceled=true"),
        }
    }
}

pub(super) fn new_session(checkout: &Checkout, pages: &ReturnPages) -> CreateCheckoutSession {
    let mut payment = CreateCheckoutSessionPaymentIntentData::new();
    payment.metadata = Some(metadata(checkout));
    let lines: Vec<_> = checkout.lines.iter().map(line_item).collect();
    CreateCheckoutSession::new()
        .mode(CheckoutSessionMode::Payment)
        .client_reference_id(checkout.id.to_hex())
        .metadata(metadata(checkout))
        .payment_intent_data(payment)
        .line_items(lines)
        .expires_at(checkout.expires_at.timestamp_millis() / MILLIS_PER_SECOND)
        .success_url(&pages.success)
        .cancel_url(&pages.cancel)
}

/// How the webhooks find their way back.
fn metadata(checkout: &Checkout) -> HashMap<String, String> {
    HashMap::from([
        ("checkout_id".to_owned(), checkout.id.to_hex()),
        ("user_id".to_owned(), checkout.user_id.to_hex()),
    ])
}

fn line_item(line: &Line) -> CreateCheckoutSessionLineItems {
    let mut product = ProductData::new(&line.name);
    if is_showable(&line.image_url) {
        product.images = Some(vec![line.image_url.clone()]);
    }
    let mut price = CreateCheckoutSessionLineItemsPriceData::new(Currency::USD);
    price.unit_amount = Some(line.unit_price_cents);
    price.product_data = Some(product);
    let mut item = CreateCheckoutSessionLineItems::new();
    item.price_data = Some(price);
    item.quantity = u64::try_from(line.quantity).ok();
    item
}

fn is_showable(image_url: &str) -> bool {
    let is_web = Url::parse(image_url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    is_web && image_url.len() <= LONGEST_IMAGE_URL
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::{ReturnPages, is_showable};

    #[test]
    fn the_buyer_comes_back_to_the_checkout_page() {
        for frontend in ["https://shop.test", "https://shop.test/en/"] {
            let pages = ReturnPages::of(&Url::parse(frontend).unwrap());
            let shop = frontend.trim_end_matches('/');
            assert_eq!(pages.success, format!("{shop}/checkout?success=true"));
            assert_eq!(pages.cancel, format!("{shop}/checkout?canceled=true"));
        }
    }

    #[test]
    fn a_picture_that_stripe_would_refuse_is_left_out() {
        assert!(is_showable("https://shop.test/lamp.png"));
        let long = format!("https://shop.test/{}", "a".repeat(2_048));
        for image_url in ["", "lamp.png", "data:image/png;base64,AA==", long.as_str()] {
            assert!(!is_showable(image_url), "{image_url}");
        }
    }
}
