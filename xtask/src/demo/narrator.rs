//! What happens, line by line, each with the time that it took.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Prints steps on standard output; in colour on a terminal only.
pub(crate) struct Narrator {
    colour: bool,
}

impl Narrator {
    pub(crate) fn new(title: &str) -> Self {
        let narrator = Self {
            colour: io::stdout().is_terminal(),
        };
        println!("\n{}", narrator.paint("1", title));
        narrator
    }

    /// Does something and tells it: the time, what was done, and what came of it.
    pub(crate) fn tell<T>(
        &self,
        what: &str,
        act: impl FnOnce() -> Result<T>,
        outcome: impl FnOnce(&T) -> String,
    ) -> Result<T> {
        let started = Instant::now();
        let result = act().with_context(|| format!("{what} failed"))?;
        self.line(started.elapsed(), what, &outcome(&result));
        Ok(result)
    }

    fn line(&self, elapsed: Duration, what: &str, outcome: &str) {
        let time = self.paint("2", &format!("{:>9}", milliseconds(elapsed)));
        println!(
            "{time}  {}  {outcome}",
            self.paint("32", &format!("{what:<22}"))
        );
    }

    /// The last line.
    pub(crate) fn conclude(&self, text: &str) {
        println!("{:>9}  {}", "", self.paint("1;32", text));
    }

    fn paint(&self, style: &str, text: &str) -> String {
        if self.colour {
            return format!("\x1b[{style}m{text}\x1b[0m");
        }
        text.to_owned()
    }
}

/// With one decimal: `12.3 ms`.
pub(crate) fn milliseconds(elapsed: Duration) -> String {
    let tenths = elapsed.as_micros() / 100;
    format!("{}.{} ms", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_one_decimal() {
        assert_eq!(milliseconds(Duration::from_micros(12_345)), "12.3 ms");
        assert_eq!(milliseconds(Duration::from_micros(99)), "0.0 ms");
    }
}
