//! Processes that outlive whoever starts them, and ending exactly those.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde::{Deserialize, Serialize};

const POLL: Duration = Duration::from_millis(50);
const TAIL_BYTES: u64 = 4_096;

/// A process that was started, and how to know it again: a pid alone may belong to another one by
/// now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Process id.
    pub pid: u32,
    /// A part of its command line that no other process has.
    pub marker: String,
}

impl Known {
    /// The process `pid`, when its command line has `marker`.
    #[must_use]
    pub fn new(pid: u32, marker: impl Into<String>) -> Self {
        Self {
            pid,
            marker: marker.into(),
        }
    }

    /// Whether it runs still: the pid is there, is no zombie, and has the command line.
    #[must_use]
    pub fn is_running(&self) -> bool {
        !is_zombie(self.pid)
            && command_line(self.pid).is_some_and(|line| line.contains(&self.marker))
    }

    /// Asks it to end, and ends it after `patience`. Does nothing to a process that is not ours.
    ///
    /// # Errors
    /// It may not be signalled, or does not end at all.
    pub fn stop(&self, patience: Duration) -> Result<()> {
        if !self.is_running() {
            return Ok(());
        }
        self.signal(Signal::TERM)?;
        if self.wait_gone(patience) {
            return Ok(());
        }
        self.signal(Signal::KILL)?;
        if self.wait_gone(Duration::from_secs(5)) {
            return Ok(());
        }
        bail!("process {} does not end, not even by SIGKILL", self.pid)
    }

    /// Sends a signal; a process that is gone by then is no error.
    ///
    /// # Errors
    /// It may not be signalled.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else {
            bail!("{} is not a process id", self.pid);
        };
        match kill_process(pid, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error).with_context(|| format!("cannot signal process {}", self.pid)),
        }
    }

    /// All processes with a command line like that, also those whose pid was never noted because
    /// whoever started them was interrupted.
    #[must_use]
    pub fn all_with(marker: &str) -> Vec<Self> {
        let Ok(entries) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        entries
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .map(|pid| Self::new(pid, marker))
            .filter(Self::is_running)
            .collect()
    }

    fn wait_gone(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while self.is_running() {
            if Instant::now() >= deadline {
                return false;
            }
            thread::sleep(POLL);
        }
        true
    }
}

/// Starts `command` in a process group of its own, so that Ctrl-C and the end of this process leave
/// it alone, with both outputs in `log`; the log of the run before is kept beside it.
///
/// # Errors
/// The log cannot be created or the program not be started.
pub fn start_detached(command: &mut Command, log: &Path) -> Result<Child> {
    if log.exists() {
        fs::rename(log, log.with_extension("log.before"))?;
    }
    let output =
        File::create(log).with_context(|| format!("cannot create the log {}", log.display()))?;
    command
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))
}

/// Polls `ready` until it holds. When the process ends before that, or `patience` does, it fails
/// with the tail of `log`; when `ready` fails, with its error. Nothing of a process that did not
/// become ready is left behind.
///
/// # Errors
/// As said.
pub fn wait_ready(
    what: &str,
    child: &mut Child,
    log: &Path,
    patience: Duration,
    mut ready: impl FnMut() -> Result<bool>,
) -> Result<()> {
    let deadline = Instant::now() + patience;
    while !ready().inspect_err(|_| end_group(child))? {
        let trouble = if let Some(status) = child.try_wait()? {
            format!("ended while it was starting ({status})")
        } else if Instant::now() >= deadline {
            format!("is not ready after {} s", patience.as_secs())
        } else {
            thread::sleep(POLL);
            continue;
        };
        end_group(child);
        bail!(
            "{what} {trouble}. The end of {}:\n{}",
            log.display(),
            tail(log, 15)
        );
    }
    Ok(())
}

/// Ends a child that was started in a group of its own, with all its descendants, by SIGKILL.
pub fn end_group(child: &mut Child) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        // An empty group is what is wanted.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
}

/// Runs a command to its end; its output is shown only when it fails.
///
/// # Errors
/// It cannot be run, or fails; with the end of what it said.
pub fn run_quietly(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    bail!(
        "{program} failed ({}):\n{}",
        output.status,
        last_lines(&said, 15)
    )
}

/// The first file of that name in the folders of `PATH` and in those where Debian keeps servers.
#[must_use]
pub fn find_program(name: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/bin", "/usr/sbin"].map(Into::into))
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
}

/// The last lines of a file, or why it cannot be read.
#[must_use]
pub fn tail(log: &Path, lines: usize) -> String {
    match read_end(log) {
        Ok(text) => last_lines(&text, lines),
        Err(error) => format!("(cannot be read: {error})"),
    }
}

fn read_end(log: &Path) -> std::io::Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    Ok(String::from_utf8_lossy(&end).into_owned())
}

fn last_lines(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    let skipped = all.len().saturating_sub(lines);
    all.iter()
        .skip(skipped)
        .map(|line| format!("    {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn command_line(pid: u32) -> Option<String> {
    let raw = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let words: Vec<_> = raw
        .split(|byte| *byte == 0)
        .map(String::from_utf8_lossy)
        .collect();
    Some(words.join(" "))
}

fn is_zombie(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| state_letter(&stat) == Some('Z'))
}

/// The state follows the program's name, which is in brackets and may itself hold brackets.
fn state_letter(stat: &str) -> Option<char> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.trim_start().chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_is_read_behind_the_last_bracket() {
        assert_eq!(state_letter("12 (a) b) S 1 12"), Some('S'));
        assert_eq!(state_letter("12 (reen) Z 1 12"), Some('Z'));
        assert_eq!(state_letter(""), None);
    }

    #[test]
    fn another_process_of_the_same_pid_is_not_ours() {
        let own = std::process::id();
        assert!(Known::new(own, "reen_backends").is_running());
        assert!(!Known::new(own, "no such command line").is_running());
    }

    #[test]
    fn a_process_is_stopped_and_known_to_be_gone() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sleep");
        command.arg("61.25");
        let mut child = start_detached(&mut command, &folder.path().join("sleep.log")).unwrap();
        let sleeper = Known::new(child.id(), "sleep 61.25");
        let deadline = Instant::now() + Duration::from_secs(5);
        while !sleeper.is_running() && Instant::now() < deadline {
            thread::yield_now();
        }
        assert!(sleeper.is_running());
        sleeper.stop(Duration::from_secs(5)).unwrap();
        assert!(!sleeper.is_running());
        child.wait().unwrap();
    }

    #[test]
    fn only_the_last_lines_are_kept() {
        assert_eq!(last_lines("a\nb\nc", 2), "    b\n    c");
    }
}
