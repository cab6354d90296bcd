//! Asking many times, from many connections.

mod closed;
mod open;

use std::time::Duration;

use anyhow::Result;
use hdrhistogram::Histogram;

pub(crate) use closed::closed;
pub(crate) use open::open;

const LONGEST_MICROS: u64 = 60_000_000;
const DIGITS: u8 = 3;

/// What came of a loop.
pub(crate) struct Measured {
    pub(crate) elapsed: Duration,
    pub(crate) failed: u64,
    /// What the first failure said.
    pub(crate) failure: Option<String>,
    /// Of those that were answered as expected, in microseconds.
    pub(crate) waits: Histogram<u64>,
}

impl Measured {
    pub(crate) fn nothing() -> Result<Self> {
        Ok(Self {
            elapsed: Duration::ZERO,
            failed: 0,
            failure: None,
            waits: Histogram::new_with_max(LONGEST_MICROS, DIGITS)?,
        })
    }

    pub(crate) fn answered(&self) -> u64 {
        self.waits.len()
    }

    /// Answers a second.
    pub(crate) fn rate(&self) -> u64 {
        let micros = self.elapsed.as_micros().max(1);
        let answered = u128::from(self.answered()) * 1_000_000;
        u64::try_from(answered / micros).unwrap_or(u64::MAX)
    }

    pub(crate) fn note<T>(&mut self, outcome: Result<T>, waited: Duration) {
        match outcome {
            Ok(_) => {
                let micros = u64::try_from(waited.as_micros()).unwrap_or(LONGEST_MICROS);
                self.waits.saturating_record(micros.max(1));
            }
            Err(error) => {
                self.failed += 1;
                self.failure.get_or_insert_with(|| format!("{error:#}"));
            }
        }
    }

    /// What several connections have measured at the same time.
    pub(crate) fn together(parts: Vec<Self>, elapsed: Duration) -> Result<Self> {
        let mut all = Self::nothing()?;
        all.elapsed = elapsed;
        for part in parts {
            all.failed += part.failed;
            all.failure = all.failure.or(part.failure);
            all.waits.add(&part.waits)?;
        }
        Ok(all)
    }
}
