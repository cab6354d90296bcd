//! Files and functions that fit into a head.

use super::source::Source;
use super::{Rule, Violation};

const FILE_LINES: usize = 400;
/// Tests are exempt: they are long lists of what is expected.
const FUNCTION_LINES: usize = 50;

pub(super) fn violations(sources: &[Source]) -> Vec<Violation> {
    sources
        .iter()
        .flat_map(|source| long_file(source).into_iter().chain(long_functions(source)))
        .collect()
}

fn long_file(source: &Source) -> Option<Violation> {
    if source.lines <= FILE_LINES {
        return None;
    }
    Some(Violation {
        rule: Rule::FileSize,
        path: source.path.clone(),
        line: FILE_LINES + 1,
        subject: source.path.clone(),
        message: format!(
            "the file has {} lines, the limit is {FILE_LINES}",
            source.lines
        ),
    })
}

fn long_functions(source: &Source) -> impl Iterator<Item = Violation> {
    source
        .functions
        .iter()
        .filter(|function| !function.in_test && function.lines > FUNCTION_LINES)
        .map(|function| Violation {
            rule: Rule::FunctionSize,
            path: source.path.clone(),
            line: function.line,
            subject: function.name.clone(),
            message: format!(
                "{} has {} lines, the limit is {FUNCTION_LINES}",
                function.name, function.lines
            ),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(text: &str) -> Vec<String> {
        let source = Source::parse("sims", "sims/src/lib.rs", text).unwrap();
        violations(&[source])
            .into_iter()
            .map(|violation| violation.message)
            .collect()
    }

    #[test]
    fn limits_are_inclusive() {
        let function = |lines: usize| format!("fn a() {{{}}}", "\n".repeat(lines - 1));
        assert!(messages(&function(50)).is_empty());
        assert_eq!(messages(&function(51)), ["a has 51 lines, the limit is 50"]);
        assert!(messages(&"\n".repeat(400)).is_empty());
        assert_eq!(
            messages(&"\n".repeat(401)),
            ["the file has 401 lines, the limit is 400"]
        );
    }

    #[test]
    fn tests_may_be_long() {
        let text = format!(
            "#[cfg(test)]\nmod tests {{ fn a() {{{}}} }}",
            "\n".repeat(60)
        );
        assert!(messages(&text).is_empty());
    }
}
