use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::config::Limits;
use super::fault::{Fault, Faults};
use super::folder::Folder;
use super::letter::Letter;

/// Reads what a stand-in in the same process took, and makes it fail. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Office(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limits: Limits,
    folder: Option<Folder>,
    counter: Mutex<Counter>,
    /// Wakes those who wait for a letter.
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Counter {
    taken: Pile,
    turned_away: Pile,
    faults: Faults,
}

/// The newest letters.
#[derive(Debug, Default)]
struct Pile {
    letters: VecDeque<Arc<Letter>>,
    bytes: usize,
}

/// What became of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handed {
    /// It is kept.
    Over,
    /// It is kept, but its sender is not to know.
    OverInSilence,
    /// It is not kept; the sender may try again.
    Back,
}

impl Office {
    pub(super) fn new(limits: Limits, folder: Option<PathBuf>) -> Self {
        Self(Arc::new(Inner {
            limits,
            folder: folder.map(Folder::new),
            counter: Mutex::default(),
            changed: watch::Sender::new(()),
        }))
    }

    /// The next `times` letters to `address` fail so, after those for which that was said before.
    /// What a recipient meets comes first, as it is named before the letter.
    pub fn fail(&self, address: &str, fault: Fault, times: u32) {
        self.lock().faults.plan(address, fault, times);
    }

    /// Nothing fails any more.
    pub fn recover(&self) {
        self.lock().faults.clear();
    }

    /// The letters to `address` that were taken, the oldest first.
    #[must_use]
    pub fn letters_to(&self, address: &str) -> Vec<Arc<Letter>> {
        self.lock().taken.letters_to(address)
    }

    /// The letters to `address` that came whole and met [`Fault::NotNow`], or could not be written down; the oldest
    /// first.
    #[must_use]
    pub fn turned_away(&self, address: &str) -> Vec<Arc<Letter>> {
        self.lock().turned_away.letters_to(address)
    }

    /// Waits until `count` letters to `address` were taken, and answers those there are then. It waits as long as it
    /// takes.
    pub async fn taken(&self, address: &str, count: usize) -> Vec<Arc<Letter>> {
        self.reached(count, || self.letters_to(address)).await
    }

    /// As [`Self::taken`], of those that were turned away.
    pub async fn refused(&self, address: &str, count: usize) -> Vec<Arc<Letter>> {
        self.reached(count, || self.turned_away(address)).await
    }

    async fn reached(
        &self,
        count: usize,
        letters: impl Fn() -> Vec<Arc<Letter>>,
    ) -> Vec<Arc<Letter>> {
        // Subscribed before the first look, so that what comes between is not missed.
        let mut changed = self.0.changed.subscribe();
        loop {
            let there = letters();
            if there.len() >= count || changed.changed().await.is_err() {
                return there;
            }
        }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Why nobody can write to `address`, this time.
    pub(super) fn refusal_of(&self, address: &str) -> Option<Fault> {
        self.lock().faults.at_recipient(address)
    }

    /// Takes a letter, or does not, as it was told to.
    pub(super) async fn hand_over(&self, letter: Letter) -> Handed {
        let letter = Arc::new(letter);
        let fault = self.lock().faults.at_end(&letter.to);
        let is_kept = fault != Some(Fault::NotNow) && self.write_down(&letter).await;
        if is_kept {
            tracing::info!(to = ?letter.to, subject = ?letter.subject(), "a letter");
        }
        let mut counter = self.lock();
        let pile = if is_kept {
            &mut counter.taken
        } else {
            &mut counter.turned_away
        };
        pile.put(letter, &self.0.limits);
        drop(counter);
        self.0.changed.send_replace(());
        match (is_kept, fault) {
            (false, _) => Handed::Back,
            (true, Some(Fault::AnswerLost)) => Handed::OverInSilence,
            (true, _) => Handed::Over,
        }
    }

    async fn write_down(&self, letter: &Letter) -> bool {
        let Some(folder) = &self.0.folder else {
            return true;
        };
        let written = folder.write(&letter.bytes).await;
        if let Err(error) = &written {
            tracing::error!(%error, "the letter cannot be written into the folder");
        }
        written.is_ok()
    }

    fn lock(&self) -> MutexGuard<'_, Counter> {
        let counter = self.0.counter.lock();
        counter.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pile {
    fn letters_to(&self, address: &str) -> Vec<Arc<Letter>> {
        let letters = self.letters.iter();
        let own = letters.filter(|letter| letter.is_for(address));
        own.cloned().collect()
    }

    /// The newest stays, however large it is.
    fn put(&mut self, letter: Arc<Letter>, limits: &Limits) {
        self.bytes += letter.bytes.len();
        self.letters.push_back(letter);
        while self.letters.len() > 1
            && (self.letters.len() > limits.kept_letters || self.bytes > limits.kept_bytes)
        {
            let oldest = self.letters.pop_front();
            self.bytes -= oldest.map_or(0, |oldest| oldest.bytes.len());
        }
    }
}
