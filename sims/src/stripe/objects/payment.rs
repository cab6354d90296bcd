//! <https://docs.stripe.com/api/payment_intents/object> and
//! <https://docs.stripe.com/api/charges/object>.

use serde_json::{Value, json};

use super::with_unused;
use crate::stripe::cards::{DECLINED, TestCard};
use crate::stripe::ids;
use crate::stripe::session::{Payment, PaymentState, Session};

/// The payment intent of `session`; `with_charge` puts the whole charge in.
pub(crate) fn payment_intent(session: &Session, payment: &Payment, with_charge: bool) -> Value {
    let received = if payment.state == PaymentState::Succeeded {
        session.total
    } else {
        0
    };
    let latest_charge = if with_charge {
        charge(session, payment)
    } else {
        json!(payment.charge)
    };
    let method = ids::derived("pm", &payment.charge);
    let object = json!({
        "id": payment.intent,
        "object": "payment_intent",
        "amount": session.total,
        "amount_details": { "tip": {} },
        "amount_received": received,
        "capture_method": "automatic_async",
        "client_secret": format!("{}_secret", payment.intent),
        "confirmation_method": "automatic",
        "created": payment.created,
        "currency": session.currency,
        "description": session.intent_description,
        "last_payment_error": last_error(session, payment),
        "latest_charge": latest_charge,
        "livemode": false,
        "metadata": session.intent_metadata,
        "payment_method": (!has_failed(payment)).then_some(method),
        "payment_method_options": {
            "card": {
                "installments": null,
                "mandate_options": null,
                "network": null,
                "request_three_d_secure": "automatic",
            },
        },
        "payment_method_types": ["card"],
        "status": intent_status(payment.state),
    });
    with_unused(object, unused_intent_fields())
}

fn unused_intent_fields() -> Value {
    json!({
        "amount_capturable": 0,
        "application": null,
        "application_fee_amount": null,
        "automatic_payment_methods": null,
        "canceled_at": null,
        "cancellation_reason": null,
        "customer": null,
        "customer_account": null,
        "excluded_payment_method_types": null,
        "next_action": null,
        "on_behalf_of": null,
        "payment_method_configuration_details": null,
        "processing": null,
        "receipt_email": null,
        "review": null,
        "setup_future_usage": null,
        "shipping": null,
        "source": null,
        "statement_descriptor": null,
        "statement_descriptor_suffix": null,
        "transfer_data": null,
        "transfer_group": null,
    })
}

/// The latest charge of `session`'s payment intent.
pub(crate) fn charge(session: &Session, payment: &Payment) -> Value {
    let succeeded = payment.state == PaymentState::Succeeded;
    let failed = has_failed(payment);
    let object = json!({
        "id": payment.charge,
        "object": "charge",
        "amount": session.total,
        "amount_captured": if succeeded { session.total } else { 0 },
        "amount_refunded": payment.refunded,
        "balance_transaction": succeeded.then(|| ids::derived("txn", &payment.charge)),
        "billing_details": billing_details(session),
        "calculated_statement_descriptor": "REEN",
        "captured": succeeded,
        "created": payment.created,
        "currency": session.currency,
        "description": session.intent_description,
        "failure_code": failed.then_some("card_declined"),
        "failure_message": failed.then_some(DECLINED),
        "livemode": false,
        "metadata": session.intent_metadata,
        "outcome": outcome(failed),
        "paid": succeeded,
        "payment_intent": payment.intent,
        "payment_method": ids::derived("pm", &payment.charge),
        "payment_method_details": { "card": charged_card(session, payment.card), "type": "card" },
        "refunded": succeeded && payment.refunded == session.total,
        "status": charge_status(payment.state),
    });
    with_unused(object, unused_charge_fields())
}

fn unused_charge_fields() -> Value {
    json!({
        "application": null,
        "application_fee": null,
        "application_fee_amount": null,
        "customer": null,
        "destination": null,
        "dispute": null,
        "disputed": false,
        "failure_balance_transaction": null,
        "fraud_details": {},
        "on_behalf_of": null,
        "order": null,
        "radar_options": {},
        "receipt_email": null,
        "receipt_number": null,
        "receipt_url": null,
        "review": null,
        "shipping": null,
        "source": null,
        "source_transfer": null,
        "statement_descriptor": null,
        "statement_descriptor_suffix": null,
        "transfer_data": null,
        "transfer_group": null,
    })
}

fn has_failed(payment: &Payment) -> bool {
    matches!(payment.state, PaymentState::Declined | PaymentState::Failed)
}

fn intent_status(state: PaymentState) -> &'static str {
    match state {
        PaymentState::Declined | PaymentState::Failed => "requires_payment_method",
        PaymentState::Processing => "processing",
        PaymentState::Succeeded => "succeeded",
    }
}

fn charge_status(state: PaymentState) -> &'static str {
    match state {
        PaymentState::Declined | PaymentState::Failed => "failed",
        PaymentState::Processing => "pending",
        PaymentState::Succeeded => "succeeded",
    }
}

fn last_error(session: &Session, payment: &Payment) -> Value {
    if !has_failed(payment) {
        return Value::Null;
    }
    json!({
        "charge": payment.charge,
        "code": "card_declined",
        "decline_code": "generic_decline",
        "doc_url": "https://stripe.com/docs/error-codes/card-declined",
        "message": DECLINED,
        "payment_method": payment_method(session, payment),
        "type": "card_error",
    })
}

fn payment_method(session: &Session, payment: &Payment) -> Value {
    json!({
        "id": ids::derived("pm", &payment.charge),
        "object": "payment_method",
        "allow_redisplay": "limited",
        "billing_details": billing_details(session),
        "card": {
            "brand": "visa",
            "checks": passed_checks(),
            "country": "US",
            "display_brand": "visa",
            "exp_month": 12,
            "exp_year": 2040,
            "fingerprint": fingerprint(payment.card),
            "funding": "credit",
            "generated_from": null,
            "last4": payment.card.last4(),
            "networks": { "available": ["visa"], "preferred": null },
            "regulated_status": "unregulated",
            "three_d_secure_usage": { "supported": true },
            "wallet": null,
        },
        "created": payment.created,
        "customer": null,
        "customer_account": null,
        "livemode": false,
        "metadata": {},
        "type": "card",
    })
}

fn billing_details(session: &Session) -> Value {
    json!({
        "address": {
            "city": null,
            "country": null,
            "line1": null,
            "line2": null,
            "postal_code": null,
            "state": null,
        },
        "email": session.customer_email,
        "name": null,
        "phone": null,
        "tax_id": null,
    })
}

fn charged_card(session: &Session, card: TestCard) -> Value {
    json!({
        "amount_authorized": session.total,
        "authorization_code": null,
        "brand": "visa",
        "checks": passed_checks(),
        "country": "US",
        "exp_month": 12,
        "exp_year": 2040,
        "fingerprint": fingerprint(card),
        "funding": "credit",
        "installments": null,
        "last4": card.last4(),
        "mandate": null,
        "network": "visa",
        "network_token": { "used": false },
        "network_transaction_id": null,
        "regulated_status": "unregulated",
        "three_d_secure": null,
        "wallet": null,
    })
}

fn passed_checks() -> Value {
    json!({
        "address_line1_check": null,
        "address_postal_code_check": null,
        "cvc_check": "pass",
    })
}

/// The same for every payment with one card, as at Stripe.
fn fingerprint(card: TestCard) -> String {
    format!("visa{:0>12}", card.last4())
}

fn outcome(failed: bool) -> Value {
    if failed {
        return json!({
            "advice_code": "try_again_later",
            "network_advice_code": null,
            "network_decline_code": null,
            "network_status": "declined_by_network",
            "reason": "generic_decline",
            "risk_level": "normal",
            "seller_message": "The bank did not return any further details with this decline.",
            "type": "issuer_declined",
        });
    }
    json!({
        "advice_code": null,
        "network_advice_code": null,
        "network_decline_code": null,
        "network_status": "approved_by_network",
        "reason": null,
        "risk_level": "normal",
        "seller_message": "Payment complete.",
        "type": "authorized",
    })
}
