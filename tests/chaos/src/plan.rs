//! What will go wrong, and when: the same seed makes the same plan.

use std::fmt;
use std::time::Duration;

use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::parts::{Backend, Line, Process};

/// Who is killed how often, before anybody is killed more often than that.
const DECK: [Victim; 19] = [
    Victim::Process(Process::EventsHandler),
    Victim::Process(Process::EventsHandler),
    Victim::Process(Process::EventsHandler),
    Victim::Process(Process::SecondEventsHandler),
    Victim::Process(Process::SecondEventsHandler),
    Victim::Process(Process::Auth),
    Victim::Process(Process::Auth),
    Victim::Process(Process::Products),
    Victim::Process(Process::Products),
    Victim::Process(Process::CartItems),
    Victim::Process(Process::Checkout),
    Victim::Process(Process::Checkout),
    Victim::Process(Process::Orders),
    Victim::Process(Process::Orders),
    Victim::Process(Process::Gateway),
    Victim::Process(Process::Gateway),
    Victim::Backend(Backend::Mongo),
    Victim::Backend(Backend::RabbitMq),
    Victim::Backend(Backend::Redis),
];

const DOWN_MS: std::ops::Range<u64> = 0..1_500;
const CUT_MS: std::ops::Range<u64> = 100..2_500;
const DELAYED_MS: std::ops::Range<u64> = 500..3_000;
const DELAY_MS: std::ops::Range<u64> = 5..250;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Process(Process),
    Backend(Backend),
}

/// One thing that goes wrong, and heals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL, and a new start.
    Kill {
        /// Whose.
        process: Process,
        /// How long it is away.
        down: Duration,
    },
    /// SIGKILL, and a new start on the same data.
    KillBackend {
        /// Whose.
        backend: Backend,
        /// How long it is away.
        down: Duration,
    },
    /// MongoDB's primary hands over to another member.
    StepDown,
    /// Every connection of the line ends, and no new one is taken.
    Cut {
        /// Which.
        line: Line,
        /// How long.
        lasting: Duration,
    },
    /// Everything on the line waits.
    Delay {
        /// Which.
        line: Line,
        /// How long each piece of data waits.
        by: Duration,
        /// How long the line is slow.
        lasting: Duration,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill { process, down } => write!(formatter, "kill {process} for {down:?}"),
            Self::KillBackend { backend, down } => {
                write!(formatter, "kill {backend} for {down:?}")
            }
            Self::StepDown => formatter.write_str("MongoDB's primary steps down"),
            Self::Cut { line, lasting } => write!(formatter, "cut {line} for {lasting:?}"),
            Self::Delay { line, by, lasting } => {
                write!(formatter, "delay {line} by {by:?} for {lasting:?}")
            }
        }
    }
}

/// A fault and its moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// It strikes when so many purchases were begun.
    pub after: u64,
    /// What goes wrong.
    pub fault: Fault,
}

/// All faults of a run, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    faults: Vec<Planned>,
}

impl Plan {
    /// These faults.
    #[must_use]
    pub fn of(mut faults: Vec<Planned>) -> Self {
        faults.sort_by_key(|planned| planned.after);
        Self { faults }
    }

    /// `kills` kills, half as many cuts and half as many delays, spread over `purchases`.
    #[must_use]
    pub fn seeded(seed: u64, purchases: u64, kills: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let lines = Line::all();
        let mut faults = kill_each_in_turn(&mut rng, purchases, kills);
        for slot in 0..kills / 2 {
            let after = moment(&mut rng, slot, kills / 2, purchases);
            let cut = Fault::Cut {
                line: *lines.choose(&mut rng).unwrap_or(&Line::Broker),
                lasting: millis(&mut rng, CUT_MS),
            };
            faults.push(Planned { after, fault: cut });
            let after = moment(&mut rng, slot, kills / 2, purchases);
            let delay = Fault::Delay {
                line: *lines.choose(&mut rng).unwrap_or(&Line::Broker),
                by: millis(&mut rng, DELAY_MS),
                lasting: millis(&mut rng, DELAYED_MS),
            };
            faults.push(Planned {
                after,
                fault: delay,
            });
        }
        Self::of(faults)
    }

    /// Those that strike before `purchases` were begun, and not before `from`.
    pub(crate) fn between(&self, from: u64, purchases: u64) -> Vec<Planned> {
        let all = self.faults.iter().copied();
        all.filter(|planned| (from..purchases).contains(&planned.after))
            .collect()
    }
}

fn kill_each_in_turn(rng: &mut ChaCha8Rng, purchases: u64, kills: u64) -> Vec<Planned> {
    let mut deck = Vec::new();
    let mut faults = Vec::new();
    for slot in 0..kills {
        if deck.is_empty() {
            deck = DECK.to_vec();
            deck.shuffle(rng);
        }
        let down = millis(rng, DOWN_MS);
        let fault = match deck.pop() {
            Some(Victim::Backend(backend)) => Fault::KillBackend { backend, down },
            Some(Victim::Process(process)) => Fault::Kill { process, down },
            None => continue,
        };
        let after = moment(rng, slot, kills, purchases);
        faults.push(Planned { after, fault });
    }
    faults
}

/// A moment in one of `slots` equal parts of the run.
fn moment(rng: &mut ChaCha8Rng, slot: u64, slots: u64, purchases: u64) -> u64 {
    let start = purchases * slot / slots;
    let end = purchases * (slot + 1) / slots;
    rng.random_range(start..end.max(start + 1))
}

fn millis(rng: &mut ChaCha8Rng, range: std::ops::Range<u64>) -> Duration {
    Duration::from_millis(rng.random_range(range))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_plan_and_another_makes_another() {
        let plan = Plan::seeded(7, 300, 20);
        assert_eq!(plan, Plan::seeded(7, 300, 20));
        assert_ne!(plan, Plan::seeded(8, 300, 20));
        assert_eq!(plan.faults.len(), 20 + 10 + 10);
        assert!(plan.faults.iter().all(|planned| planned.after < 300));
    }

    #[test]
    fn everybody_has_his_turn_in_twenty_kills() {
        let plan = Plan::seeded(1, 300, 20);
        for process in Process::ALL {
            let is_killed = |planned: &Planned| match planned.fault {
                Fault::Kill { process: it, .. } => it == process,
                _ => false,
            };
            assert!(plan.faults.iter().any(is_killed), "{process}");
        }
        for backend in [Backend::Mongo, Backend::RabbitMq, Backend::Redis] {
            let is_killed = |planned: &Planned| match planned.fault {
                Fault::KillBackend { backend: it, .. } => it == backend,
                _ => false,
            };
            assert!(plan.faults.iter().any(is_killed), "{backend}");
        }
    }

    #[test]
    fn rounds_share_the_plan_without_a_gap() {
        let plan = Plan::seeded(1, 300, 20);
        let first = plan.between(0, 100).len();
        assert_eq!(first + plan.between(100, 300).len(), plan.faults.len());
    }
}
