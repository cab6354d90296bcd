use std::time::Duration;

const FIRST_DELAY: Duration = Duration::from_millis(500);
const LONGEST_DELAY: Duration = Duration::from_secs(300);

/// How often one step is tried in a row before an operator is asked: about an hour.
pub(crate) const MOST_ATTEMPTS: u32 = 20;

/// How long to wait after the `failed`-th failure in a row (from 1): half a second, doubled each time,
/// up to five minutes. The queue that keeps the wait adds the jitter.
pub(crate) fn delay_after(failed: u32) -> Duration {
    let doublings = failed.saturating_sub(1).min(16);
    (FIRST_DELAY * 2_u32.pow(doublings)).min(LONGEST_DELAY)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::delay_after;

    #[test]
    fn the_delay_doubles_up_to_five_minutes() {
        assert_eq!(delay_after(1), Duration::from_millis(500));
        assert_eq!(delay_after(4), Duration::from_secs(4));
        assert_eq!(delay_after(11), Duration::from_secs(300));
        assert_eq!(delay_after(u32::MAX), Duration::from_secs(300));
    }
}
