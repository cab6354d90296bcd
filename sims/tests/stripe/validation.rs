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

const PRICE: &str = "line_items[0][price_data][unit_amount]";
const QUANTITY: &str = "line_items[0][quantity]";
const CURRENCY: &str = "line_items[0][price_data][currency]";
const NAME: &str = "line_items[0][price_data][product_data][name]";

/// A parameter, its value, then the `code` and `param` of the refusal.
type Case = (
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
    Option<&'static str>,
);

async fn each_is_refused(cases: &[Case]) {
    let sim = start(quick_config()).await;
    for (name, value, code, param) in cases {
        let (status, answer) = create(&sim, &[(name, *value)]).await;
        let error = &answer["error"];
        assert_eq!(status, 400, "{name}={value:?}: {answer}");
        assert_eq!(error["type"], "invalid_request_error", "{name}={value:?}");
        assert_eq!(error["code"], json!(code), "{name}={value:?}: {answer}");
        assert_eq!(error["param"], json!(param), "{name}={value:?}: {answer}");
    }
    assert_eq!(sessions(&sim).await, 0);
    sim.stop().await;
}

#[tokio::test]
async fn what_is_needed_is_asked_for() {
    for name in ["mode", "success_url", PRICE, QUANTITY, CURRENCY, NAME] {
        each_is_refused(&[(name, None, Some("parameter_missing"), Some(name))]).await;
    }
}

#[tokio::test]
async fn amounts_are_whole_and_within_limits() {
    let integer = Some("parameter_invalid_integer");
    each_is_refused(&[
        (PRICE, Some("-1"), integer, Some(PRICE)),
        (PRICE, Some("9.99"), integer, Some(PRICE)),
        (PRICE, Some("99999999999999999999"), integer, Some(PRICE)),
        (
            PRICE,
            Some(""),
            Some("parameter_invalid_empty"),
            Some(PRICE),
        ),
        (PRICE, Some("49"), Some("amount_too_small"), None),
        (PRICE, Some("100000000"), Some("amount_too_large"), None),
        (QUANTITY, Some("0"), integer, Some(QUANTITY)),
        (
            QUANTITY,
            Some("9223372036854775807"),
            Some("amount_too_large"),
            None,
        ),
        (CURRENCY, Some("xyz"), None, Some(CURRENCY)),
        ("expires_at", Some("soon"), integer, Some("expires_at")),
        ("expires_at", Some("9999999999"), None, Some("expires_at")),
    ])
    .await;
}

#[tokio::test]
async fn texts_are_what_they_should_be() {
    let url = Some("url_invalid");
    let email = "customer_email";
    each_is_refused(&[
        ("mode", Some("subscription"), None, Some("mode")),
        ("mode", Some("nonsense"), None, Some("mode")),
        ("ui_mode", Some("embedded_page"), None, Some("ui_mode")),
        (
            "success_url",
            Some("javascript:alert(1)"),
            url,
            Some("success_url"),
        ),
        ("cancel_url", Some("nowhere"), url, Some("cancel_url")),
        (email, Some("nobody"), Some("email_invalid"), Some(email)),
        ("expand[]", Some("customer"), None, Some("expand")),
    ])
    .await;
}

#[tokio::test]
async fn what_the_stand_in_does_not_know_is_not_passed_over() {
    const RECURRING: &str = "line_items[0][price_data][recurring]";
    let unknown = Some("parameter_unknown");
    each_is_refused(&[
        ("colour", Some("red"), unknown, Some("colour")),
        (RECURRING, Some("x"), unknown, Some(RECURRING)),
        (
            "payment_intent_data",
            Some("x"),
            None,
            Some("payment_intent_data"),
        ),
    ])
    .await;
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
