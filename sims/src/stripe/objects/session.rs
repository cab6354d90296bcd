//! <https://docs.stripe.com/api/checkout/sessions/object>.

use serde_json::{Value, json};

use super::{Expand, list, payment_intent, with_unused};
use crate::stripe::session::{Line, Session, Status};

/// `base_url` is where the hosted page is served.
pub(crate) fn checkout_session(session: &Session, base_url: &str, expand: &Expand<'_>) -> Value {
    let is_open = session.status == Status::Open;
    let mut object = json!({
        "id": session.id,
        "object": "checkout.session",
        "amount_subtotal": session.total,
        "amount_total": session.total,
        "cancel_url": session.cancel_url,
        "client_reference_id": session.client_reference_id,
        "created": session.created,
        "currency": session.currency,
        "customer_details": customer_details(session),
        "customer_email": session.customer_email,
        "expires_at": session.expires_at,
        "livemode": false,
        "metadata": session.metadata,
        "mode": "payment",
        "payment_intent": intent(session, expand),
        "payment_method_options": { "card": { "request_three_d_secure": "automatic" } },
        "payment_method_types": ["card"],
        "payment_status": session.payment_status(),
        "status": session.status.as_str(),
        "success_url": session.success_url,
        "total_details": { "amount_discount": 0, "amount_shipping": 0, "amount_tax": 0 },
        "ui_mode": "hosted_page",
        "url": is_open.then(|| page_url(base_url, &session.id)),
    });
    if expand.wants("line_items") {
        object["line_items"] = line_items(session);
    }
    with_unused(object, unused_fields())
}

fn unused_fields() -> Value {
    json!({
        "adaptive_pricing": null,
        "after_expiration": null,
        "allow_promotion_codes": null,
        "automatic_tax": { "enabled": false, "liability": null, "provider": null, "status": null },
        "billing_address_collection": null,
        "client_secret": null,
        "collected_information": null,
        "consent": null,
        "consent_collection": null,
        "currency_conversion": null,
        "custom_fields": [],
        "custom_text": {
            "after_submit": null,
            "shipping_address": null,
            "submit": null,
            "terms_of_service_acceptance": null,
        },
        "customer": null,
        "customer_account": null,
        "customer_creation": "if_required",
        "discounts": [],
        "invoice": null,
        "invoice_creation": invoice_creation(),
        "locale": null,
        "origin_context": null,
        "payment_link": null,
        "payment_method_collection": "if_required",
        "payment_method_configuration_details": null,
        "permissions": null,
        "phone_number_collection": { "enabled": false },
        "recovered_from": null,
        "saved_payment_method_options": null,
        "setup_intent": null,
        "shipping_address_collection": null,
        "shipping_cost": null,
        "shipping_options": [],
        "submit_type": null,
        "subscription": null,
        "wallet_options": null,
    })
}

/// Where a buyer pays.
fn page_url(base_url: &str, session: &str) -> String {
    format!("{base_url}/c/pay/{session}")
}

fn intent(session: &Session, expand: &Expand<'_>) -> Value {
    match &session.payment {
        None => Value::Null,
        Some(payment) if expand.wants("payment_intent") => payment_intent(
            session,
            payment,
            expand.wants("payment_intent.latest_charge"),
        ),
        Some(payment) => json!(payment.intent),
    }
}

fn customer_details(session: &Session) -> Value {
    if session.customer_email.is_none() && session.status != Status::Complete {
        return Value::Null;
    }
    json!({
        "address": null,
        "business_name": null,
        "email": session.customer_email,
        "individual_name": null,
        "name": null,
        "phone": null,
        "tax_exempt": "none",
        "tax_ids": [],
    })
}

fn invoice_creation() -> Value {
    json!({
        "enabled": false,
        "invoice_data": {
            "account_tax_ids": null,
            "custom_fields": null,
            "description": null,
            "footer": null,
            "issuer": null,
            "metadata": {},
            "rendering_options": null,
        },
    })
}

fn line_items(session: &Session) -> Value {
    let lines: Vec<Value> = session
        .lines
        .iter()
        .map(|line| line_item(session, line))
        .collect();
    let url = format!("/v1/checkout/sessions/{}/line_items", session.id);
    list(&url, &lines, false)
}

fn line_item(session: &Session, line: &Line) -> Value {
    json!({
        "id": format!("li_{}", line.key),
        "object": "item",
        "adjustable_quantity": null,
        "amount_discount": 0,
        "amount_subtotal": line.total,
        "amount_tax": 0,
        "amount_total": line.total,
        "currency": session.currency,
        "description": line.name,
        "metadata": line.metadata,
        "price": {
            "id": format!("price_{}", line.key),
            "object": "price",
            "active": false,
            "billing_scheme": "per_unit",
            "created": session.created,
            "currency": session.currency,
            "custom_unit_amount": null,
            "livemode": false,
            "lookup_key": null,
            "metadata": {},
            "nickname": null,
            "product": format!("prod_{}", line.key),
            "recurring": null,
            "tax_behavior": "unspecified",
            "tiers_mode": null,
            "transform_quantity": null,
            "type": "one_time",
            "unit_amount": line.unit_amount,
            "unit_amount_decimal": line.unit_amount.to_string(),
        },
        "quantity": line.quantity,
    })
}
