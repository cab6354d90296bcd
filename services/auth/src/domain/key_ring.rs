//! The keys that sign access tokens, one after the other.
//!
//! What a key does follows from the time alone: nobody switches anything, so that replicas which read the
//! same keys agree, also when none of them runs at the moment at which the next one begins to sign.

use std::time::Duration;

use bson::DateTime;

use super::{ACCESS_TOKEN_LIFETIME, PublishedKey, SigningKey};

/// From a key's publication to its first signature: more than anybody keeps a set of keys.
const LEAD: Duration = Duration::from_secs(2 * 60);
/// A replica may learn a little late that its key is not the newest any more, and clocks differ.
const MARGIN: Duration = Duration::from_secs(5 * 60);

/// A key in its turn.
#[derive(Debug)]
pub(crate) struct DatedKey {
    pub(crate) key: SigningKey,
    /// One more than the key before; so two replicas do not both make the next one.
    pub(crate) generation: i64,
    pub(crate) signs_from: DateTime,
}

/// What a key does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyState {
    /// It is published and does not sign yet.
    Next,
    Current,
    /// It is published until every token that it signed has expired.
    Retired,
}

/// What is told of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyStatus {
    pub(crate) id: String,
    pub(crate) state: KeyState,
    pub(crate) signs_from: DateTime,
    /// When it is forgotten; absent while no key is to follow it.
    pub(crate) published_until: Option<DateTime>,
}

/// All keys, in the order of their generations.
#[derive(Debug)]
pub(crate) struct KeyRing(Vec<DatedKey>);

impl KeyRing {
    pub(crate) fn new(mut keys: Vec<DatedKey>) -> Self {
        keys.sort_by_key(|key| key.generation);
        Self(keys)
    }

    /// The key that signs. The first does also where a clock has not reached its time.
    pub(crate) fn signing(&self, now: DateTime) -> Option<&SigningKey> {
        let begun = self.0.iter().rev().find(|key| key.signs_from <= now);
        begun.or(self.0.first()).map(|dated| &dated.key)
    }

    /// The keys that tokens may have been signed with, or will be soon.
    pub(crate) fn published(&self, now: DateTime) -> impl Iterator<Item = &PublishedKey> {
        let kept = self.0.iter().enumerate();
        let kept = kept.filter(move |(index, _)| !self.is_over(*index, now));
        kept.map(|(_, dated)| &dated.key.published)
    }

    /// The newest first.
    pub(crate) fn statuses(&self, now: DateTime) -> Vec<KeyStatus> {
        let status = |(index, dated): (usize, &DatedKey)| KeyStatus {
            id: dated.key.published.id.clone(),
            state: self.state(index, now),
            signs_from: dated.signs_from,
            published_until: self.published_until(index),
        };
        let kept = self.0.iter().enumerate().rev();
        kept.filter(|(index, _)| !self.is_over(*index, now))
            .map(status)
            .collect()
    }

    /// The generations whose tokens have all expired.
    pub(crate) fn over(&self, now: DateTime) -> Vec<i64> {
        let keys = self.0.iter().enumerate();
        keys.filter(|(index, _)| self.is_over(*index, now))
            .map(|(_, dated)| dated.generation)
            .collect()
    }

    /// The key that follows the newest, unless one waits to sign already.
    pub(crate) fn successor(&self, key: SigningKey, now: DateTime) -> Option<DatedKey> {
        let newest = self.0.last()?;
        (newest.signs_from <= now).then(|| DatedKey {
            key,
            generation: newest.generation + 1,
            signs_from: now.saturating_add_duration(LEAD),
        })
    }

    /// Whether the newest key signs for as long as this.
    pub(crate) fn is_older_than(&self, age: Duration, now: DateTime) -> bool {
        let newest = self.0.last();
        newest.is_some_and(|newest| newest.signs_from.saturating_add_duration(age) <= now)
    }

    fn state(&self, index: usize, now: DateTime) -> KeyState {
        let follower = self.0.get(index + 1);
        match self.0.get(index) {
            Some(key) if key.signs_from > now && index > 0 => KeyState::Next,
            _ if follower.is_some_and(|follower| follower.signs_from <= now) => KeyState::Retired,
            _ => KeyState::Current,
        }
    }

    fn published_until(&self, index: usize) -> Option<DateTime> {
        let follower = self.0.get(index + 1)?;
        let last_token = follower.signs_from.saturating_add_duration(MARGIN);
        Some(last_token.saturating_add_duration(ACCESS_TOKEN_LIFETIME))
    }

    fn is_over(&self, index: usize, now: DateTime) -> bool {
        self.published_until(index)
            .is_some_and(|until| until <= now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bson::DateTime;

    use super::{DatedKey, KeyRing, KeyState};
    use crate::domain::SigningKey;

    const MINUTE: i64 = 60_000;

    fn at(minute: i64) -> DateTime {
        DateTime::from_millis(minute * MINUTE)
    }

    fn key(generation: i64, minute: i64) -> DatedKey {
        let mut key = SigningKey::generate().unwrap();
        key.published.id = generation.to_string();
        DatedKey {
            key,
            generation,
            signs_from: at(minute),
        }
    }

    fn signing(ring: &KeyRing, minute: i64) -> &str {
        &ring.signing(at(minute)).unwrap().published.id
    }

    fn published(ring: &KeyRing, minute: i64) -> Vec<&str> {
        let keys = ring.published(at(minute));
        keys.map(|key| key.id.as_str()).collect()
    }

    #[test]
    fn a_key_is_published_before_its_first_and_after_its_last_signature() {
        let ring = KeyRing::new(vec![key(2, 102), key(1, 0)]);
        assert_eq!(signing(&ring, 101), "1");
        assert_eq!(signing(&ring, 102), "2");
        // Signed in the last moment, or late by five minutes, and good for fifteen.
        for minute in [100, 102, 121] {
            assert_eq!(published(&ring, minute), ["1", "2"], "{minute}");
        }
        assert_eq!(published(&ring, 122), ["2"]);
        assert_eq!(ring.over(at(121)), [0_i64; 0]);
        assert_eq!(ring.over(at(122)), [1]);
    }

    #[test]
    fn states_follow_from_the_time() {
        let ring = KeyRing::new(vec![key(1, 0), key(2, 100), key(3, 110)]);
        let states = |minute| {
            let statuses = ring.statuses(at(minute)).into_iter();
            let states = statuses.map(|status| (status.id, status.state));
            states.collect::<Vec<_>>()
        };
        let named = |id: &str, state| (id.to_owned(), state);
        let expected = [
            named("3", KeyState::Next),
            named("2", KeyState::Current),
            named("1", KeyState::Retired),
        ];
        assert_eq!(states(105), expected);
        let newest = ring.statuses(at(105)).remove(0);
        assert_eq!(newest.published_until, None);
    }

    #[test]
    fn one_key_waits_at_a_time() {
        let ring = KeyRing::new(vec![key(1, 0)]);
        let next = SigningKey::generate().unwrap();
        let next = ring.successor(next, at(100)).unwrap();
        assert_eq!((next.generation, next.signs_from), (2, at(102)));
        let ring = KeyRing::new(vec![key(1, 0), next]);
        let another = SigningKey::generate().unwrap();
        assert!(ring.successor(another, at(101)).is_none());
    }

    #[test]
    fn a_key_ages_from_its_first_signature() {
        let ring = KeyRing::new(vec![key(1, 0), key(2, 10)]);
        let hour = Duration::from_secs(60 * 60);
        assert!(!ring.is_older_than(hour, at(69)));
        assert!(ring.is_older_than(hour, at(70)));
    }

    #[test]
    fn the_first_key_signs_whatever_the_clock_says() {
        let ring = KeyRing::new(vec![key(1, 10)]);
        assert_eq!(signing(&ring, 0), "1");
        assert_eq!(ring.statuses(at(0))[0].state, KeyState::Current);
    }
}
