//! What came of a run.

use std::fmt;
use std::time::Duration;

use crate::plan::Fault;

/// How often what went wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Struck {
    /// Processes and backends that got SIGKILL.
    pub kills: u64,
    /// Lines that were cut.
    pub cuts: u64,
    /// Lines that were slow.
    pub delays: u64,
    /// Primaries that stepped down.
    pub step_downs: u64,
}

impl Struck {
    pub(crate) fn count(&mut self, fault: &Fault) {
        match fault {
            Fault::Kill { .. } | Fault::KillBackend { .. } => self.kills += 1,
            Fault::Cut { .. } => self.cuts += 1,
            Fault::Delay { .. } => self.delays += 1,
            Fault::StepDown => self.step_downs += 1,
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.kills += other.kills;
        self.cuts += other.cuts;
        self.delays += other.delays;
        self.step_downs += other.step_downs;
    }
}

/// What the checker found, by Stripe's books and by the databases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Sessions that were paid, as Stripe has it.
    pub paid: u64,
    /// Orders, as the orders service has it.
    pub orders: u64,
    /// Refunds, as Stripe has it.
    pub refunds: u64,
    /// Payments with neither an order nor all of the money back; with their ids.
    pub lost: Vec<String>,
    /// Payments with more than one end, and orders that nobody paid; with their ids.
    pub doubled: Vec<String>,
    /// Invariants that do not hold; with the ids of what breaks them.
    pub broken: Vec<String>,
}

/// What came of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Purchases that were begun, whatever became of them.
    pub purchases: u64,
    /// What went wrong on purpose.
    pub struck: Struck,
    /// What the checker found at last.
    pub findings: Findings,
    /// Purchases whose buyer was refused for longer than anything was away.
    pub given_up: Vec<String>,
    /// How often a process ended without having been killed; it was started again.
    pub ended_by_themselves: u64,
    /// The longest time from the last purchase of a round until nothing was under way.
    pub longest_to_quiet: Duration,
    /// How long buyers were buying.
    pub buying: Duration,
}

impl Report {
    /// Whether nothing was lost, doubled, broken or stuck.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.wrong().is_empty()
    }

    /// Everything that is wrong, a line each.
    #[must_use]
    pub fn wrong(&self) -> Vec<String> {
        let named = |word: &'static str, lines: &[String]| {
            let lines = lines.iter().map(move |line| format!("{word}: {line}"));
            lines.collect::<Vec<_>>()
        };
        [
            named("lost", &self.findings.lost),
            named("doubled", &self.findings.doubled),
            named("broken", &self.findings.broken),
            named("given up", &self.given_up),
        ]
        .concat()
    }

    /// Purchases per second, in tenths.
    fn tenths_per_second(&self) -> u128 {
        let millis = self.buying.as_millis().max(1);
        u128::from(self.purchases) * 10_000 / millis
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.tenths_per_second();
        let found = &self.findings;
        let rows = [
            ("purchases", self.purchases.to_string()),
            ("paid", found.paid.to_string()),
            ("orders", found.orders.to_string()),
            ("refunds", found.refunds.to_string()),
            ("lost", found.lost.len().to_string()),
            ("doubled", found.doubled.len().to_string()),
            ("invariants broken", found.broken.len().to_string()),
            ("given up", self.given_up.len().to_string()),
            ("kills", self.struck.kills.to_string()),
            ("cuts", self.struck.cuts.to_string()),
            ("delays", self.struck.delays.to_string()),
            ("step-downs", self.struck.step_downs.to_string()),
            ("ended by themselves", self.ended_by_themselves.to_string()),
            (
                "longest to quiet",
                format!("{} ms", self.longest_to_quiet.as_millis()),
            ),
            (
                "purchases per second",
                format!("{}.{}", tenths / 10, tenths % 10),
            ),
        ];
        for (name, value) in rows {
            writeln!(formatter, "{name:<22}{value:>10}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_with_a_finding_is_not_clean() {
        let mut report = Report {
            purchases: 300,
            buying: Duration::from_secs(8),
            ..Report::default()
        };
        assert!(report.is_clean());
        assert!(report.to_string().contains("37.5"));
        report.findings.lost.push("cs_1".to_owned());
        assert_eq!(report.wrong(), ["lost: cs_1"]);
    }
}
