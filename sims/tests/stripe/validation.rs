//! Requests that break a rule are refused with Stripe's error object, which
//! names the parameter; nothing is stored.

use crate::support::{Running, quick_config, start};
use serde_json::{Value, json};

const VALID: [(&str, &str); 6] = [
    ("mode", "payment"),
    ("success_url", "http://shop.test/ok"),
    ("line_items[0][quantity]", "1"),
    ("line_items[0][price_data][currency]", "usd"),
    ("line_items[0][price_data][unit_amount]", "1000"),
    ("line_items[0][price_data][product_data][name]", "Chair"),
];

/// The valid request with some parameters replaced, added or, when the value
/// is `None`, left out.
async fn create(sim: &Running, changes: &[(&str, Option<&str>)]) -> (u16, Value) {
    let kept = VALID
        .iter()
        .filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    let changed = changes
        .iter()
        .filter_map(|(name, value)| Some((*name, (*value)?)));
    let form: Vec<String> = kept
        .copied()
        .chain(changed)
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    sim.post_form("/v1/checkout/sessions", &form.join("&"))
        .await
}

#[tokio::test]
async fn the_request_that_the_others_vary_is_accepted() {
    let sim = start(quick_config()).await;
    let (status, session) = create(&sim, &[]).await;
    assert_eq!(status, 200, "{session}");
    let lifetime = session["expires_at"].as_i64().unwrap() - session["created"].as_i64().unwrap();
    assert_eq!(lifetime, 24 * 60 * 60);
    sim.stop().await;
}

#[tokio::test]
async fn each_broken_rule_is_named() {
    const PRICE: &str = "line_items[0][price_data][unit_amount]";
    const QUANTITY: &str = "line_items[0][quantity]";
    const CURRENCY: &str = "line_items[0][price_data][currency]";
    const NAME: &str = "line_items[0][price_data][product_data][name]";
    // The change, then the error's code and parameter.
    let cases = [
        (("mode", None), Some("parameter_missing"), Some("mode")),
        (("mode", Some("subscription")), None, Some("mode")),
        (("ui_mode", Some("embedded_page")), None, Some("ui_mode")),
        (
            ("success_url", None),
            Some("parameter_missing"),
            Some("success_url"),
        ),
        (
            ("success_url", Some("javascript:alert(1)")),
            Some("url_invalid"),
            Some("success_url"),
        ),
        (
            ("cancel_url", Some("nowhere")),
            Some("url_invalid"),
            Some("cancel_url"),
        ),
        ((PRICE, None), Some("parameter_missing"), Some(PRICE)),
        (
            (PRICE, Some("-1")),
            Some("parameter_invalid_integer"),
            Some(PRICE),
        ),
        (
            (PRICE, Some("9.99")),
            Some("parameter_invalid_integer"),
            Some(PRICE),
        ),
        (
            (PRICE, Some("99999999999999999999")),
            Some("parameter_invalid_integer"),
            Some(PRICE),
        ),
        ((PRICE, Some("49")), Some("amount_too_small"), None),
        ((PRICE, Some("100000000")), Some("amount_too_large"), None),
        (
            (PRICE, Some("")),
            Some("parameter_invalid_empty"),
            Some(PRICE),
        ),
        (
            (QUANTITY, Some("0")),
            Some("parameter_invalid_integer"),
            Some(QUANTITY),
        ),
        (
            (QUANTITY, Some("9223372036854775807")),
            Some("amount_too_large"),
            None,
        ),
        ((CURRENCY, Some("xyz")), None, Some(CURRENCY)),
        ((NAME, None), Some("parameter_missing"), Some(NAME)),
        (
            ("customer_email", Some("nobody")),
            Some("email_invalid"),
            Some("customer_email"),
        ),
        (("expires_at", Some("1")), None, Some("expires_at")),
        (("expires_at", Some("9999999999")), None, Some("expires_at")),
        (
            ("expires_at", Some("soon")),
            Some("parameter_invalid_integer"),
            Some("expires_at"),
        ),
        (
            ("payment_intent_data", Some("x")),
            None,
            Some("payment_intent_data"),
        ),
        (("expand[]", Some("customer")), None, Some("expand")),
        (
            ("colour", Some("red")),
            Some("parameter_unknown"),
            Some("colour"),
        ),
        (
            ("line_items[0][price_data][recurring]", Some("x")),
            Some("parameter_unknown"),
            Some("line_items[0][price_data][recurring]"),
        ),
    ];
    let sim = start(quick_config()).await;
    for (change, code, param) in cases {
        let (status, answer) = create(&sim, &[change]).await;
        let error = &answer["error"];
        assert_eq!(status, 400, "{change:?}: {answer}");
        assert_eq!(error["type"], "invalid_request_error", "{change:?}");
        assert_eq!(error["code"], json!(code), "{change:?}: {answer}");
        assert_eq!(error["param"], json!(param), "{change:?}: {answer}");
    }
    assert_eq!(sessions(&sim).await, 0);
    sim.stop().await;
}

#[tokio::test]
async fn the_time_to_live_is_from_half_an_hour_to_a_day() {
    let sim = start(quick_config()).await;
    let now = chrono::Utc::now().timestamp();
    for (seconds, expected) in [(1_790, 400), (1_900, 200), (86_000, 200), (86_500, 400)] {
        let expires_at = (now + seconds).to_string();
        let (status, answer) = create(&sim, &[("expires_at", Some(&expires_at))]).await;
        assert_eq!(status, expected, "{seconds}: {answer}");
    }
    sim.stop().await;
}

#[tokio::test]
async fn a_session_has_up_to_a_hundred_lines() {
    let sim = start(quick_config()).await;
    let form = |count: usize| {
        let lines = (0..count).map(|index| {
            format!(
                "line_items[{index}][quantity]=1&line_items[{index}][price_data][currency]=usd\
                 &line_items[{index}][price_data][unit_amount]=100\
                 &line_items[{index}][price_data][product_data][name]=Line"
            )
        });
        let lines: Vec<String> = lines.collect();
        format!(
            "mode=payment&success_url=http://shop.test/ok&{}",
            lines.join("&")
        )
    };
    let (status, session) = sim.post_form("/v1/checkout/sessions", &form(100)).await;
    assert_eq!((status, &session["amount_total"]), (200, &json!(10_000)));
    let (status, refused) = sim.post_form("/v1/checkout/sessions", &form(101)).await;
    assert_eq!(
        (status, &refused["error"]["param"]),
        (400, &json!("line_items"))
    );
    sim.stop().await;
}

#[tokio::test]
async fn one_session_has_one_currency() {
    let sim = start(quick_config()).await;
    let (status, answer) = create(
        &sim,
        &[
            ("line_items[1][quantity]", Some("1")),
            ("line_items[1][price_data][currency]", Some("eur")),
            ("line_items[1][price_data][unit_amount]", Some("100")),
            (
                "line_items[1][price_data][product_data][name]",
                Some("Lamp"),
            ),
        ],
    )
    .await;
    assert_eq!(
        (status, &answer["error"]["param"]),
        (400, &json!("line_items"))
    );
    sim.stop().await;
}

#[tokio::test]
async fn what_is_not_the_api_is_unrecognized() {
    let sim = start(quick_config()).await;
    for path in ["/v1/customers", "/v1/checkout/sessions/cs_1/pay", "/v1/"] {
        let (status, answer) = sim.post_form(path, "").await;
        assert_eq!(status, 404, "{path}");
        let message = answer["error"]["message"].as_str().unwrap().to_owned();
        assert!(
            message.contains(&format!("Unrecognized request URL (POST: {path})")),
            "{message}"
        );
    }
    let deleted = reqwest::Client::new()
        .delete(format!("{}/v1/refunds", sim.base_url))
        .bearer_auth(crate::support::SECRET_KEY)
        .send()
        .await
        .unwrap();
    assert_eq!(deleted.status(), 404);
    sim.stop().await;
}

#[tokio::test]
async fn a_body_that_is_no_form_is_refused() {
    let sim = start(quick_config()).await;
    let json_body = sim
        .post("/v1/refunds")
        .bearer_auth(crate::support::SECRET_KEY)
        .json(&json!({"payment_intent": "pi_1"}))
        .send()
        .await
        .unwrap();
    assert_eq!(json_body.status(), 400);
    for form in ["a[b=1", "%FF%FE=1&[=", "amount=5"] {
        let (status, answer) = sim.post_form("/v1/refunds", form).await;
        assert_eq!(status, 400, "{form}: {answer}");
    }
    let (status, _) = sim
        .post_form("/v1/refunds", &"a=1&".repeat(1_100_000))
        .await;
    assert_eq!(status, 400);
    sim.stop().await;
}

async fn sessions(sim: &Running) -> usize {
    let listed = sim
        .get("/v1/checkout/sessions")
        .bearer_auth(crate::support::SECRET_KEY);
    let body = listed.send().await.unwrap().text().await.unwrap();
    let list: Value = serde_json::from_str(&body).unwrap();
    list["data"].as_array().unwrap().len()
}
