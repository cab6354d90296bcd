//! Lines on their way out of the process: whoever logs puts a line into memory, and a thread of its own
//! writes what has gathered there with one call.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// How long a line may wait for others. A crash loses as much, unless one of them was a warning.
const GATHERED_FOR: Duration = Duration::from_millis(20);
/// What may wait while nobody reads the output; later lines are dropped and counted.
const MOST_BYTES: usize = 8 * 1024 * 1024;
const FLUSH_PATIENCE: Duration = Duration::from_secs(2);

/// What has not been written yet. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Lines(Arc<Shared>);

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// Something waits, or must not wait any longer.
    arrived: Condvar,
    written: Condvar,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    dropped: u64,
    is_urgent: bool,
    is_writing: bool,
}

impl Lines {
    /// Lines that a thread writes to `output` from now on, for as long as the process lives.
    ///
    /// # Errors
    /// When there can be no further thread.
    pub(super) fn to(output: impl Write + Send + 'static) -> io::Result<Self> {
        let lines = Self::default();
        let shared = Arc::clone(&lines.0);
        let writing = std::thread::Builder::new().name("log".to_owned());
        writing.spawn(move || shared.write_to(output))?;
        Ok(lines)
    }

    /// Waits until everything that was logged before is written, or cannot be.
    pub(super) fn flush(&self) {
        let mut waiting = self.0.lock();
        waiting.is_urgent = true;
        self.0.arrived.notify_one();
        let is_there = |waiting: &mut Waiting| !waiting.bytes.is_empty() || waiting.is_writing;
        let written = &self.0.written;
        let _in_time = written.wait_timeout_while(waiting, FLUSH_PATIENCE, is_there);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, line: &[u8], is_urgent: bool) {
        let mut waiting = self.lock();
        if waiting.bytes.len().saturating_add(line.len()) > MOST_BYTES {
            waiting.dropped = waiting.dropped.saturating_add(1);
            return;
        }
        // Nobody needs to be woken for the lines between: the writer knows of the first.
        let is_news = waiting.bytes.is_empty() || is_urgent;
        waiting.is_urgent |= is_urgent;
        waiting.bytes.extend_from_slice(line);
        drop(waiting);
        if is_news {
            self.arrived.notify_one();
        }
    }

    fn write_to(&self, mut output: impl Write) {
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let dropped = self.gather(&mut bytes);
            // Nobody could be told of an output that is gone.
            let _gone = output.write_all(&bytes);
            if dropped > 0 {
                let _gone = writeln!(output, "{}", notice_of(dropped));
            }
            let _gone = output.flush();
            self.lock().is_writing = false;
            self.written.notify_all();
        }
    }

    /// Exchanges `empty` for what has gathered, and answers how many lines are missing there.
    fn gather(&self, empty: &mut Vec<u8>) -> u64 {
        let is_empty = |waiting: &mut Waiting| waiting.bytes.is_empty();
        let waiting = self.arrived.wait_while(self.lock(), is_empty);
        let waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        let is_patient = |waiting: &mut Waiting| !waiting.is_urgent;
        let gathered = self
            .arrived
            .wait_timeout_while(waiting, GATHERED_FOR, is_patient);
        let (mut waiting, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut waiting.bytes, empty);
        waiting.is_urgent = false;
        waiting.is_writing = true;
        std::mem::take(&mut waiting.dropped)
    }
}

/// Readable as JSON and by people.
fn notice_of(dropped: u64) -> String {
    format!(r#"{{"level":"WARN","message":"log lines were dropped","dropped":{dropped}}}"#)
}

/// Takes one line.
pub(super) struct Line<'lines> {
    shared: &'lines Shared,
    is_urgent: bool,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.shared.put(line, self.is_urgent);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'lines> MakeWriter<'lines> for Lines {
    type Writer = Line<'lines>;

    fn make_writer(&'lines self) -> Self::Writer {
        Line {
            shared: &self.0,
            is_urgent: true,
        }
    }

    fn make_writer_for(&'lines self, metadata: &Metadata<'_>) -> Self::Writer {
        Line {
            shared: &self.0,
            is_urgent: *metadata.level() <= Level::WARN,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::mpsc;

    use super::{Lines, MOST_BYTES};
    use crate::telemetry::kept::Kept;

    #[test]
    fn lines_are_written_whole_and_in_order() {
        let kept = Kept::default();
        let lines = Lines::to(kept.clone()).unwrap();
        let expected: String = (0..1000).map(|number| format!("line {number}\n")).collect();
        for line in expected.split_inclusive('\n') {
            lines.0.put(line.as_bytes(), line.contains('7'));
        }
        lines.flush();
        assert_eq!(kept.text(), expected);
    }

    /// An output that takes nothing until it is told to.
    struct Stuck(mpsc::Receiver<()>, Kept);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _released = self.0.recv();
            self.1.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_output_that_is_stuck_holds_nobody_up_and_is_told_what_it_missed() {
        let (release, stuck) = mpsc::channel();
        let kept = Kept::default();
        let lines = Lines::to(Stuck(stuck, kept.clone())).unwrap();
        let line = vec![b'x'; 64 * 1024];
        for _ in 0..(3 * MOST_BYTES / line.len()) {
            lines.0.put(&line, true);
        }
        drop(release);
        lines.flush();
        let text = kept.text();
        assert!(text.len() <= 2 * MOST_BYTES + line.len());
        assert!(text.ends_with("}\n"));
        assert!(text.contains("log lines were dropped"));
    }
}
