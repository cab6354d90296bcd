//! What is being done, and for how long already: nothing that takes seconds is silent.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

const TERMINAL_REFRESH: Duration = Duration::from_millis(100);
const LOG_REFRESH: Duration = Duration::from_secs(10);

/// Runs `work` and reports it on standard error: a line that counts on a terminal, else one line
/// every ten seconds, and a last one with the whole time.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let started = Instant::now();
    let terminal = io::stderr().is_terminal();
    let (finished, is_finished) = mpsc::channel::<()>();
    let outcome = thread::scope(|scope| {
        scope.spawn(move || {
            let refresh = if terminal {
                TERMINAL_REFRESH
            } else {
                LOG_REFRESH
            };
            while is_finished.recv_timeout(refresh) == Err(RecvTimeoutError::Timeout) {
                show_running(what, started.elapsed(), terminal);
            }
        });
        let outcome = work();
        drop(finished);
        outcome
    });
    show_outcome(what, started.elapsed(), terminal, outcome.is_ok());
    outcome
}

/// A line between two steps.
pub(crate) fn note(text: &str) {
    eprintln!("  {text}");
}

fn show_running(what: &str, elapsed: Duration, terminal: bool) {
    let seconds = seconds(elapsed);
    if terminal {
        eprint!("\r\x1b[2K… {what}  {seconds}");
        // Only an ornament: a closed terminal is noticed by the work itself.
        let _ = io::stderr().flush();
    } else {
        eprintln!("… {what}  {seconds}");
    }
}

fn show_outcome(what: &str, elapsed: Duration, terminal: bool, success: bool) {
    let erase = if terminal { "\r\x1b[2K" } else { "" };
    let mark = if success { "✓" } else { "✗" };
    eprintln!("{erase}{mark} {what}  {}", seconds(elapsed));
}

/// `3.2 s`, or `140 ms` below one second.
pub(crate) fn seconds(elapsed: Duration) -> String {
    if elapsed < Duration::from_secs(1) {
        return format!("{} ms", elapsed.as_millis());
    }
    format!("{}.{} s", elapsed.as_secs(), elapsed.subsec_millis() / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_times_are_milliseconds() {
        assert_eq!(seconds(Duration::from_millis(140)), "140 ms");
        assert_eq!(seconds(Duration::from_millis(3_290)), "3.2 s");
    }
}
