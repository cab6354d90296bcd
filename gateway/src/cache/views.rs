//! Products as they are shown beside something else, in a cart or an order: what everybody sees of them,
//! without an answer around it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::future::Cache;

use super::forgotten::Moment;
use crate::views::products::ProductView;

/// How long one is shown after its load began.
const LIFETIME: Duration = Duration::from_secs(1);
/// What an entry takes beside its texts, about.
const OVERHEAD_BYTES: usize = 512;

/// By id.
pub(crate) type ProductViews = HashMap<String, Arc<ProductView>>;

/// The moment is a part of the name, as with answers: what was loaded before a change is not found after.
pub(super) type Name = (String, Moment);

#[derive(Clone)]
struct Shown {
    view: Arc<ProductView>,
    began: Instant,
}

pub(super) struct Views(Cache<Name, Shown>);

impl Views {
    /// Remembers so many bytes; of more, what is asked for most.
    pub(super) fn of(bytes: u64) -> Self {
        let weigh = |_: &Name, shown: &Shown| u32::try_from(size(&shown.view)).unwrap_or(u32::MAX);
        let cache = Cache::builder()
            .max_capacity(bytes)
            .weigher(weigh)
            .time_to_live(LIFETIME);
        Self(cache.build())
    }

    /// Those that are remembered, and the names of the others.
    pub(super) async fn look(&self, names: Vec<Name>) -> (ProductViews, Vec<Name>) {
        let mut found = ProductViews::with_capacity(names.len());
        let mut missing = Vec::new();
        for name in names {
            match self.0.get(&name).await {
                Some(shown) if shown.began.elapsed() < LIFETIME => {
                    found.insert(name.0, shown.view);
                }
                _ => missing.push(name),
            }
        }
        (found, missing)
    }

    /// Remembers of these what was loaded.
    pub(super) async fn keep(&self, names: Vec<Name>, loaded: &ProductViews, began: Instant) {
        for name in names {
            if let Some(view) = loaded.get(&name.0).cloned() {
                self.0.insert(name, Shown { view, began }).await;
            }
        }
    }
}

fn size(view: &ProductView) -> usize {
    let pictures: usize = view.image_urls.iter().map(String::len).sum();
    view.name.len() + view.description.len() + pictures + OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use reen_proto::products::v1::Product;

    use super::super::forgotten::{Forgotten, Slot};
    use super::{LIFETIME, ProductViews, Views};
    use crate::views::products::ProductView;

    #[tokio::test]
    async fn what_is_too_old_is_not_shown() {
        let moment = Forgotten::nothing().last(Slot::of(0));
        let name = || vec![("lamp".to_owned(), moment)];
        let lamp = Arc::new(ProductView::new(Product::default(), None, 0));
        let loaded = ProductViews::from([("lamp".to_owned(), lamp)]);
        let views = Views::of(1024 * 1024);
        let now = Instant::now();
        views.keep(name(), &loaded, now).await;
        assert_eq!(views.look(name()).await.0.len(), 1);
        let long_ago = now.checked_sub(LIFETIME).unwrap();
        views.keep(name(), &loaded, long_ago).await;
        let (found, missing) = views.look(name()).await;
        assert_eq!((found.len(), missing), (0, name()));
    }
}
