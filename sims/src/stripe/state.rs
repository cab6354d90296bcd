//! The tables behind one lock, which is never held across an await.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use tokio::sync::mpsc::UnboundedSender;

use super::errors::ApiError;
use super::events::{Delivery, Event};
use super::idempotency::{Answer, Claim, Key};
use super::journal::Journal;
use super::refund::Refund;
use super::session::Session;
use super::tables::{Entry, Tables};

/// What the stand-in knows.
#[derive(Debug)]
pub(crate) struct State {
    inner: Mutex<Inner>,
    /// New events, by id; never waits.
    outbox: UnboundedSender<String>,
}

#[derive(Debug)]
struct Inner {
    tables: Tables,
    journal: Option<Journal>,
    /// Idempotency keys whose first request is still being executed.
    in_flight: HashSet<String>,
}

impl State {
    /// Replays the journal when there is one. Events that were not delivered
    /// before the restart are put into the outbox again.
    ///
    /// # Errors
    /// The journal cannot be read or written.
    pub(crate) fn open(journal: Option<&Path>, outbox: UnboundedSender<String>) -> Result<Self> {
        let mut tables = Tables::default();
        let journal = match journal {
            None => None,
            Some(path) => Some(Journal::open(path, &mut tables)?),
        };
        for event in tables.events.oldest_first() {
            if !event.is_settled() {
                outbox.send(event.id.clone()).ok();
            }
        }
        let inner = Inner {
            tables,
            journal,
            in_flight: HashSet::new(),
        };
        Ok(Self {
            inner: Mutex::new(inner),
            outbox,
        })
    }

    /// Looks at the tables.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Tables) -> T) -> T {
        look(&self.lock().tables)
    }

    /// Changes the tables. All changes of one call stand in one line of the
    /// journal: after a crash there are all or none.
    pub(crate) fn change<T>(&self, work: impl FnOnce(&mut Changes<'_>) -> T) -> T {
        let mut inner = self.lock();
        let mut changes = Changes {
            tables: &mut inner.tables,
            made: Vec::new(),
        };
        let result = work(&mut changes);
        let made = changes.made;
        if let Some(journal) = &mut inner.journal {
            journal.append(&made);
        }
        drop(inner);
        for entry in made {
            if let Entry::Event(event) = entry {
                // Nobody listens once the stand-in stops; the journal keeps it.
                self.outbox.send(event.id).ok();
            }
        }
        result
    }

    /// See [`Claim`].
    pub(crate) fn claim(&self, key: &Key, now: i64) -> Result<Claim, ApiError> {
        let mut inner = self.lock();
        if inner.in_flight.contains(&key.scoped) {
            return Err(key.in_use());
        }
        if let Some(answer) = inner.tables.answers.get(&key.scoped)
            && !answer.is_stale(now)
        {
            key.check(answer)?;
            return Ok(Claim::Replay(Box::new(answer.clone())));
        }
        inner.in_flight.insert(key.scoped.clone());
        Ok(Claim::Execute)
    }

    /// Ends what [`State::claim`] began.
    pub(crate) fn release(&self, key: &Key) {
        self.lock().in_flight.remove(&key.scoped);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change is whole or not made: a panic elsewhere is no reason
        // to refuse everything from then on.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tables during a change.
#[derive(Debug)]
pub(crate) struct Changes<'state> {
    tables: &'state mut Tables,
    made: Vec<Entry>,
}

impl Changes<'_> {
    pub(crate) fn tables(&self) -> &Tables {
        self.tables
    }

    pub(crate) fn put_session(&mut self, session: Session) {
        self.make(Entry::Session(Box::new(session)));
    }

    pub(crate) fn put_refund(&mut self, refund: Refund) {
        self.make(Entry::Refund(Box::new(refund)));
    }

    /// Stores the event and, once the change is made, sends it.
    pub(crate) fn emit(&mut self, event: Event) {
        self.make(Entry::Event(Box::new(event)));
    }

    pub(crate) fn record_delivery(&mut self, event: &str, delivery: Delivery) {
        self.make(Entry::Delivery {
            event: event.to_owned(),
            delivery,
        });
    }

    pub(crate) fn abandon(&mut self, event: &str) {
        self.make(Entry::Abandoned {
            event: event.to_owned(),
        });
    }

    pub(crate) fn remember(&mut self, answer: Answer) {
        self.make(Entry::Answer(Box::new(answer)));
    }

    fn make(&mut self, entry: Entry) {
        self.tables.apply(entry.clone());
        self.made.push(entry);
    }
}
