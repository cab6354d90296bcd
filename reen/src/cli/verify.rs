use std::fmt::Write as _;

use anyhow::Context as _;
use clap::Args;
use reen_chassis::config::{Environment, Reader};
use reen_invariants::{Databases, Finding, Progress, Report, Terms, check};
use reen_mongo::Database;
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::waiting::with_signs_of_life;
use super::{NAME, Said};

#[derive(Args)]
pub(crate) struct Options {
    /// Nobody buys and nothing waits: whatever has not ended is a finding, however young it is.
    #[arg(long)]
    strict: bool,
}

/// Where the databases are.
struct Urls {
    auth: SecretString,
    products: SecretString,
    cart_items: SecretString,
    checkout: SecretString,
    orders: SecretString,
    events: SecretString,
}

impl Urls {
    fn read(environment: &dyn Environment) -> anyhow::Result<Self> {
        Ok(Reader::read(environment, |reader| {
            let auth = reader.secret("AUTH_DATABASE_URL");
            let products = reader.secret("PRODUCTS_DATABASE_URL");
            let cart_items = reader.secret("CART_ITEMS_DATABASE_URL");
            let checkout = reader.secret("CHECKOUT_DATABASE_URL");
            let orders = reader.secret("ORDERS_DATABASE_URL");
            let events = reader.secret("EVENTS_DATABASE_URL");
            Some(Self {
                auth: auth?,
                products: products?,
                cart_items: cart_items?,
                checkout: checkout?,
                orders: orders?,
                events: events?,
            })
        })?)
    }

    async fn open(&self) -> anyhow::Result<Databases> {
        let (auth, products, cart_items, checkout, orders, events) = tokio::try_join!(
            open("auth", &self.auth),
            open("products", &self.products),
            open("cart-items", &self.cart_items),
            open("checkout", &self.checkout),
            open("orders", &self.orders),
            open("events-handler", &self.events),
        )?;
        Ok(Databases {
            auth,
            products,
            cart_items,
            checkout,
            orders,
            events,
        })
    }
}

async fn open(owner: &str, url: &SecretString) -> anyhow::Result<Database> {
    let opened = Database::open(url, NAME).await;
    opened.with_context(|| format!("the database of {owner} cannot be opened"))
}

/// Looks at everything and says what is wrong.
pub(super) async fn run(options: &Options, environment: &dyn Environment) -> anyhow::Result<Said> {
    let urls = Urls::read(environment)?;
    let terms = match options.strict {
        true => Terms::quiet(),
        false => Terms::at_work(),
    };
    let progress = Progress::default();
    let checking = async {
        let databases = urls.open().await?;
        Ok(check(&databases, terms, &progress).await?)
    };
    let report: anyhow::Result<Report> =
        with_signs_of_life(checking, || sign_of_life(&progress)).await;
    report.map(|report| said(&report))
}

fn sign_of_life(progress: &Progress) -> String {
    let glance = progress.glance();
    match glance.stage {
        "" => "waiting for the databases".to_owned(),
        stage => format!("looked at {} {stage} so far", glance.looked_at),
    }
}

fn said(report: &Report) -> Said {
    match report.is_clean() {
        true => Said::fine(text(report), view(report)),
        false => Said::found(text(report), view(report)),
    }
}

fn text(report: &Report) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let _never_fails = writeln!(text, "{finding}");
    }
    let found = match (report.findings.len(), report.left_off) {
        (0, 0) => "nothing is wrong".to_owned(),
        (1, 0) => "1 finding".to_owned(),
        (found, 0) => format!("{found} findings"),
        (found, more) => format!("{found} findings, and {more} more that are not shown"),
    };
    let looked_at: Vec<String> = report
        .counted
        .iter()
        .map(|(subjects, count)| format!("{count} {subjects}"))
        .collect();
    let _never_fails = write!(text, "{found}; looked at {}", looked_at.join(", "));
    text
}

fn view(report: &Report) -> Value {
    let counted = report.counted.iter();
    let counted: Map<String, Value> = counted
        .map(|(subjects, count)| ((*subjects).to_owned(), json!(count)))
        .collect();
    json!({
        "findings": report.findings.iter().map(view_finding).collect::<Vec<_>>(),
        "leftOff": report.left_off,
        "lookedAt": counted,
    })
}

fn view_finding(finding: &Finding) -> Value {
    json!({
        "invariant": finding.invariant.number(),
        "subject": finding.subject.kind,
        "id": finding.subject.id,
        "what": finding.what,
    })
}
