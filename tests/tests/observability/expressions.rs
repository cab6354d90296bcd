use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use reen_tests::workspace;
use serde_json::Value;

/// What the rules compute, under this name.
const RECORDED: [&str; 2] = ["reen:", "role_peer:"];
/// What our processes tell begins like this, and nothing else does.
const TOLD: [&str; 2] = ["reen_", "process_"];

/// Something that is asked of Prometheus.
pub(crate) struct Expression {
    /// Who asks, for whoever reads a failure.
    pub(crate) asker: String,
    pub(crate) text: String,
}

impl Expression {
    /// The metrics that it names: its words that are neither labels nor functions.
    pub(crate) fn metrics(&self) -> BTreeSet<&str> {
        self.words_beginning_with(&TOLD)
    }

    /// What it takes from recording rules.
    pub(crate) fn recorded(&self) -> BTreeSet<&str> {
        self.words_beginning_with(&RECORDED)
    }

    fn words_beginning_with(&self, beginnings: &[&str]) -> BTreeSet<&str> {
        let is_part =
            |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':';
        let words = self.text.split(|letter| !is_part(letter));
        words
            .filter(|word| beginnings.iter().any(|begin| word.starts_with(begin)))
            .collect()
    }

    /// As it stands in a rule: Grafana's own words exchanged for what Grafana would make of them.
    pub(crate) fn for_promtool(&self) -> String {
        self.text.replace("$__rate_interval", "1m")
    }
}

/// Where everything is.
pub(crate) fn folder(path: &str) -> PathBuf {
    workspace().join("deploy/observability").join(path)
}

/// The files below a folder with this ending.
pub(crate) fn files(path: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder(path)).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|found| found == ending));
    assert!(!files.is_empty(), "nothing in {path}");
    files
}

/// The rules, as they are written.
pub(crate) fn rules() -> Vec<Value> {
    let mut rules = Vec::new();
    for file in files("prometheus/rules", "yml") {
        let text = fs::read_to_string(file).unwrap();
        let read: Value = serde_norway::from_str(&text).unwrap();
        for group in read["groups"].as_array().unwrap() {
            rules.extend(group["rules"].as_array().unwrap().iter().cloned());
        }
    }
    rules
}

/// The dashboards, as they are written.
pub(crate) fn dashboards() -> Vec<Value> {
    let files = files("grafana/dashboards", "json").into_iter();
    let read = files.map(|file| fs::read_to_string(file).unwrap());
    read.map(|text| serde_json::from_str(&text).unwrap())
        .collect()
}

/// What rules ask.
pub(crate) fn of_rules() -> Vec<Expression> {
    let rules = rules();
    let expression = |rule: &Value| {
        let name = rule["alert"].as_str().or(rule["record"].as_str());
        Expression {
            asker: name.unwrap().to_owned(),
            text: rule["expr"].as_str().unwrap().to_owned(),
        }
    };
    rules.iter().map(expression).collect()
}

/// What dashboards ask.
pub(crate) fn of_dashboards() -> Vec<Expression> {
    let mut expressions = Vec::new();
    for dashboard in dashboards() {
        for panel in dashboard["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().unwrap() {
                expressions.push(Expression {
                    asker: format!("{}: {}", dashboard["title"], panel["title"]),
                    text: target["expr"].as_str().unwrap().to_owned(),
                });
            }
        }
    }
    expressions
}
