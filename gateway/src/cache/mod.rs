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
//! Products that stand beside something else, in a cart or an order, are kept here alone, for a second,
//! and forgotten in the same way ([`views`]).
//!
//! It never keeps an answer that depends on who asks, and no failure but `not_found`.

mod answer;
mod counts;
mod far;
mod forgotten;
mod headers;
mod key;
mod listen;
mod near;
mod views;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use reen_chassis::CallContext;
use reen_error::{Code, Coded as _};

use crate::error::Error;
use crate::redis::Line;
use counts::Counts;
use far::{Far, Found, Look, PATIENCE};
use forgotten::Forgotten;
use key::Subject;
use near::{Entry, Near};
use views::{Name, Views};

pub(crate) use answer::Answer;
pub(crate) use headers::ReadHeaders;
pub(crate) use key::Key;
pub(crate) use listen::listen;
pub(crate) use views::ProductViews;

/// Of the memory, so many parts are for answers and one for products beside something else.
const VIEWS_SHARE: u64 = 4;

/// What this gateway remembers, and its share in what all of them do.
pub(crate) struct Cache {
    /// Both are absent when nothing is to be remembered.
    near: Option<Near>,
    views: Option<Views>,
    far: Option<Arc<Far>>,
    forgotten: Forgotten,
    counts: Counts,
}

impl Cache {
    /// Takes at most so many bytes of this process's memory; 0 turns it off, in Redis too.
    pub(crate) fn new(bytes: u64, redis: Option<Line>) -> Self {
        let is_on = bytes > 0;
        Self {
            near: is_on.then(|| Near::of(bytes - bytes / VIEWS_SHARE)),
            views: is_on.then(|| Views::of(bytes / VIEWS_SHARE)),
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

    /// These products as they are shown beside something else, by id, at most a second old: what is
    /// remembered, and of the others what `load` answers. Those that are gone are left out.
    ///
    /// # Errors
    /// Those of `load`.
    pub(crate) async fn product_views<F>(
        &self,
        ids: BTreeSet<String>,
        load: impl FnOnce(BTreeSet<String>) -> F,
    ) -> Result<ProductViews, Error>
    where
        F: Future<Output = Result<ProductViews, Error>>,
    {
        let Some(views) = &self.views else {
            return load(ids).await;
        };
        let names = ids.into_iter().map(|id| self.name_of_view(id)).collect();
        let (mut found, missing) = views.look(names).await;
        self.counts.near.increment(count(found.len()));
        if missing.is_empty() {
            return Ok(found);
        }
        self.counts.missed.increment(count(missing.len()));
        let began = Instant::now();
        let loaded = load(missing.iter().map(|(id, _)| id.clone()).collect()).await?;
        views.keep(missing, &loaded, began).await;
        found.extend(loaded);
        Ok(found)
    }

    fn name_of_view(&self, id: String) -> Name {
        let forgotten = self.forgotten.last(Subject::Product(&id).slot());
        (id, forgotten)
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

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
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
