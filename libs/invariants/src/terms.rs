use std::time::Duration;

use bson::DateTime;

const MINUTE: Duration = Duration::from_secs(60);
/// A saga that goes on for longer should have ended: its first ten retries fit in.
const SAGA_DEADLINE: Duration = Duration::from_secs(15 * 60);
/// From the wish for a refund to its saga, and from a message's commit to the broker.
const MESSAGE_DEADLINE: Duration = Duration::from_secs(10 * 60);
/// What sweepers do is done after a few of their rounds, when their peers are there.
const SWEEPER_DEADLINE: Duration = Duration::from_secs(10 * 60);
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// What may be unfinished, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    is_quiet: bool,
    between_looks: Duration,
}

impl Terms {
    /// The mesh is at work: what is on its way has deadlines.
    #[must_use]
    pub fn at_work() -> Self {
        Self {
            is_quiet: false,
            between_looks: BETWEEN_LOOKS,
        }
    }

    /// Nobody buys and nothing waits: no saga, refund or message may be unfinished. What sweepers do in
    /// their own time keeps its deadline.
    #[must_use]
    pub fn quiet() -> Self {
        Self {
            is_quiet: true,
            between_looks: BETWEEN_LOOKS,
        }
    }

    /// Waits so long before it looks again at what looked wrong.
    #[must_use]
    pub fn pausing(self, between_looks: Duration) -> Self {
        Self {
            between_looks,
            ..self
        }
    }

    pub(crate) fn between_looks(self) -> Duration {
        self.between_looks
    }

    /// Whether a saga that began then should have ended.
    pub(crate) fn is_late_saga(self, began: DateTime) -> bool {
        self.is_quiet || is_older(began, SAGA_DEADLINE)
    }

    /// Whether what was asked then should have been taken up.
    pub(crate) fn is_late_message(self, asked: DateTime) -> bool {
        self.is_quiet || is_older(asked, MESSAGE_DEADLINE)
    }

    /// Whether a sweeper should have done by now what it could do from then on.
    pub(crate) fn is_late_for_sweeper(self, since: DateTime) -> bool {
        is_older(since, SWEEPER_DEADLINE)
    }
}

fn is_older(moment: DateTime, age: Duration) -> bool {
    moment.saturating_add_duration(age) < DateTime::now()
}

/// How long that is ago, for people.
pub(crate) fn age(moment: DateTime) -> String {
    let millis = DateTime::now().timestamp_millis() - moment.timestamp_millis();
    let minutes = millis / i64::try_from(MINUTE.as_millis()).unwrap_or(i64::MAX);
    match minutes {
        ..1 => "less than a minute".to_owned(),
        1 => "a minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}
