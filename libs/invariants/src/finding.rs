use std::fmt;

/// What must hold at any time; the numbers are those of the design's list of invariants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// Every payment ends in exactly one order or exactly one full refund.
    OneEnd,
    /// Of each product, available + held + sold = stocked, and none is negative.
    Stock,
    /// Every posting sums to zero, and users have what the postings say.
    Ledger,
    /// An operation has at most one effect.
    Once,
    /// What was accepted is carried on until it has ended.
    NothingLost,
}

impl Invariant {
    /// Its number: 1 to 4, and 6. The fifth, that stale actors change nothing, leaves no trace that
    /// could be checked.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::OneEnd => 1,
            Self::Stock => 2,
            Self::Ledger => 3,
            Self::Once => 4,
            Self::NothingLost => 6,
        }
    }
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// One word, e.g. `checkout`.
    pub kind: &'static str,
    /// Its id as it is stored, ObjectIds as hex digits.
    pub id: String,
}

impl Subject {
    pub(crate) fn new(kind: &'static str, id: impl fmt::Display) -> Self {
        Self {
            kind,
            id: id.to_string(),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.id)
    }
}

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What it breaks.
    pub invariant: Invariant,
    /// What it is about.
    pub subject: Subject,
    /// What is wrong, as the rest of a sentence that begins with the subject.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.invariant.number();
        write!(f, "invariant {number}: {} {}", self.subject, self.what)
    }
}

/// What the checker found, and how much it looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Sorted by invariant and subject; at most a thousand.
    pub findings: Vec<Finding>,
    /// How many more there are.
    pub left_off: u64,
    /// How many were looked at, by their kind in the plural, in the order of the checks.
    pub counted: Vec<(&'static str, u64)>,
}

impl Report {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty() && self.left_off == 0
    }
}

/// Notes what is wrong with one subject.
#[derive(Debug)]
pub(crate) struct Notes {
    subject: Subject,
    findings: Vec<Finding>,
}

impl Notes {
    pub(crate) fn on(subject: Subject) -> Self {
        Self {
            subject,
            findings: Vec::new(),
        }
    }

    pub(crate) fn note(&mut self, invariant: Invariant, what: impl Into<String>) {
        self.findings.push(Finding {
            invariant,
            subject: self.subject.clone(),
            what: what.into(),
        });
    }

    /// Notes it unless it holds; the sentence is only made when it is needed.
    pub(crate) fn demand(
        &mut self,
        holds: bool,
        invariant: Invariant,
        what: impl FnOnce() -> String,
    ) {
        if !holds {
            self.note(invariant, what());
        }
    }

    pub(crate) fn into_findings(self) -> Vec<Finding> {
        self.findings
    }
}
