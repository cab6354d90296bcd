//! How dead letters are shown.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reen_messaging::DeadLetter;
use reen_proto::events::v1::{AccountDeletionRequested, RefundRequested, SagaDue, WebhookReceived};
use reen_proto::sagas::v1 as proto;
use reen_proto::time::from_millis;

pub(super) fn view(letter: &DeadLetter) -> proto::DeadLetter {
    let webhook = letter.decode::<WebhookReceived>().ok();
    let body = match &webhook {
        Some(webhook) => &webhook.body,
        None => letter.body(),
    };
    let is_json = serde_json::from_slice::<serde_json::Value>(body).is_ok();
    let body = match std::str::from_utf8(body) {
        Ok(text) if is_json => text.to_owned(),
        _ => STANDARD.encode(body),
    };
    proto::DeadLetter {
        id: letter.id().to_owned(),
        kind: letter.kind().to_owned(),
        reason: letter.reason().to_owned(),
        attempts: letter.attempts(),
        about: about(letter, webhook.as_ref()),
        body,
        died_at: letter.died_at().map(from_millis),
    }
}

fn about(letter: &DeadLetter, webhook: Option<&WebhookReceived>) -> String {
    if let Some(webhook) = webhook {
        return format!(
            "{} {} {}",
            webhook.provider, webhook.event_type, webhook.event_id
        );
    }
    if let Ok(due) = letter.decode::<SagaDue>() {
        return due.saga_id;
    }
    if let Ok(refund) = letter.decode::<RefundRequested>() {
        return format!("refund {} of order {}", refund.refund_id, refund.order_id);
    }
    let farewell = letter.decode::<AccountDeletionRequested>();
    farewell.map_or_else(
        |_| String::new(),
        |farewell| format!("user {}", farewell.user_id),
    )
}
