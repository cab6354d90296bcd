use std::process::Command;

use reen_testkit::{TestBroker, eventually};
use serde_json::Value;

use crate::support::{REEN, Role, Settings, settings};

/// Exit code and output of `reen log` about the gateway.
fn reen_log(settings: &Settings, arguments: &[&str]) -> (Option<i32>, Value) {
    let mut command = Command::new(REEN);
    command.args(["--json", "log", "--role", "gateway"]);
    let output = command.args(arguments).envs(settings).output().unwrap();
    let said = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code(), said)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_logged_is_changed_for_a_while() {
    let broker = TestBroker::fresh().await;
    let settings = settings(&[("MESSAGE_BROKER_URL", broker.url_text())]);
    let gateway = Role::ready("gateway", settings.clone(), "GATEWAY_ADMIN_PORT").await;

    let (code, said) = reen_log(&settings, &[]);
    assert_eq!(code, Some(0), "{said}");
    let usual = said[0]["log"]["usual"].clone();
    assert_eq!(said[0]["log"]["filter"], usual);

    let changed = "warn,reen_gateway=trace";
    let (code, said) = reen_log(&settings, &[changed, "--for", "2s"]);
    assert_eq!(
        (code, &said[0]["log"]["filter"]),
        (Some(0), &changed.into())
    );

    let (code, _) = reen_log(&settings, &["debgu"]);
    assert_eq!(code, Some(2));

    eventually("the usual log", async || {
        let (_, report) = gateway.get("GATEWAY_ADMIN_PORT", "/log")?;
        (report["filter"] == usual).then_some(())
    })
    .await;
    assert!(gateway.process.log().contains("the log is as usual again"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_does_not_answer_is_named() {
    let (code, said) = reen_log(&settings(&[]), &[]);
    assert_eq!(code, Some(1));
    assert_eq!(said[0]["process"], "gateway");
    let problem = said[0]["problem"].as_str().unwrap();
    assert!(problem.starts_with("nothing answers"), "{problem}");
}
