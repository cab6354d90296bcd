//! What is remembered of what stands beside something else.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use super::Cache;
use super::key::Subject;
use super::recent::Recent;
use crate::error::Error;
use crate::views::products::ProductView;

/// Products as they are shown, by id.
pub(crate) type ProductViews = HashMap<String, Arc<ProductView>>;
/// Of sellers, by id; `None` for one whose account is gone.
pub(crate) type SellerNames = HashMap<String, Option<Arc<str>>>;
/// In how many orders products are, by id.
pub(crate) type OrderCounts = HashMap<String, i64>;

/// One kind of what stands beside something else, by the ids of what it belongs to.
pub(crate) struct Kind<V> {
    recent: Recent<V>,
    subject: fn(&str) -> Subject<'_>,
}

/// Every kind. Half of the memory is for products, which are larger.
pub(crate) struct Kinds {
    pub(crate) products: Kind<Arc<ProductView>>,
    pub(crate) names: Kind<Option<Arc<str>>>,
    pub(crate) counts: Kind<i64>,
}

impl Kinds {
    pub(super) fn of(bytes: u64) -> Self {
        let name_size = |name: &Option<Arc<str>>| name.as_ref().map_or(0, |name| name.len());
        Self {
            products: Kind {
                recent: Recent::of(bytes / 2, |view: &Arc<ProductView>| size(view)),
                subject: |id| Subject::Product(id),
            },
            names: Kind {
                recent: Recent::of(bytes / 4, name_size),
                subject: |id| Subject::User(id),
            },
            counts: Kind {
                recent: Recent::of(bytes / 4, |_| 0),
                subject: |id| Subject::Product(id),
            },
        }
    }
}

impl Cache {
    /// What is remembered of this kind, at most a second old, and of the others what `load` answers. What
    /// `load` leaves out is left out, and not remembered.
    ///
    /// # Errors
    /// Those of `load`.
    pub(crate) async fn beside<V, F>(
        &self,
        kind: impl FnOnce(&Kinds) -> &Kind<V>,
        ids: BTreeSet<String>,
        load: impl FnOnce(BTreeSet<String>) -> F,
    ) -> Result<HashMap<String, V>, Error>
    where
        V: Clone + Send + Sync + 'static,
        F: Future<Output = Result<HashMap<String, V>, Error>>,
    {
        let Some(Kind { recent, subject }) = self.beside.as_ref().map(kind) else {
            return load(ids).await;
        };
        let names = ids.into_iter().map(|id| {
            let forgotten = self.forgotten.last(subject(&id).slot());
            (id, forgotten)
        });
        let (mut found, missing) = recent.look(names.collect()).await;
        self.counts.near.increment(count(found.len()));
        if missing.is_empty() {
            return Ok(found);
        }
        self.counts.missed.increment(count(missing.len()));
        let began = Instant::now();
        let loaded = load(missing.iter().map(|(id, _)| id.clone()).collect()).await?;
        recent.keep(missing, &loaded, began).await;
        found.extend(loaded);
        Ok(found)
    }
}

fn size(view: &ProductView) -> usize {
    let pictures: usize = view.image_urls.iter().map(String::len).sum();
    view.name.len() + view.description.len() + pictures + size_of::<ProductView>()
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
