use std::time::Duration;

use rand::Rng as _;

const FIRST: Duration = Duration::from_millis(2);
const LONGEST: Duration = Duration::from_millis(200);

/// What is waited before something is tried again: longer each time, by chance shorter, so that those
/// who met do not meet again.
pub(crate) struct Pause(Duration);

impl Pause {
    pub(crate) fn first() -> Self {
        Self(FIRST)
    }

    pub(crate) async fn wait(&mut self) {
        let share = rand::rng().random_range(0.0..=1.0);
        tokio::time::sleep(self.0.mul_f64(share)).await;
        self.0 = (self.0 * 2).min(LONGEST);
    }
}
