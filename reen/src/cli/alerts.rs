use reen_chassis::client::PeerChannel;
use reen_proto::sagas::v1::sagas_client::SagasClient;
use reen_proto::sagas::v1::{Alert, ListAlertsRequest};
use serde_json::{Value, json};

use super::Said;
use super::table::{ago, moment, table};

/// What is past its deadline.
pub(super) async fn run(sagas: &mut SagasClient<PeerChannel>) -> anyhow::Result<Said> {
    let alerts = sagas.list_alerts(ListAlertsRequest {}).await?;
    let alerts = alerts.into_inner().alerts;
    let json = Value::Array(alerts.iter().map(view).collect());
    if alerts.is_empty() {
        return Ok(Said::fine("nothing is past its deadline".to_owned(), json));
    }
    let row = |alert: &Alert| {
        [
            word(alert),
            alert.subject.clone(),
            ago(alert.since.as_ref()),
            alert.what.clone(),
            alert.hint.clone(),
        ]
    };
    let rows: Vec<_> = alerts.iter().map(row).collect();
    let text = table(["ALERT", "SUBJECT", "SINCE", "WHAT", "TYPE"], &rows);
    Ok(Said::found(text, json))
}

fn view(alert: &Alert) -> Value {
    json!({
        "kind": word(alert),
        "subject": alert.subject,
        "what": alert.what,
        "hint": alert.hint,
        "since": moment(alert.since.as_ref()),
    })
}

fn word(alert: &Alert) -> String {
    let name = alert.kind().as_str_name();
    name.trim_start_matches("ALERT_KIND_").to_lowercase()
}
