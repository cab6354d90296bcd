//! How often processes ask for memory, as they tell it themselves when they were built to count it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::{Context as _, Result};

use crate::ask::Ask;
use crate::connection::Connection;
use crate::usage::Usage;

const METRIC: &str = "process_allocations_total ";

/// So far, of each that counts, by the addresses of their admin listeners.
pub(crate) async fn so_far(admin: &BTreeMap<String, SocketAddr>) -> Result<Usage> {
    let mut counted = BTreeMap::new();
    for (name, address) in admin {
        let mut connection = Connection::open(*address).await?;
        let page = connection.ask(&Ask::get("/metrics")).await;
        let page = page.with_context(|| format!("the metrics of {name}"))?;
        if let Some(count) = count_in(&String::from_utf8_lossy(&page)) {
            counted.insert(name.clone(), count);
        }
    }
    Ok(Usage(counted))
}

fn count_in(page: &str) -> Option<u64> {
    let mut counts = page.lines().filter_map(|line| line.strip_prefix(METRIC));
    counts.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::count_in;

    #[test]
    fn a_process_counts_or_does_not() {
        let page =
            "# TYPE process_allocations_total counter\nprocess_allocations_total 42\nother 1\n";
        assert_eq!(count_in(page), Some(42));
        assert_eq!(count_in("other 1\n"), None);
    }
}
