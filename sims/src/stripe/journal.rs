//! A file of changes, one JSON array a line, that outlives the process.
//!
//! It is written without fsync: it survives the end of the process, not a
//! power cut, which is what development needs.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::tables::{Entry, Tables};

/// The open end of the file.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
}

impl Journal {
    /// Replays the file into `tables` and rewrites it without what is
    /// outdated, so that it does not grow from one start to the next.
    ///
    /// # Errors
    /// The file cannot be read or written, or a line other than the last is
    /// damaged.
    pub(crate) fn open(path: &Path, tables: &mut Tables) -> Result<Self> {
        let at = || format!("the state file {}", path.display());
        if path.exists() {
            let text = fs::read_to_string(path).with_context(at)?;
            replay(&text, tables).with_context(at)?;
        }
        let compacted = path.with_extension("compacting");
        write_compacted(&compacted, tables).with_context(at)?;
        fs::rename(&compacted, path).with_context(at)?;
        let file = OpenOptions::new()
            .append(true)
            .open(path)
            .with_context(at)?;
        Ok(Self { file })
    }

    /// Appends the changes of one step. A disk that is full costs the state
    /// after a restart, not the running stand-in: it is logged.
    pub(crate) fn append(&mut self, entries: &[Entry]) {
        if entries.is_empty() {
            return;
        }
        if let Err(error) = write_line(&mut self.file, entries) {
            tracing::error!(%error, "a change was not written to the state file");
        }
    }
}

fn replay(text: &str, tables: &mut Tables) -> Result<()> {
    let mut lines = text.lines().enumerate().peekable();
    while let Some((index, line)) = lines.next() {
        match serde_json::from_str::<Vec<Entry>>(line) {
            Ok(entries) => entries.into_iter().for_each(|entry| tables.apply(entry)),
            // The process ended while it wrote: that step was never answered.
            Err(_) if lines.peek().is_none() => {}
            Err(error) => bail!("line {} is damaged: {error}", index + 1),
        }
    }
    Ok(())
}

fn write_compacted(path: &Path, tables: &Tables) -> Result<()> {
    let mut writer = BufWriter::new(File::create(path)?);
    for entry in tables.entries() {
        write_line(&mut writer, &[entry])?;
    }
    writer.flush()?;
    Ok(())
}

fn write_line(writer: &mut impl Write, entries: &[Entry]) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(entries)?;
    line.push(b'\n');
    writer.write_all(&line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stripe::session::{Status, sample};

    fn session(id: &str) -> Entry {
        Entry::Session(Box::new(sample(id)))
    }

    #[test]
    fn what_was_appended_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stripe.jsonl");
        let mut journal = Journal::open(&path, &mut Tables::default()).unwrap();
        journal.append(&[session("one"), session("two")]);
        let mut paid = sample("one");
        paid.status = Status::Complete;
        journal.append(&[Entry::Session(Box::new(paid))]);
        drop(journal);

        let mut tables = Tables::default();
        Journal::open(&path, &mut tables).unwrap();
        assert_eq!(tables.sessions.get("one").unwrap().status, Status::Complete);
        assert!(tables.sessions.get("two").is_some());
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
    }

    #[test]
    fn an_unfinished_last_line_is_left_out_and_a_damaged_one_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stripe.jsonl");
        let whole = serde_json::to_string(&[session("one")]).unwrap();

        fs::write(&path, format!("{whole}\n[{{\"sess")).unwrap();
        let mut tables = Tables::default();
        Journal::open(&path, &mut tables).unwrap();
        assert!(tables.sessions.get("one").is_some());

        fs::write(&path, format!("[{{\"sess\n{whole}\n")).unwrap();
        let message = format!(
            "{:#}",
            Journal::open(&path, &mut Tables::default()).unwrap_err()
        );
        assert!(message.contains("line 1 is damaged"), "{message}");
    }
}
