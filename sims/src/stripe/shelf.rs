//! A map that remembers the order in which its entries first came.

use std::collections::{BTreeMap, HashMap};

/// Entries by id; listed newest first, as Stripe's lists are.
#[derive(Debug)]
pub(crate) struct Shelf<T> {
    entries: HashMap<String, (u64, T)>,
    order: BTreeMap<u64, String>,
    next: u64,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            order: BTreeMap::new(),
            next: 0,
        }
    }
}

impl<T> Shelf<T> {
    /// Adds an entry, or replaces the one of the same id in its place.
    pub(crate) fn put(&mut self, id: &str, value: T) {
        if let Some((_, present)) = self.entries.get_mut(id) {
            *present = value;
            return;
        }
        self.order.insert(self.next, id.to_owned());
        self.entries.insert(id.to_owned(), (self.next, value));
        self.next += 1;
    }

    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.entries.get(id).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.entries.get_mut(id).map(|(_, value)| value)
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<T> {
        let (number, value) = self.entries.remove(id)?;
        self.order.remove(&number);
        Some(value)
    }

    pub(crate) fn remove_oldest(&mut self) -> Option<T> {
        let id = self.order.first_key_value()?.1.clone();
        self.remove(&id)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn oldest_first(&self) -> impl Iterator<Item = &T> {
        self.order.values().filter_map(|id| self.get(id))
    }

    /// Newest first; with `after`, only those that are older than that entry.
    /// `None` when `after` is unknown.
    pub(crate) fn newest_first(&self, after: Option<&str>) -> Option<impl Iterator<Item = &T>> {
        let end = match after {
            None => self.next,
            Some(id) => self.entries.get(id)?.0,
        };
        Some(
            self.order
                .range(..end)
                .rev()
                .filter_map(|(_, id)| self.get(id)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keep_their_place_when_replaced() {
        let mut shelf = Shelf::default();
        shelf.put("a", 1);
        shelf.put("b", 2);
        shelf.put("a", 3);
        assert_eq!(shelf.oldest_first().copied().collect::<Vec<_>>(), [3, 2]);
        assert_eq!(
            shelf
                .newest_first(None)
                .unwrap()
                .copied()
                .collect::<Vec<_>>(),
            [2, 3]
        );
        assert_eq!(
            shelf
                .newest_first(Some("b"))
                .unwrap()
                .copied()
                .collect::<Vec<_>>(),
            [3]
        );
        assert!(shelf.newest_first(Some("c")).is_none());
        assert_eq!(shelf.remove_oldest(), Some(3));
        assert_eq!(shelf.len(), 1);
    }
}
