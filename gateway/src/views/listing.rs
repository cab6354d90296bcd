use prost::{Message, Name};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::fields;
use crate::cursor::CursorPage;
use crate::error::Error;
use crate::paging::{Paging, Part};
use crate::version::Version;

/// Which part of a list is asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    #[param(schema_with = fields::limit)]
    limit: Option<u32>,
    #[param(schema_with = fields::page)]
    page: Option<u32>,
    /// In the second version only, whose document has it.
    #[param(ignore)]
    cursor: Option<String>,
}

impl PageQuery {
    pub(crate) fn new(limit: Option<u32>, page: Option<u32>, cursor: Option<String>) -> Self {
        Self {
            limit,
            page,
            cursor,
        }
    }

    /// The part as the version asks for it. `question` is what the service is asked besides.
    pub(crate) fn part<Q: Message + Name>(&self, question: &Q) -> Result<Part, Error> {
        match Version::current() {
            Version::First => Paging::read(self.limit, self.page).map(Part::Numbered),
            Version::Second => {
                CursorPage::open(self.limit, self.cursor.as_deref(), question).map(Part::Keyset)
            }
        }
    }
}

/// A list, or a part of it, as the version shows lists. Its documentation is that of the array: what
/// the second version makes of it is derived.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Listing<T> {
    /// The items alone.
    Array(Vec<T>),
    /// The items, and the way to the next.
    Page(CursoredItems<T>),
}

/// A page of the second version.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CursoredItems<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

impl<T> Listing<T> {
    /// A list that is short by nature, and so one page.
    pub(crate) fn whole(items: Vec<T>) -> Self {
        match Version::current() {
            Version::First => Self::Array(items),
            Version::Second => Self::page(items, None),
        }
    }

    /// A page from which `next_cursor` leads to the next.
    pub(crate) fn page(items: Vec<T>, next_cursor: Option<String>) -> Self {
        Self::Page(CursoredItems { items, next_cursor })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Listing;
    use crate::version::{Asked, Version};

    #[test]
    fn each_version_shows_a_list_in_its_way() {
        let shown = |version| {
            let listing = || serde_json::to_value(Listing::whole(vec![1, 2])).unwrap();
            Asked::of(version).sync_scope(listing)
        };
        assert_eq!(shown(Version::First), json!([1, 2]));
        let page = json!({ "items": [1, 2], "nextCursor": null });
        assert_eq!(shown(Version::Second), page);
    }
}
