//! Six databases of their own, and somebody who types.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use reen_invariants::{Databases, Progress, Terms, check};
use reen_mongo::Database;
use reen_testkit::TestDatabase;
use serde_json::Value;

pub(crate) const KEYS: [&str; 6] = [
    "AUTH_DATABASE_URL",
    "PRODUCTS_DATABASE_URL",
    "CART_ITEMS_DATABASE_URL",
    "CHECKOUT_DATABASE_URL",
    "ORDERS_DATABASE_URL",
    "EVENTS_DATABASE_URL",
];

/// Fresh databases for every process.
pub(crate) struct Six(HashMap<&'static str, TestDatabase>);

/// What the binary said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) text: String,
    pub(crate) complaint: String,
}

impl Six {
    pub(crate) fn fresh() -> Self {
        Self(KEYS.map(|key| (key, TestDatabase::fresh())).into())
    }

    pub(crate) fn environment(&self) -> HashMap<String, String> {
        let own = |(key, database): (&&str, &TestDatabase)| {
            ((*key).to_owned(), database.url_text().to_owned())
        };
        self.0.iter().map(own).collect()
    }

    pub(crate) async fn open(&self, key: &str) -> Database {
        self.0[key].open().await
    }

    /// What the checker finds in them, as on a mesh at work, or as on a quiet one.
    pub(crate) async fn findings(&self, terms: Terms) -> Vec<String> {
        let databases = Databases {
            auth: self.open(KEYS[0]).await,
            products: self.open(KEYS[1]).await,
            cart_items: self.open(KEYS[2]).await,
            checkout: self.open(KEYS[3]).await,
            orders: self.open(KEYS[4]).await,
            events: self.open(KEYS[5]).await,
        };
        let report = check(&databases, terms, &Progress::default()).await;
        let findings = report.unwrap().findings;
        findings.iter().map(ToString::to_string).collect()
    }
}

/// Types a command and waits until it has ended.
pub(crate) async fn type_in(environment: &HashMap<String, String>, arguments: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reen"));
    command.args(arguments).env_clear().envs(environment);
    let ended = tokio::task::spawn_blocking(move || command.output());
    let output = ended.await.unwrap().unwrap();
    Said {
        code: output.status.code().unwrap(),
        text: String::from_utf8(output.stdout).unwrap(),
        complaint: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The same with `--json`; answers the exit code and what was said.
pub(crate) async fn type_for_machines(
    environment: &HashMap<String, String>,
    arguments: &[&str],
) -> (i32, Value) {
    let said = type_in(environment, &[arguments, &["--json"]].concat()).await;
    let value = serde_json::from_str(&said.text);
    (
        said.code,
        value.unwrap_or_else(|error| panic!("{error}: {said:?}")),
    )
}

pub(crate) async fn backup(environment: &HashMap<String, String>, folder: &Path) -> Said {
    type_in(environment, &["backup", folder.to_str().unwrap()]).await
}

pub(crate) async fn restore(
    environment: &HashMap<String, String>,
    folder: &Path,
    options: &[&str],
) -> Said {
    let arguments = [&["restore", folder.to_str().unwrap()], options].concat();
    type_in(environment, &arguments).await
}
