//! When a replica that fails is left out, and for how long.

use std::time::{Duration, Instant};

/// So many failures in a row are no accident.
const FAILURES_IN_A_ROW: u32 = 5;
const FIRST_TIME: Duration = Duration::from_secs(1);
const LONGEST_TIME: Duration = Duration::from_secs(30);
/// Who has behaved for so long begins anew.
const FORGIVEN_AFTER: Duration = Duration::from_secs(60);

/// What is remembered of how one replica has answered.
#[derive(Debug, Default)]
pub(super) struct Record {
    failures: u32,
    times_out: u32,
    back_at: Option<Instant>,
}

impl Record {
    /// It answered.
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// It did not, or said that it cannot. Answers for how long it should be left out, if it should:
    /// each time for twice as long.
    pub(super) fn failed(&mut self, now: Instant) -> Option<Duration> {
        self.failures += 1;
        if self.failures < FAILURES_IN_A_ROW {
            return None;
        }
        self.failures = 0;
        let forgiven = self
            .back_at
            .is_some_and(|back| back + FORGIVEN_AFTER <= now);
        if forgiven {
            self.times_out = 0;
        }
        let time = FIRST_TIME.saturating_mul(2_u32.saturating_pow(self.times_out));
        let time = time.min(LONGEST_TIME);
        self.times_out = self.times_out.saturating_add(1);
        self.back_at = Some(now + time);
        Some(time)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{FAILURES_IN_A_ROW, FORGIVEN_AFTER, LONGEST_TIME, Record};

    fn fail_until_out(record: &mut Record, now: Instant) -> Duration {
        for _ in 1..FAILURES_IN_A_ROW {
            assert_eq!(record.failed(now), None);
        }
        record.failed(now).expect("enough failures in a row")
    }

    #[test]
    fn only_failures_in_a_row_count() {
        let (mut record, now) = (Record::default(), Instant::now());
        for _ in 0..100 {
            for _ in 1..FAILURES_IN_A_ROW {
                assert_eq!(record.failed(now), None);
            }
            record.succeeded();
        }
    }

    #[test]
    fn each_time_is_twice_as_long_up_to_a_limit() {
        let (mut record, mut now) = (Record::default(), Instant::now());
        let times: Vec<u64> = (0..7)
            .map(|_| {
                let time = fail_until_out(&mut record, now);
                now += time;
                time.as_secs()
            })
            .collect();
        assert_eq!(times, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(LONGEST_TIME.as_secs(), 30);
    }

    #[test]
    fn who_has_behaved_for_long_begins_anew() {
        let (mut record, now) = (Record::default(), Instant::now());
        let first = fail_until_out(&mut record, now);
        let later = now + first + FORGIVEN_AFTER;
        assert_eq!(fail_until_out(&mut record, later), first);
    }
}
