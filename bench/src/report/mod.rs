//! What was measured: a table, the same as JSON, and a plot.

mod plot;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Serialize;

use crate::load::Measured;

pub(crate) use plot::plot;

const NANOS_OF_A_MICRO: u64 = 1_000;
const MEBIBYTE: u64 = 1024 * 1024;

/// All rows.
#[derive(Default, Serialize)]
pub(crate) struct Table {
    pub(crate) lines: Vec<Line>,
}

/// One row. Times to wait are in microseconds; costs are nanoseconds of processor time for each answer,
/// so that a million of them is one CPU-second for 1,000 requests.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Line {
    pub(crate) name: String,
    products: u64,
    answered: u64,
    failed: u64,
    failure: Option<String>,
    per_second: u64,
    p50: u64,
    p99: u64,
    p999: u64,
    pub(crate) ours: BTreeMap<String, u64>,
    beside: BTreeMap<String, u64>,
    memory_bytes: u64,
    /// How often each process asked for memory for each answer, of those that count.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    allocations: BTreeMap<String, u64>,
}

impl Line {
    /// `ours` and `beside` are microseconds of processor time in all.
    pub(crate) fn new(
        name: &str,
        products: u64,
        busy: &Measured,
        ours: BTreeMap<String, u64>,
        beside: BTreeMap<String, u64>,
    ) -> Self {
        let answered = busy.answered();
        let each = |micros: BTreeMap<String, u64>| {
            let share = |micros: u64| micros * NANOS_OF_A_MICRO / answered.max(1);
            let shares = micros
                .into_iter()
                .map(|(name, micros)| (name, share(micros)));
            shares.collect()
        };
        Self {
            name: name.to_owned(),
            products,
            answered,
            failed: busy.failed,
            failure: busy.failure.clone(),
            per_second: busy.rate(),
            p50: 0,
            p99: 0,
            p999: 0,
            ours: each(ours),
            beside: each(beside),
            memory_bytes: 0,
            allocations: BTreeMap::new(),
        }
    }

    pub(crate) fn with_waits(mut self, calm: &Measured) -> Self {
        let waited = |quantile| calm.waits.value_at_quantile(quantile);
        (self.p50, self.p99, self.p999) = (waited(0.5), waited(0.99), waited(0.999));
        self
    }

    pub(crate) fn with_memory(mut self, bytes: u64) -> Self {
        self.memory_bytes = bytes;
        self
    }

    /// `allocations` are of all answers together.
    pub(crate) fn with_allocations(mut self, allocations: &BTreeMap<String, u64>) -> Self {
        let answered = self.answered.max(1);
        let each = allocations
            .iter()
            .map(|(name, count)| (name.clone(), count / answered));
        self.allocations = each.collect();
        self
    }

    fn write_allocations(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.allocations.is_empty() {
            return Ok(());
        }
        let all: u64 = self.allocations.values().sum();
        let asking = self.allocations.iter().filter(|(_, count)| **count > 0);
        let each: Vec<_> = asking
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        writeln!(formatter, "    allocations {all}: {}", each.join(", "))
    }

    /// Of all our processes together.
    pub(crate) fn cost(&self) -> u64 {
        self.ours.values().sum()
    }
}

impl Table {
    /// A row with failures measures something else.
    pub(crate) fn require_clean(&self) -> Result<()> {
        for line in &self.lines {
            if let Some(failure) = &line.failure {
                bail!(
                    "{}: {} failed, the first: {failure}",
                    line.name,
                    line.failed
                );
            }
        }
        Ok(())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "{:26} {:>9} {:>8} {:>8} {:>8} {:>8} {:>10} {:>10} {:>6}",
            "row", "products", "per s", "p50 ms", "p99", "p99.9", "CPU s/1000", "backends", "MiB"
        )?;
        for line in &self.lines {
            writeln!(
                formatter,
                "{:26} {:>9} {:>8} {:>8} {:>8} {:>8} {:>10} {:>10} {:>6}",
                line.name,
                line.products,
                line.per_second,
                thousandth(line.p50),
                thousandth(line.p99),
                thousandth(line.p999),
                thousandth(line.cost() / NANOS_OF_A_MICRO),
                thousandth(line.beside.values().sum::<u64>() / NANOS_OF_A_MICRO),
                line.memory_bytes / MEBIBYTE,
            )?;
            let by_process = line
                .ours
                .iter()
                .filter(|(_, nanos)| **nanos > NANOS_OF_A_MICRO);
            let shares: Vec<_> = by_process
                .map(|(name, nanos)| format!("{name} {}", thousandth(nanos / NANOS_OF_A_MICRO)))
                .collect();
            writeln!(formatter, "    {}", shares.join(", "))?;
            line.write_allocations(formatter)?;
        }
        write!(
            formatter,
            "per s and CPU: as many requests at once as connections; p: at half that rate, each at its moment"
        )
    }
}

/// `1234` as `1.234`.
fn thousandth(number: u64) -> String {
    format!("{}.{:03}", number / 1_000, number % 1_000)
}

pub(crate) fn write_json(table: &Table, path: &Path) -> Result<()> {
    let text = serde_json::to_vec_pretty(table)?;
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::{Line, Table};
    use crate::load::Measured;

    fn measured(answers: u64) -> Measured {
        let mut measured = Measured::nothing().unwrap();
        measured.elapsed = Duration::from_secs(2);
        for _ in 0..answers {
            measured.note(Ok(()), Duration::from_micros(1_500));
        }
        measured
    }

    #[test]
    fn a_thousand_answers_of_one_second_in_all_cost_one() {
        let spent = BTreeMap::from([("gateway".to_owned(), 1_000_000)]);
        let busy = measured(1_000);
        let line = Line::new("row", 3, &busy, spent, BTreeMap::new()).with_waits(&busy);
        assert_eq!(line.cost(), 1_000_000);
        let asked = BTreeMap::from([("gateway".to_owned(), 42_000), ("auth".to_owned(), 999)]);
        let line = line.with_allocations(&asked);
        let table = Table { lines: vec![line] };
        assert!(table.require_clean().is_ok());
        let text = table.to_string();
        for part in [
            " 500 ",
            " 1.5",
            "gateway 1.000",
            "allocations 42: gateway 42\n",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn failures_are_not_measured_away() {
        let mut busy = measured(1);
        busy.note::<()>(Err(anyhow::anyhow!("refused")), Duration::ZERO);
        assert_eq!(busy.answered(), 1);
        let line = Line::new("row", 0, &busy, BTreeMap::new(), BTreeMap::new());
        let table = Table { lines: vec![line] };
        let error = table.require_clean().unwrap_err().to_string();
        assert_eq!(error, "row: 1 failed, the first: refused");
    }
}
