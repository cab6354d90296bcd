use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// From one silence to the next try.
const PAUSE: Duration = Duration::from_secs(1);

/// Whether the mail server is worth a try.
///
/// One that takes connections and says nothing costs every letter all of its time, and with it the saga's place
/// among those at work. So while it is silent one letter at a time finds out whether it still is, and all others
/// fail at once.
#[derive(Debug, Default)]
pub(super) struct Line {
    silent_until: Mutex<Option<Instant>>,
}

impl Line {
    /// Whether a letter may be tried; if it is to find out, none other is for as long as it may take.
    pub(super) fn may_try(&self, now: Instant, at_most: Duration) -> bool {
        let mut silent_until = self.lock();
        match *silent_until {
            None => true,
            Some(until) if now < until => false,
            Some(_) => {
                *silent_until = Some(now + at_most);
                true
            }
        }
    }

    /// It said something, be it a refusal.
    pub(super) fn answered(&self) {
        *self.lock() = None;
    }

    /// It left a letter without an answer.
    pub(super) fn was_silent(&self, now: Instant) {
        *self.lock() = Some(now + PAUSE);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.silent_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Line, PAUSE};

    const AT_MOST: Duration = Duration::from_secs(20);

    #[test]
    fn a_server_that_answers_is_tried_by_everybody() {
        let (line, now) = (Line::default(), Instant::now());
        assert!(line.may_try(now, AT_MOST) && line.may_try(now, AT_MOST));
        line.answered();
        assert!(line.may_try(now, AT_MOST));
    }

    #[test]
    fn one_letter_at_a_time_finds_out_whether_a_server_is_still_silent() {
        let (line, now) = (Line::default(), Instant::now());
        line.was_silent(now);
        assert!(!line.may_try(now, AT_MOST));
        let later = now + PAUSE;
        assert!(line.may_try(later, AT_MOST));
        assert!(!line.may_try(later, AT_MOST));
        line.was_silent(later);
        assert!(!line.may_try(later, AT_MOST));
        let last = later + PAUSE;
        assert!(line.may_try(last, AT_MOST));
        line.answered();
        assert!(line.may_try(last, AT_MOST) && line.may_try(last, AT_MOST));
    }

    #[test]
    fn a_letter_that_never_tells_what_it_found_is_followed_by_another() {
        let (line, now) = (Line::default(), Instant::now());
        line.was_silent(now);
        let later = now + PAUSE;
        assert!(line.may_try(later, AT_MOST));
        assert!(line.may_try(later + AT_MOST, AT_MOST));
    }
}
