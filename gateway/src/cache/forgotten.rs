use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// So many are told apart; more would save a few loads, and take memory.
pub(super) const PLACES: usize = 4096;
/// Of lists, behind the others.
const LISTS: usize = 2;

/// Where it is noted when something was forgotten last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(usize);

impl Slot {
    /// `place` is below [`PLACES`].
    pub(super) fn of(place: usize) -> Self {
        Self(place)
    }

    pub(super) fn list(number: usize) -> Self {
        Self(PLACES + number)
    }
}

/// When something was forgotten last: nanoseconds since this process began to remember. No two are the
/// same, so that it also tells apart what is loaded before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Moment(u64);

/// When what was forgotten last.
pub(super) struct Forgotten {
    origin: Instant,
    slots: Box<[AtomicU64]>,
}

impl Forgotten {
    /// What was read before now was not listened for.
    pub(super) fn nothing() -> Self {
        Self {
            origin: Instant::now(),
            slots: (0..PLACES + LISTS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// When it was last.
    pub(super) fn last(&self, slot: Slot) -> Moment {
        let nanos = self.slots.get(slot.0);
        Moment(nanos.map_or(0, |nanos| nanos.load(Ordering::Acquire)))
    }

    /// It is now.
    pub(super) fn note(&self, slot: Slot) {
        if let Some(nanos) = self.slots.get(slot.0) {
            self.set(nanos);
        }
    }

    /// It is now for everything.
    pub(super) fn note_all(&self) {
        for nanos in &self.slots {
            self.set(nanos);
        }
    }

    /// Whether `moment` was before `began`.
    pub(super) fn is_before(&self, moment: Moment, began: Instant) -> bool {
        self.origin + Duration::from_nanos(moment.0) < began
    }

    fn set(&self, nanos: &AtomicU64) {
        let now = u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let later = |before: u64| Some(now.max(before.saturating_add(1)));
        let _always_set = nanos.fetch_update(Ordering::AcqRel, Ordering::Acquire, later);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{Forgotten, Slot};

    #[test]
    fn what_began_before_is_forgotten_and_nothing_else() {
        let forgotten = Forgotten::nothing();
        let (one, other) = (Slot::of(1), Slot::list(1));
        let began = Instant::now();
        assert!(forgotten.is_before(forgotten.last(one), began));
        forgotten.note(one);
        assert!(!forgotten.is_before(forgotten.last(one), began));
        assert!(forgotten.is_before(forgotten.last(other), began));
        forgotten.note_all();
        assert!(!forgotten.is_before(forgotten.last(other), began));
    }

    #[test]
    fn no_two_moments_are_the_same() {
        let forgotten = Forgotten::nothing();
        let slot = Slot::of(0);
        for _ in 0..10_000 {
            let before = forgotten.last(slot);
            forgotten.note(slot);
            assert_ne!(forgotten.last(slot), before);
        }
    }
}
