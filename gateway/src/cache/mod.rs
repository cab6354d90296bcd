//! Public answers that are remembered for two seconds at most, so that a product that everybody looks
//! at is asked for once.
//!
//! An answer is kept in this process (for at most a second) and in Redis, for all gateways together. Its
//! age counts from when its load began, by a clock that only goes forward: this process's own, or that
//! of Redis. What changes is dropped earlier: [`listen`] hears of it from products, and whoever writes
//! through this gateway says so at once ([`Cache::forget_products`]). Being forgotten is a moment, not
//! a deletion: nothing whose load began before it is shown afterwards, wherever it was kept, and a load
//! that is under way is not kept ([`forgotten`]).
//!
//! What stands beside something else, products in a cart or an order, the name of a seller and the number
//! of orders at a product, is kept here alone, for a second, and forgotten in the same way ([`beside`]).
//!
//! It never keeps an answer that depends on who asks, and no failure but `not_found`.

mod answer;
mod beside;
mod counts;
mod far;
mod forgotten;
mod headers;
mod key;
mod listen;
mod near;
mod recent;

use std::sync::Arc;
use std::time::Instant;

use reen_chassis::CallContext;
use reen_error::{Code, Coded as _};

use crate::error::Error;
use crate::redis::Line;
use beside::Kinds;
use counts::Counts;
use far::{Far, Found, Look, PATIENCE};
use forgotten::Forgotten;
use key::Subject;
use near::{Entry, Near};

pub(crate) use answer::Answer;
pub(crate) use beside::{OrderCounts, ProductViews, SellerNames};
pub(crate) use headers::ReadHeaders;
pub(crate) use key::Key;
pub(crate) use listen::listen;

/// One in so many bytes of the memory is for what stands beside something else, the others for answers.
const BESIDE_SHARE: u64 = 4;

/// What this gateway remembers, and its share in what all of them do.
pub(crate) struct Cache {
    /// Both are absent when nothing is to be remembered.
    near: Option<Near>,
    beside: Option<Kinds>,
    far: Option<Arc<Far>>,
    forgotten: Forgotten,
    counts: Counts,
}

impl Cache {
    /// Takes at most so many bytes of this process's memory; 0 turns it off, in Redis too.
    pub(crate) fn new(bytes: u64, redis: Option<Line>) -> Self {
        let is_on = bytes > 0;
        Self {
            near: is_on.then(|| Near::of(bytes - bytes / BESIDE_SHARE)),
            beside: is_on.then(|| Kinds::of(bytes / BESIDE_SHARE)),
            far: redis
                .filter(|_| is_on)
                .map(|line| Arc::new(Far::on(line, PATIENCE))),
            forgotten: Forgotten::nothing(),
            counts: Counts::new(),
        }
    }

    /// What is remembered under `key`, else what `load` answers. Of several who ask at the same time, one
    /// loads. Who asks for the truth loads alone.
    ///
    /// # Errors
    /// Those of `load`.
    pub(crate) async fn answer<L, F>(
        &self,
        key: &Key,
        headers: &ReadHeaders,
        load: L,
    ) -> Result<Answer, Error>
    where
        L: Fn() -> F,
        F: Future<Output = Result<Answer, Error>>,
    {
        match &self.near {
            Some(near) if !headers.for_the_truth => self.remembered(near, key, load).await,
            _ => Box::pin(for_anybody(load())).await,
        }
    }

    async fn remembered<L, F>(&self, near: &Near, key: &Key, load: L) -> Result<Answer, Error>
    where
        L: Fn() -> F,
        F: Future<Output = Result<Answer, Error>>,
    {
        let arrived = Instant::now();
        loop {
            let forgotten = self.forgotten.last(key.slot());
            let kept = near.get(key, forgotten).await;
            let entry = if let Some(entry) = kept {
                self.counts.near.increment(1);
                entry
            } else {
                // On the heap: hits, which are most, do not carry its size around.
                let fetching = Box::pin(self.fetch(key, forgotten, &load));
                near.get_or(key, forgotten, fetching).await?
            };
            // A load that others began long ago, and that took long, may have read what is too old by
            // now; the next one begins after this request came.
            if entry.began >= arrived || entry.is_young() {
                return entry.outcome.clone();
            }
        }
    }

    /// Looks into Redis, and loads what is not there.
    async fn fetch<L, F>(
        &self,
        key: &Key,
        forgotten: forgotten::Moment,
        load: &L,
    ) -> Result<Arc<Entry>, Error>
    where
        L: Fn() -> F,
        F: Future<Output = Result<Answer, Error>>,
    {
        let looked = match &self.far {
            Some(far) => far.look(key).await,
            None => Look::Nothing,
        };
        let lease = match looked {
            Look::Found(Found {
                answer,
                began,
                ends,
            }) if self.forgotten.is_before(forgotten, began) => {
                self.counts.far.increment(1);
                return Ok(Entry::kept(answer, began, ends));
            }
            Look::Granted(lease) => Some(lease),
            Look::Found(_) | Look::Nothing => None,
        };
        self.counts.missed.increment(1);
        let began = Instant::now();
        let loaded = for_anybody(load()).await;
        let is_void = self.forgotten.last(key.slot()) != forgotten;
        if is_void {
            self.counts.voided.increment(1);
        }
        if let (Some(far), Some(lease)) = (&self.far, lease) {
            let answer = loaded.as_ref().ok().filter(|_| !is_void);
            Arc::clone(far).settle(key, lease, answer.cloned());
        }
        match loaded {
            Ok(answer) => Ok(Entry::kept(answer, began, began + key.lifetime())),
            Err(error) if error.code() == Code::NotFound => Ok(Entry::missing(error, began)),
            Err(error) => Err(error),
        }
    }

    /// Shows nothing of these products any more that was read before now.
    pub(crate) async fn forget_products<I: AsRef<str>>(&self, ids: &[I]) {
        let subjects = ids.iter().map(|id| Subject::Product(id.as_ref()));
        self.forget(subjects).await;
    }

    /// The same, and no list of products either: for a seller who looks for what was done. What else
    /// happens to products shows in lists when these are a second old.
    pub(crate) async fn forget_written<I: AsRef<str>>(&self, ids: &[I]) {
        self.forgotten.note(Subject::Catalogue.slot());
        self.forget_products(ids).await;
    }

    /// Shows nothing of this user, and no list of users, any more that was read before now.
    pub(crate) async fn forget_user(&self, id: &str) {
        self.forgotten.note(Subject::Users.slot());
        self.forget([Subject::User(id)].into_iter()).await;
    }

    /// Shows nothing any more that was read before now: something may have been missed.
    pub(crate) fn forget_everything(&self) {
        self.forgotten.note_all();
    }

    async fn forget<'a>(&self, subjects: impl Iterator<Item = Subject<'a>>) {
        let mut texts = Vec::new();
        for subject in subjects {
            self.forgotten.note(subject.slot());
            texts.extend(subject.texts());
        }
        if let Some(far) = &self.far {
            far.drop_all(&texts).await;
        }
    }
}

/// Loads on behalf of nobody, because everybody gets the answer.
async fn for_anybody<T>(load: impl Future<Output = T>) -> T {
    let context = CallContext {
        user: None,
        ..CallContext::current()
    };
    context.scope(load).await
}

#[cfg(test)]
mod tests;
