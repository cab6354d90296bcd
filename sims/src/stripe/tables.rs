//! Everything that is kept, and the one way in which it changes.

use std::collections::{BTreeSet, HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::events::{Delivery, Event};
use super::idempotency::Answer;
use super::refund::Refund;
use super::session::Session;
use super::shelf::Shelf;

/// How much is kept of what is over; open sessions and undelivered events are
/// never dropped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) finished_sessions: usize,
    pub(crate) settled_events: usize,
    pub(crate) answers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            finished_sessions: 100_000,
            settled_events: 50_000,
            answers: 50_000,
        }
    }
}

/// A change, as it is applied and as it stands in the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Entry {
    /// A session as it is now, new or not.
    Session(Box<Session>),
    Refund(Box<Refund>),
    Event(Box<Event>),
    /// An attempt to deliver an event.
    Delivery {
        event: String,
        delivery: Delivery,
    },
    /// The retry schedule of an event ran out.
    Abandoned {
        event: String,
    },
    /// What an idempotency key was answered.
    Answer(Box<Answer>),
}

/// The tables and their indexes.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) sessions: Shelf<Session>,
    pub(crate) refunds: Shelf<Refund>,
    pub(crate) events: Shelf<Event>,
    pub(crate) answers: Shelf<Answer>,
    session_of_intent: HashMap<String, String>,
    /// `(expires_at, id)` of open sessions.
    deadlines: BTreeSet<(i64, String)>,
    /// Oldest first.
    finished: VecDeque<String>,
    settled: VecDeque<String>,
    limits: Limits,
}

impl Tables {
    pub(crate) fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Session(session) => self.apply_session(*session),
            Entry::Refund(refund) => {
                let id = refund.id.clone();
                self.refunds.put(&id, *refund);
            }
            Entry::Event(event) => {
                let id = event.id.clone();
                if event.is_settled() {
                    self.settled.push_back(id.clone());
                }
                self.events.put(&id, *event);
            }
            Entry::Delivery { event, delivery } => {
                self.change_event(&event, |event| event.record(delivery));
            }
            Entry::Abandoned { event } => self.change_event(&event, |event| event.abandoned = true),
            Entry::Answer(answer) => {
                let key = answer.key.clone();
                self.answers.put(&key, *answer);
            }
        }
        self.evict();
    }

    pub(crate) fn session_of_intent(&self, intent: &str) -> Option<&Session> {
        self.sessions.get(self.session_of_intent.get(intent)?)
    }

    /// Open sessions whose time is over.
    pub(crate) fn overdue(&self, now: i64) -> Vec<String> {
        self.deadlines
            .iter()
            .take_while(|(expires_at, _)| *expires_at <= now)
            .map(|(_, id)| id.clone())
            .collect()
    }

    /// The shortest list of changes that leads to these tables.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry> {
        let sessions = self.sessions.oldest_first().cloned().map(Box::new);
        let refunds = self.refunds.oldest_first().cloned().map(Box::new);
        let events = self.events.oldest_first().cloned().map(Box::new);
        let answers = self.answers.oldest_first().cloned().map(Box::new);
        sessions
            .map(Entry::Session)
            .chain(refunds.map(Entry::Refund))
            .chain(events.map(Entry::Event))
            .chain(answers.map(Entry::Answer))
    }

    fn apply_session(&mut self, session: Session) {
        let id = session.id.clone();
        let deadline = (session.expires_at, id.clone());
        let was_finished = self.sessions.get(&id).is_some_and(Session::is_finished);
        if session.is_finished() {
            self.deadlines.remove(&deadline);
            if !was_finished {
                self.finished.push_back(id.clone());
            }
        } else {
            self.deadlines.insert(deadline);
        }
        if let Some(payment) = &session.payment {
            self.session_of_intent
                .insert(payment.intent.clone(), id.clone());
        }
        self.sessions.put(&id, session);
    }

    fn change_event(&mut self, id: &str, change: impl FnOnce(&mut Event)) {
        let Some(event) = self.events.get_mut(id) else {
            return;
        };
        let was_settled = event.is_settled();
        change(event);
        if event.is_settled() && !was_settled {
            self.settled.push_back(id.to_owned());
        }
    }

    fn evict(&mut self) {
        while self.finished.len() > self.limits.finished_sessions {
            if let Some(id) = self.finished.pop_front() {
                self.forget_session(&id);
            }
        }
        while self.settled.len() > self.limits.settled_events {
            if let Some(id) = self.settled.pop_front() {
                self.events.remove(&id);
            }
        }
        while self.answers.len() > self.limits.answers {
            self.answers.remove_oldest();
        }
    }

    fn forget_session(&mut self, id: &str) {
        let Some(payment) = self.sessions.remove(id).and_then(|session| session.payment) else {
            return;
        };
        self.session_of_intent.remove(&payment.intent);
        for refund in &payment.refunds {
            self.refunds.remove(refund);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stripe::session::sample;

    #[test]
    fn the_oldest_finished_session_leaves_first_and_open_ones_stay() {
        let limits = Limits {
            finished_sessions: 2,
            ..Limits::default()
        };
        let mut tables = Tables {
            limits,
            ..Tables::default()
        };
        tables.apply(Entry::Session(Box::new(sample("open"))));
        for id in ["first", "second", "third"] {
            let mut session = sample(id);
            session.expire().unwrap();
            tables.apply(Entry::Session(Box::new(session)));
        }
        assert!(tables.sessions.get("first").is_none());
        for kept in ["open", "second", "third"] {
            assert!(tables.sessions.get(kept).is_some(), "{kept}");
        }
    }

    #[test]
    fn only_open_sessions_are_overdue() {
        let mut tables = Tables::default();
        tables.apply(Entry::Session(Box::new(sample("one"))));
        assert!(tables.overdue(4_999).is_empty());
        assert_eq!(tables.overdue(5_000), ["one"]);
        let mut expired = sample("one");
        expired.expire().unwrap();
        tables.apply(Entry::Session(Box::new(expired)));
        assert!(tables.overdue(5_000).is_empty());
    }
}
