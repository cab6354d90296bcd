//! The environment as the stand-ins read it: every problem at once, and no value repeated.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use url::Url;

/// A URL that webhooks can be posted to.
pub(crate) struct HttpUrl(pub(crate) Url);

impl FromStr for HttpUrl {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url: Url = text.parse()?;
        anyhow::ensure!(
            matches!(url.scheme(), "http" | "https"),
            "its scheme is neither http nor https"
        );
        Ok(Self(url))
    }
}

/// Every variable that is missing or malformed; displays one a line.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigProblems(pub(crate) Vec<String>);

impl fmt::Display for ConfigProblems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the configuration is incomplete")?;
        for problem in &self.0 {
            write!(formatter, "\n  {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigProblems {}

/// Collects problems instead of stopping at the first.
pub(crate) struct Reader<L> {
    lookup: L,
    pub(crate) problems: Vec<String>,
}

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    pub(crate) fn over(lookup: L) -> Self {
        Self {
            lookup,
            problems: Vec::new(),
        }
    }

    pub(crate) fn required<T: FromStr>(&mut self, name: &str, meaning: &str) -> Option<T> {
        let given = self.given(name);
        if given.is_none() {
            self.problems.push(format!("{name} is missing: {meaning}"));
        }
        given.and_then(|text| self.parsed(name, meaning, &text))
    }

    pub(crate) fn optional<T: FromStr>(&mut self, name: &str, meaning: &str) -> Option<T> {
        let text = self.given(name)?;
        self.parsed(name, meaning, &text)
    }

    pub(crate) fn milliseconds(&mut self, name: &str, fallback: Duration) -> Duration {
        self.optional(name, "a number of milliseconds")
            .map_or(fallback, Duration::from_millis)
    }

    /// An empty variable counts as unset, as it does in most shells' use.
    fn given(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|text| !text.is_empty())
    }

    /// The value is not repeated in the problem: it may be a secret.
    fn parsed<T: FromStr>(&mut self, name: &str, meaning: &str, text: &str) -> Option<T> {
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.problems.push(format!("{name} is not {meaning}"));
        }
        parsed
    }
}
