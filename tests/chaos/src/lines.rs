//! A proxy for each kind of connection.

use std::collections::BTreeMap;
use std::time::Duration;

use reen_testkit::FaultProxy;

use crate::backends::Backends;
use crate::parts::{Line, Process};
use crate::settings::Ports;

/// The lines of a mesh, by kind.
pub(crate) struct Lines {
    lines: BTreeMap<Line, Wire>,
}

struct Wire {
    /// Nothing where a client finds its own way to the members of a set.
    proxy: Option<FaultProxy>,
    url: String,
}

impl Lines {
    /// Lays all lines. A replica set of several members is reached without a proxy: its clients find
    /// the members by themselves.
    pub(crate) async fn lay(
        backends: &Backends,
        ports: &Ports,
        stripe: &str,
        is_set: bool,
    ) -> Self {
        let mut lines = BTreeMap::new();
        for line in Line::all() {
            let target = match line {
                Line::Database(process) => database_url(&backends.mongo_url, process),
                Line::Broker => backends.broker_url.clone(),
                Line::Cache => backends.cache_url.clone(),
                Line::Service(process) => ports.service_url(process),
                Line::Stripe => stripe.to_owned(),
                Line::Webhooks => format!("{}/api/v1/webhooks/stripe", ports.gateway_url()),
            };
            let is_direct = is_set && matches!(line, Line::Database(_));
            let wire = if is_direct {
                Wire {
                    proxy: None,
                    url: target,
                }
            } else {
                let proxy = FaultProxy::to(&target).await;
                let through = proxy.through(&target);
                Wire {
                    proxy: Some(proxy),
                    url: through.trim_end_matches('/').to_owned(),
                }
            };
            lines.insert(line, wire);
        }
        Self { lines }
    }

    /// The other end, through the proxy.
    pub(crate) fn url(&self, line: Line) -> String {
        let wire = self.lines.get(&line);
        wire.map(|wire| wire.url.clone()).unwrap_or_default()
    }

    pub(crate) async fn cut(&self, line: Line, lasting: Duration) {
        let Some(proxy) = self.proxy(line) else {
            return;
        };
        proxy.cut();
        tokio::time::sleep(lasting).await;
        proxy.restore();
    }

    pub(crate) async fn delay(&self, line: Line, by: Duration, lasting: Duration) {
        let Some(proxy) = self.proxy(line) else {
            return;
        };
        proxy.delay(by);
        tokio::time::sleep(lasting).await;
        proxy.restore();
    }

    fn proxy(&self, line: Line) -> Option<&FaultProxy> {
        self.lines.get(&line)?.proxy.as_ref()
    }
}

/// `mongodb://hosts/?options` with the name of a process's database between.
pub(crate) fn database_url(server: &str, process: Process) -> String {
    let (hosts, options) = server.split_once("/?").unwrap_or((server, ""));
    format!("{hosts}/{}?{options}", process.database())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_stands_between_hosts_and_options() {
        assert_eq!(
            database_url("mongodb://a:1,b:2/?replicaSet=rs0", Process::CartItems),
            "mongodb://a:1,b:2/reen_cart_items?replicaSet=rs0"
        );
    }
}
