//! The places that may break a rule, each with its reason.

use super::{Rule, Violation};

/// One place that is allowed to be otherwise.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exception {
    pub(super) rule: Rule,
    /// Relative to the workspace.
    pub(super) path: &'static str,
    /// What the rule complains of: a dependency, an import, a function's name, or the file's.
    pub(super) subject: &'static str,
    /// Why it is right here.
    pub(super) reason: &'static str,
}

/// An exception that is not needed any more is a violation itself.
pub(super) const EXCEPTIONS: &[Exception] = &[];

/// What remains to be said: violations without an exception, and exceptions without a violation.
pub(super) fn apply(exceptions: &[Exception], found: &[Violation]) -> Vec<String> {
    let remaining = found
        .iter()
        .filter(|violation| {
            !exceptions
                .iter()
                .any(|exception| exception.covers(violation))
        })
        .map(Violation::to_string);
    let unused = exceptions
        .iter()
        .filter(|exception| !found.iter().any(|violation| exception.covers(violation)))
        .map(Exception::complaint);
    remaining.chain(unused).collect()
}

impl Exception {
    fn covers(&self, violation: &Violation) -> bool {
        self.rule == violation.rule
            && self.path == violation.path
            && self.subject == violation.subject
    }

    fn complaint(&self) -> String {
        let Self {
            rule,
            path,
            subject,
            reason,
        } = self;
        format!("{path}:1: the exception for {subject} ({rule:?}: {reason}) is not needed any more")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Exception = Exception {
        rule: Rule::FunctionSize,
        path: "a/src/lib.rs",
        subject: "long",
        reason: "a table",
    };

    fn violation(subject: &str) -> Violation {
        Violation {
            rule: Rule::FunctionSize,
            path: "a/src/lib.rs".to_owned(),
            line: 3,
            subject: subject.to_owned(),
            message: "too long".to_owned(),
        }
    }

    #[test]
    fn an_exception_covers_its_place_only() {
        let messages = apply(&[LONG], &[violation("long"), violation("other")]);
        assert_eq!(messages, ["a/src/lib.rs:3: too long"]);
    }

    #[test]
    fn an_exception_without_a_violation_is_one() {
        let messages = apply(&[LONG], &[]);
        assert_eq!(messages.len(), 1);
        assert!(messages[0].contains("not needed any more"));
    }
}
