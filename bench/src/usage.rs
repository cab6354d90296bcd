//! What processes have used, as the system counts it.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result};
use rustix::param::{clock_ticks_per_second, page_size};

/// Behind the name of the command, which may hold anything: user time is the 14th field of all.
const USER_TIME: usize = 11;
const SYSTEM_TIME: usize = 12;
const MICROS: u64 = 1_000_000;

/// What each process has used so far: processor time in microseconds, or how often it asked for memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage(pub(crate) BTreeMap<String, u64>);

impl Usage {
    /// Processor time.
    pub(crate) fn of(processes: &BTreeMap<String, u32>) -> Result<Self> {
        let each = processes.iter().map(|(name, pid)| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat"))
                .with_context(|| format!("{name} ({pid}) does not run"))?;
            let ticks = ticks_of(&stat).with_context(|| format!("/proc/{pid}/stat"))?;
            Ok((name.clone(), ticks * MICROS / clock_ticks_per_second()))
        });
        each.collect::<Result<_>>().map(Self)
    }

    /// What came since `before`, by process.
    pub(crate) fn since(&self, before: &Self) -> BTreeMap<String, u64> {
        let spent = |(name, now): (&String, &u64)| {
            let then = before.0.get(name).copied().unwrap_or_default();
            (name.clone(), now.saturating_sub(then))
        };
        self.0.iter().map(spent).collect()
    }
}

fn ticks_of(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let field = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(field(USER_TIME)? + field(SYSTEM_TIME)?)
}

/// How much memory a process holds now, in bytes.
pub(crate) fn memory(pid: u32) -> Result<u64> {
    let statm = fs::read_to_string(format!("/proc/{pid}/statm"))
        .with_context(|| format!("process {pid} does not run"))?;
    let pages: Option<u64> = statm.split(' ').nth(1).and_then(|it| it.parse().ok());
    let pages = pages.with_context(|| format!("/proc/{pid}/statm"))?;
    Ok(pages * u64::try_from(page_size())?)
}

#[cfg(test)]
mod tests {
    use super::{memory, ticks_of};

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 1 2 3 4 150 25 0 0 20 0 1 0 99";
        assert_eq!(ticks_of(stat), Some(175));
        assert_eq!(ticks_of("7 (a) S 1"), None);
    }

    #[test]
    fn this_process_holds_memory() {
        assert!(memory(std::process::id()).unwrap() > 100_000);
    }
}
