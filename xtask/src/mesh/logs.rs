//! `cargo xtask logs`: what the processes have written.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::roles::possible_names;
use crate::layout::Layout;

const POLL: Duration = Duration::from_millis(200);
/// How much of an old log is shown: about two hundred lines.
const LAST_BYTES: u64 = 32 * 1024;
const BACKENDS: [&str; 4] = ["mongo", "rabbitmq", "redis", "epmd"];

/// Prints the end of one log, or of every process's; then what is added, when `follow` is set.
pub(crate) fn logs(layout: &Layout, name: Option<&str>, follow: bool) -> Result<()> {
    let mut logs = chosen(layout, name)?;
    let is_single = logs.len() == 1;
    loop {
        for log in &mut logs {
            log.print_new(is_single)?;
        }
        if !follow {
            return Ok(());
        }
        thread::sleep(POLL);
    }
}

fn chosen(layout: &Layout, name: Option<&str>) -> Result<Vec<Log>> {
    let mut known = possible_names().chain(BACKENDS);
    let logs: Vec<Log> = match name {
        Some(name) => match known.find(|known| *known == name) {
            Some(name) => vec![Log::open(layout, name)?],
            None => bail!(
                "no process is called {name}; there are {}",
                possible_names()
                    .chain(BACKENDS)
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        },
        None => possible_names()
            .map(|name| Log::open(layout, name))
            .collect::<Result<_>>()?,
    };
    if logs.iter().all(|log| !log.path.exists()) {
        bail!("nothing has been started yet: cargo xtask up");
    }
    Ok(logs)
}

struct Log {
    name: &'static str,
    path: PathBuf,
    /// How much has been printed; nothing before the first time.
    position: Option<u64>,
}

impl Log {
    fn open(layout: &Layout, name: &'static str) -> Result<Self> {
        Ok(Self {
            name,
            path: layout.log_of(name)?,
            position: None,
        })
    }

    fn print_new(&mut self, is_single: bool) -> Result<()> {
        let text = self
            .read_new()
            .with_context(|| format!("cannot read {}", self.path.display()))?;
        let mut output = std::io::stdout().lock();
        for line in text.lines() {
            if is_single {
                writeln!(output, "{line}")?;
            } else {
                writeln!(output, "{:<15}| {line}", self.name)?;
            }
        }
        Ok(())
    }

    /// Whole lines only: the rest of a line that is being written comes next time.
    fn read_new(&mut self) -> std::io::Result<String> {
        let Ok(mut file) = File::open(&self.path) else {
            return Ok(String::new());
        };
        let length = file.metadata()?.len();
        let start = match self.position {
            // A restarted process has begun a new log.
            Some(position) if position > length => 0,
            Some(position) => position,
            None => length.saturating_sub(LAST_BYTES),
        };
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        bytes.truncate(whole);
        self.position = Some(start.saturating_add(u64::try_from(whole).unwrap_or(u64::MAX)));
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_whole_new_lines_are_read_and_a_new_log_from_its_start() {
        let root = tempfile::tempdir().unwrap();
        let mut log = Log::open(&Layout::below(root.path()), "auth").unwrap();
        assert_eq!(log.read_new().unwrap(), "");
        fs::write(&log.path, "one\ntw").unwrap();
        assert_eq!(log.read_new().unwrap(), "one\n");
        fs::write(&log.path, "one\ntwo\n").unwrap();
        assert_eq!(log.read_new().unwrap(), "two\n");
        fs::write(&log.path, "new\n").unwrap();
        assert_eq!(log.read_new().unwrap(), "new\n");
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let root = tempfile::tempdir().unwrap();
        let Err(error) = chosen(&Layout::below(root.path()), Some("nobody")) else {
            panic!("nobody has a log");
        };
        assert!(error.to_string().contains("events-handler"));
    }
}
