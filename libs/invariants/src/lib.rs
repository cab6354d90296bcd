//! What must hold over the databases of a mesh, whatever crashed: the checker behind `reen verify`, the
//! end-to-end tests and the chaos runs. It only reads.
//!
//! 1. Every paid checkout ends in exactly one order or exactly one full refund.
//! 2. Of each product `available + held + sold = stocked`, and none is negative; held and sold are what
//!    the holds say, and sold holds have orders.
//! 3. Every posting sums to zero; balances, gains and spendings are what the postings say; each order
//!    has its sale and each sale its order.
//! 4. Nothing was done twice: one order for each checkout, no more given back than was paid.
//!
//! A mesh at work is always in the middle of something. What one database says of itself is read as a
//! snapshot, so that it is exact. What two databases say of one checkout is looked at twice, and never
//! while its saga is at it: what is off then is off for good.

mod documents;
mod ledger;
mod orders;
mod payments;
mod stock;

use std::fmt;

use reen_mongo::Database;

/// The databases of one mesh.
#[derive(Clone, Debug)]
pub struct Databases {
    /// Users and the ledger.
    pub auth: Database,
    /// Products and holds.
    pub products: Database,
    /// Checkouts.
    pub checkout: Database,
    /// Orders.
    pub orders: Database,
    /// Sagas.
    pub events: Database,
}

/// Whether something may still be on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mesh {
    /// Buyers buy and sagas run: those are not findings.
    AtWork,
    /// Everything should have come to its end: a saga that has not is a finding.
    Quiet,
}

/// Which of the invariants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// One order or one full refund.
    Payments,
    /// `available + held + sold = stocked`.
    Stock,
    /// Postings and what follows from them.
    Ledger,
    /// At most one effect.
    Once,
}

impl Invariant {
    /// Its number in the design.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Payments => 1,
            Self::Stock => 2,
            Self::Ledger => 3,
            Self::Once => 4,
        }
    }
}

/// Something that is off.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What it breaks.
    pub invariant: Invariant,
    /// The id of the checkout, product, posting, user or saga.
    pub subject: String,
    /// One sentence.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.invariant.number();
        write!(f, "invariant {number}: {}: {}", self.subject, self.what)
    }
}

/// What was looked at, and what is off.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Sorted.
    pub findings: Vec<Finding>,
    /// How many checkouts were read.
    pub checkouts: u64,
    /// How many orders were read.
    pub orders: u64,
    /// How many products were read.
    pub products: u64,
    /// How many users were read.
    pub users: u64,
}

/// Checks everything.
///
/// # Errors
/// When a database cannot be read.
pub async fn check(databases: &Databases, mesh: Mesh) -> Result<Report, reen_mongo::Error> {
    let mut report = Report::default();
    stock::check(databases, &mut report).await?;
    ledger::check(databases, &mut report).await?;
    payments::check(databases, mesh, &mut report).await?;
    orders::check(databases, mesh, &mut report).await?;
    report.findings.sort_unstable();
    report.findings.dedup();
    Ok(report)
}

impl Report {
    fn add(&mut self, invariant: Invariant, subject: impl Into<String>, what: impl Into<String>) {
        self.findings.push(Finding {
            invariant,
            subject: subject.into(),
            what: what.into(),
        });
    }
}
