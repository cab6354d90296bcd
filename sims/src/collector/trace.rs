use std::collections::BTreeSet;
use std::fmt;

use super::Span;

/// What one request or message caused. Shown as a tree: each part below what it is a part of, with the process
/// that did it, when it began since the trace did, and how long it took.
#[derive(Clone, Debug)]
pub struct Trace {
    spans: Vec<Span>,
}

impl Trace {
    /// The spans of one trace.
    #[must_use]
    pub fn of(mut spans: Vec<Span>) -> Self {
        spans.sort_by_key(|span| (span.began, std::cmp::Reverse(span.lasted)));
        Self { spans }
    }

    /// Its spans, in the order in which they began.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// What has nothing above it here: one, if the trace is whole.
    #[must_use]
    pub fn roots(&self) -> Vec<&Span> {
        let ids: BTreeSet<&str> = self.spans.iter().map(|span| span.id.as_str()).collect();
        let is_below = |parent: &String| ids.contains(parent.as_str());
        let roots = self.spans.iter();
        roots
            .filter(|span| !span.parent.as_ref().is_some_and(is_below))
            .collect()
    }

    /// The parts of a span, in the order in which they began.
    pub fn parts_of(&self, span: &Span) -> impl Iterator<Item = &Span> {
        let is_part = |part: &&Span| part.parent.as_deref() == Some(span.id.as_str());
        self.spans.iter().filter(is_part)
    }

    /// The names of what a span is a part of, from the outside in, and its own.
    #[must_use]
    pub fn path_to(&self, span: &Span) -> Vec<&str> {
        let found = |id: &str| self.spans.iter().find(|span| span.id == id);
        let this = found(&span.id);
        let above = std::iter::successors(this, |span| span.parent.as_deref().and_then(found));
        let mut path: Vec<&str> = above.map(|span| span.name.as_str()).collect();
        path.reverse();
        path
    }

    fn show(
        &self,
        formatter: &mut fmt::Formatter<'_>,
        span: &Span,
        indent: &mut String,
        branch: &str,
    ) -> fmt::Result {
        let asking = if span.is_asking() { "→ " } else { "" };
        let tree = format!("{indent}{branch}{asking}{}", span.name);
        let since = span.began.saturating_sub(self.began());
        let (since, lasted) = (millis(since), millis(span.lasted));
        let failed = if span.failed { "  FAILED" } else { "" };
        let process = &span.process;
        writeln!(
            formatter,
            "{process:<15} {since:>9} {lasted:>9}  {tree}{failed}"
        )?;
        let length = indent.len();
        indent.push_str(match branch {
            "" => "",
            "└─ " => "   ",
            _ => "│  ",
        });
        let parts: Vec<&Span> = self.parts_of(span).collect();
        for (index, part) in parts.iter().enumerate() {
            let is_last = index + 1 == parts.len();
            self.show(formatter, part, indent, if is_last { "└─ " } else { "├─ " })?;
        }
        indent.truncate(length);
        Ok(())
    }

    fn began(&self) -> std::time::Duration {
        self.spans
            .first()
            .map(|span| span.began)
            .unwrap_or_default()
    }
}

/// Milliseconds with three decimals.
fn millis(time: std::time::Duration) -> String {
    let micros = time.as_micros();
    format!("{}.{:03}", micros / 1000, micros % 1000)
}

impl fmt::Display for Trace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.spans.first().map_or("", |span| &span.trace_id);
        writeln!(formatter, "trace {id}, {} spans", self.spans.len())?;
        writeln!(
            formatter,
            "{:<15} {:>9} {:>9}",
            "PROCESS", "AT MS", "TOOK MS"
        )?;
        for root in self.roots() {
            self.show(formatter, root, &mut String::new(), "")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::{Span, Trace};

    fn span(id: &str, parent: Option<&str>, began: u64) -> Span {
        Span {
            trace_id: "t".to_owned(),
            id: id.to_owned(),
            parent: parent.map(str::to_owned),
            links: Vec::new(),
            name: format!("work {id}"),
            kind: "Internal",
            process: "gateway".to_owned(),
            began: Duration::from_millis(began),
            lasted: Duration::from_micros(1_500),
            failed: id == "c",
            attributes: BTreeMap::new(),
        }
    }

    #[test]
    fn a_trace_is_shown_as_a_tree() {
        let parts = [
            span("c", Some("b"), 30),
            span("a", None, 10),
            span("d", Some("a"), 40),
            span("b", Some("a"), 20),
        ];
        let trace = Trace::of(parts.to_vec());
        let shown = trace.to_string();
        let lines: Vec<&str> = shown.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "gateway             0.000     1.500  work a",
                "gateway            10.000     1.500  ├─ work b",
                "gateway            20.000     1.500  │  └─ work c  FAILED",
                "gateway            30.000     1.500  └─ work d",
            ]
        );
        assert_eq!(trace.roots().len(), 1);
        let path = trace.path_to(&parts[0]);
        assert_eq!(path, ["work a", "work b", "work c"]);
    }

    #[test]
    fn what_has_lost_its_parent_is_a_root() {
        let trace = Trace::of(vec![span("a", None, 0), span("b", Some("gone"), 1)]);
        assert_eq!(trace.roots().len(), 2);
    }
}
