//! What the user has set: the environment first, then the file `.env` of the checkout.

use std::collections::BTreeMap;
use std::fs;

use crate::layout::Layout;
use crate::mesh::COMMON;

/// Variables that win over everything that xtask would choose.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    values: BTreeMap<String, String>,
}

impl Settings {
    /// An empty value counts as not set. A mesh aside takes nothing of the user's but what every process
    /// reads.
    pub(crate) fn of_user(layout: &Layout) -> Self {
        let file = fs::read_to_string(layout.root().join(".env")).unwrap_or_default();
        let environment = std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
        let all = parse(&file).into_iter().chain(environment);
        let counts = |key: &str| !layout.is_aside() || COMMON.contains(&key);
        Self {
            values: all
                .filter(|(key, value)| counts(key) && !value.is_empty())
                .collect(),
        }
    }

    /// The same, and this one, whatever the user has set.
    #[must_use]
    pub(crate) fn with(mut self, variable: Option<(&'static str, String)>) -> Self {
        let variable = variable.map(|(key, value)| (key.to_owned(), value));
        self.values.extend(variable);
        self
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// All that are set and begin with `prefix`.
    pub(crate) fn beginning_with<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a String, &'a String)> {
        self.values
            .iter()
            .filter(move |(key, _)| key.starts_with(prefix))
    }

    #[cfg(test)]
    pub(crate) fn from<const N: usize>(pairs: [(&str, &str); N]) -> Self {
        let values = pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
        Self {
            values: values.into(),
        }
    }
}

/// `KEY=VALUE` lines; comments, `export` and quotes around the value are understood.
fn parse(file: &str) -> Vec<(String, String)> {
    file.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.strip_prefix("export ").unwrap_or(line))
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim().to_owned(), unquoted(value.trim()).to_owned()))
        .collect()
}

/// Without its quotes, or without the comment behind it when there are none.
fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote)
            && let Some((inner, _)) = inner.split_once(quote)
        {
            return inner;
        }
    }
    value
        .split_once(" #")
        .map_or(value, |(value, _)| value)
        .trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn env_files_are_read_as_they_are_written() {
        let file =
            "# comment\n\nPORT=8000\nexport A = 'b # c' # d\nE=\nF=g=h # i\nJ=\"k\"\nnonsense";
        let pairs = parse(file);
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [
                ("PORT", "8000"),
                ("A", "b # c"),
                ("E", ""),
                ("F", "g=h"),
                ("J", "k")
            ]
        );
    }
}
