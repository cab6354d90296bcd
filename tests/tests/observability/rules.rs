//! Rules and dashboards by themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use reen_tests::workspace;
use serde_json::Value;

use crate::expressions::{dashboards, files, folder, of_dashboards, of_rules, rules};
use crate::promtool::promtool;

#[test]
fn prometheus_takes_its_configuration_and_its_rules() {
    let configuration = folder("prometheus/prometheus.yml");
    promtool(&["check", "config"], &[&configuration], "");
    let rules = files("prometheus/rules", "yml");
    let rules: Vec<&Path> = rules.iter().map(AsRef::as_ref).collect();
    promtool(
        &["check", "rules", "--lint=all", "--lint-fatal"],
        &rules,
        "",
    );
}

#[test]
fn alerts_come_when_they_should_and_at_no_other_time() {
    let tests = files("prometheus/tests", "yml");
    let tests: Vec<&Path> = tests.iter().map(AsRef::as_ref).collect();
    promtool(&["test", "rules"], &tests, "");
}

#[test]
fn prometheus_understands_what_dashboards_ask() {
    let mut text = "groups: [{name: dashboards, rules: [\n".to_owned();
    for (number, expression) in of_dashboards().iter().enumerate() {
        let asked = Value::from(expression.for_promtool());
        text.push_str(&format!(
            "{{record: 'dashboards:{number}', expr: {asked}}},\n"
        ));
    }
    text.push_str("]}]");
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), &text).unwrap();
    promtool(&["check", "rules"], &[file.path()], "");
}

#[test]
fn what_is_taken_from_a_rule_is_recorded_by_one() {
    let rules = rules();
    let recorded = rules.iter().filter_map(|rule| rule["record"].as_str());
    let recorded: BTreeSet<&str> = recorded.collect();
    for expression in of_rules().iter().chain(&of_dashboards()) {
        let missing: Vec<&str> = expression
            .recorded()
            .difference(&recorded)
            .copied()
            .collect();
        assert!(missing.is_empty(), "{}: {missing:?}", expression.asker);
    }
}

#[test]
fn every_alert_says_how_urgent_it_is_and_where_it_is_told_what_to_do() {
    let runbook = fs::read_to_string(workspace().join("docs/operations.md")).unwrap();
    let headings = runbook.lines().filter_map(|line| line.strip_prefix("### "));
    let headings: BTreeSet<&str> = headings.collect();
    let rules = rules();
    let alerts: Vec<&Value> = rules
        .iter()
        .filter(|rule| rule["alert"].is_string())
        .collect();
    assert!(alerts.len() > 20);
    for alert in &alerts {
        let name = alert["alert"].as_str().unwrap();
        let severity = alert["labels"]["severity"].as_str();
        assert!(matches!(severity, Some("page" | "ticket")), "{name}");
        assert!(alert["annotations"]["summary"].is_string(), "{name}");
        let anchor = format!("docs/operations.md#{}", name.to_lowercase());
        assert_eq!(alert["annotations"]["runbook"], anchor, "{name}");
        assert!(headings.contains(name), "no runbook for {name}");
    }
    let named: BTreeSet<&str> = alerts
        .iter()
        .filter_map(|it| it["alert"].as_str())
        .collect();
    let ours = headings
        .iter()
        .filter(|heading| heading.starts_with("Reen"));
    let gone: Vec<_> = ours.filter(|heading| !named.contains(*heading)).collect();
    assert!(
        gone.is_empty(),
        "the runbook knows alerts that there are not: {gone:?}"
    );
}

/// Debian's promtool knows no Kubernetes; what the labels are made of is in the manifests.
#[test]
fn in_a_cluster_the_same_rules_get_the_same_labels() {
    let read = |file: &str| -> Value {
        let text = fs::read_to_string(folder("prometheus").join(file)).unwrap();
        serde_norway::from_str(&text).unwrap()
    };
    let (compose, cluster) = (read("prometheus.yml"), read("kubernetes.yml"));
    for part in ["global", "rule_files"] {
        assert_eq!(compose[part], cluster[part], "{part}");
    }
    for configuration in [&compose, &cluster] {
        let asked = &configuration["scrape_configs"][0];
        assert_eq!(asked["job_name"], "reen");
        let relabelled = asked["relabel_configs"].as_array().unwrap();
        assert!(relabelled.iter().any(|it| it["target_label"] == "role"));
    }
}

/// The services of the compose file that are processes of the mesh, by their admin ports.
fn admin_ports() -> BTreeMap<String, u64> {
    let text = fs::read_to_string(workspace().join("compose.yaml")).unwrap();
    let compose: Value = serde_norway::from_str(&text).unwrap();
    let services = compose["services"].as_object().unwrap();
    let port = |service: &Value| {
        let is_role = service["command"][0] == "serve";
        let asked = service["healthcheck"]["test"][3]
            .as_str()
            .filter(|_| is_role)?;
        asked.rsplit_once(':')?.1.parse().ok()
    };
    let ports = services
        .iter()
        .map(|(name, service)| Some((name.clone(), port(service)?)));
    ports.flatten().collect()
}

#[test]
fn prometheus_asks_every_process_of_the_compose_file() {
    let text = fs::read_to_string(folder("prometheus/prometheus.yml")).unwrap();
    let configuration: Value = serde_norway::from_str(&text).unwrap();
    let asked = configuration["scrape_configs"][0]["dns_sd_configs"]
        .as_array()
        .unwrap();
    let address = |it: &Value| {
        (
            it["names"][0].as_str().unwrap().to_owned(),
            it["port"].as_u64().unwrap(),
        )
    };
    let asked: BTreeMap<String, u64> = asked.iter().map(address).collect();
    assert_eq!(asked, admin_ports());
    assert_eq!(asked.len(), 7);
}

#[test]
fn every_panel_has_a_place_of_its_own() {
    for dashboard in dashboards() {
        let mut ids = BTreeSet::new();
        let mut places = BTreeSet::new();
        for panel in dashboard["panels"].as_array().unwrap() {
            let place = &panel["gridPos"];
            assert!(ids.insert(panel["id"].as_u64()), "{}", dashboard["uid"]);
            assert!(places.insert((place["x"].as_u64(), place["y"].as_u64())));
            assert_eq!(panel["datasource"]["uid"], "prometheus");
        }
    }
}
