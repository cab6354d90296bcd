use std::collections::BTreeSet;

use jsonschema::Draft;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Gateway, ORDER, send};

/// Every route of the contract.
const CONTRACT: [&str; 57] = [
    "POST /api/v1/auth/sign-up",
    "POST /api/v1/auth/sign-in",
    "POST /api/v1/auth/refresh-token",
    "POST /api/v1/auth/sign-out",
    "POST /api/v1/auth/sign-out-all",
    "POST /api/v1/auth/change-password",
    "POST /api/v1/auth/password-reset",
    "POST /api/v1/auth/password-reset/confirm",
    "POST /api/v1/auth/email-verification",
    "POST /api/v1/auth/email-verification/confirm",
    "POST /api/v1/auth/second-factor",
    "DELETE /api/v1/auth/second-factor",
    "POST /api/v1/auth/second-factor/confirm",
    "POST /api/v1/auth/second-factor/recovery-codes",
    "POST /api/v1/auth/api-keys",
    "GET /api/v1/auth/api-keys",
    "DELETE /api/v1/auth/api-keys/{id}",
    "GET /api/v1/auth/users/{id}",
    "GET /api/v1/auth/find-all",
    "POST /api/v1/auth/update-user-role",
    "PATCH /api/v1/auth/users/me",
    "DELETE /api/v1/auth/users/me",
    "GET /api/v1/products",
    "GET /api/v1/products/{id}",
    "POST /api/v1/products",
    "PATCH /api/v1/products/{id}",
    "DELETE /api/v1/products/{id}",
    "PATCH /api/v1/products",
    "DELETE /api/v1/products",
    "POST /api/v1/cart-items",
    "GET /api/v1/cart-items",
    "GET /api/v1/cart-items/{id}",
    "PATCH /api/v1/cart-items/{id}",
    "DELETE /api/v1/cart-items/{id}",
    "DELETE /api/v1/cart-items",
    "POST /api/v1/checkout",
    "GET /api/v1/checkout/{id}",
    "POST /api/v1/checkout/{id}/cancel",
    "GET /api/v1/orders",
    "GET /api/v1/orders/{id}",
    "GET /api/v1/orders/sales",
    "PATCH /api/v1/orders/{id}/status",
    "POST /api/v1/orders/{id}/refunds",
    "POST /api/v1/webhooks/stripe",
    "POST /api/v1/webhooks/clerk",
    "GET /api/v1/admin/sagas",
    "GET /api/v1/admin/sagas/{id}",
    "POST /api/v1/admin/sagas/{id}/retry",
    "POST /api/v1/admin/sagas/{id}/compensate",
    "GET /api/v1/admin/dead-letters",
    "POST /api/v1/admin/dead-letters/replay",
    "POST /api/v1/admin/dead-letters/drop",
    "GET /api/v1/admin/alerts",
    "GET /health/live",
    "GET /health/ready",
    "GET /.well-known/jwks.json",
    "GET /api/v1/auth/users/me",
];

async fn document(gateway: &Gateway) -> Value {
    let url = format!("{}/api-gateway/documentation-json", gateway.base);
    send(gateway.client.get(url)).await.json()
}

/// `METHOD path` and the operation, for each.
fn operations(document: &Value) -> Vec<(String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let each = paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().unwrap();
        item.iter().map(move |(method, operation)| {
            (
                format!("{} {path}", method.to_uppercase()),
                operation.clone(),
            )
        })
    });
    each.collect()
}

#[tokio::test]
async fn the_document_lists_every_route_of_the_contract_and_no_other() {
    let gateway = Gateway::start().await;
    let document = document(&gateway).await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    let listed: BTreeSet<String> = operations(&document)
        .into_iter()
        .map(|each| each.0)
        .collect();
    let contract: BTreeSet<String> = CONTRACT.iter().map(|&each| each.to_owned()).collect();
    assert_eq!(listed, contract);
}

#[tokio::test]
async fn the_document_is_whole() {
    let gateway = Gateway::start().await;
    let document = document(&gateway).await;
    let mut ids = BTreeSet::new();
    for (route, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap().to_owned();
        assert!(ids.insert(id), "{route}: two operations of one name");
        assert!(operation["summary"].is_string(), "{route} has no summary");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.contains_key("503"), "{route}");
        for (status, response) in responses {
            if status.parse::<u16>().unwrap() >= 400 {
                let schema = &response["content"]["application/problem+json"]["schema"];
                assert_eq!(
                    schema["$ref"], "#/components/schemas/Problem",
                    "{route} {status}"
                );
            }
        }
    }
    references(&document, &document);
}

/// Follows every reference, and compiles every schema.
fn references(value: &Value, document: &Value) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get("$ref") {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(
                    document.pointer(pointer).is_some(),
                    "{reference} leads nowhere"
                );
            }
            if let Some(schema) = object.get("schema") {
                let rooted = json!({"allOf": [schema], "components": document["components"]});
                let compiled = jsonschema::options()
                    .with_draft(Draft::Draft202012)
                    .build(&rooted);
                assert!(compiled.is_ok(), "{schema}");
            }
            object.values().for_each(|each| references(each, document));
        }
        Value::Array(array) => array.iter().for_each(|each| references(each, document)),
        _ => {}
    }
}

#[tokio::test]
async fn every_example_of_a_body_is_valid() {
    let gateway = Gateway::start().await;
    let document = document(&gateway).await;
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let properties = schema["properties"].as_object().into_iter().flatten();
        for (field, property) in properties {
            for example in property["examples"].as_array().into_iter().flatten() {
                let rooted = json!({"allOf": [property], "components": document["components"]});
                let outcome = jsonschema::validate(&rooted, example);
                assert!(outcome.is_ok(), "{name}.{field}: {example}");
            }
        }
    }
}

#[tokio::test]
async fn who_may_call_is_as_documented() {
    let gateway = Gateway::start().await;
    let document = document(&gateway).await;
    for (route, operation) in operations(&document) {
        let (method, path) = route.split_once(' ').unwrap();
        let url = format!("{}{}", gateway.base, path.replace("{id}", ORDER));
        let method: Method = method.parse().unwrap();
        let answer = send(gateway.client.request(method, url)).await;
        let alternatives = operation["security"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let must_sign_in =
            !alternatives.is_empty() && alternatives.iter().all(|each| each != &json!({}));
        let refused = answer.status == 401 && answer.problem().1 == "unauthenticated";
        assert_eq!(refused, must_sign_in, "{route}: {answer:?}");
    }
}

#[tokio::test]
async fn the_page_is_served_from_here() {
    let gateway = Gateway::start().await;
    let page = send(
        gateway
            .client
            .get(format!("{}/api-gateway/documentation", gateway.base)),
    )
    .await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("swagger-ui"));
    assert!(
        !page.text.contains("https://"),
        "loads something from elsewhere"
    );
    assert!(page.header("content-security-policy").contains("'self'"));
    let missing = format!("{}/api-gateway/documentation/none.js", gateway.base);
    let missing = send(gateway.client.get(missing)).await;
    assert_eq!(missing.problem(), (404, "route_not_found".to_owned()));
    let script = format!(
        "{}/api-gateway/documentation/swagger-ui-bundle.js",
        gateway.base
    );
    assert_eq!(send(gateway.client.get(script)).await.status, 200);
}
