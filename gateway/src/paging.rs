//! Pages of long lists, and the headers that lead from one to the next.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use reen_error::FieldFailure;
use reen_proto::paging::v1::{Keyset, Position};
use serde::Serialize;
use url::form_urlencoded::{Serializer, parse};
use utoipa::ToSchema;

use crate::cursor::CursorPage;
use crate::error::Error;
use crate::views::listing::Listing;

/// How many there are in all.
pub(crate) const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

/// The longest list without paging. A multiple of [`LONGEST_PAGE`], so that pages can go on after it.
const LONGEST_LIST: u32 = 1_000;
/// The most that one page holds.
pub(crate) const LONGEST_PAGE: u32 = 100;
const DEFAULT_PAGE_LENGTH: u32 = 20;
/// To leave out more than this is not browsing.
pub(crate) const MOST_SKIPPED: u32 = 10_000_000;

/// Which part of a list was asked for, in the way of the version that asks.
#[derive(Debug)]
pub(crate) enum Part {
    /// By how many items come before it.
    Numbered(Paging),
    /// By where it begins.
    Keyset(CursorPage),
}

impl Part {
    /// How many at most.
    pub(crate) fn limit(&self) -> i32 {
        match self {
            Self::Numbered(paging) => paging.limit(),
            Self::Keyset(page) => i32::try_from(page.limit()).unwrap_or(i32::MAX),
        }
    }

    /// How many come before.
    pub(crate) fn skip(&self) -> i64 {
        match self {
            Self::Numbered(paging) => paging.skip(),
            Self::Keyset(_) => 0,
        }
    }

    /// Where it begins, if that is how it was asked for.
    pub(crate) fn keyset(&self) -> Option<Keyset> {
        match self {
            Self::Numbered(_) => None,
            Self::Keyset(page) => Some(page.keyset()),
        }
    }

    /// Whether the page's place among the others is shown with it.
    pub(crate) fn has_meta(&self) -> bool {
        matches!(self, Self::Numbered(paging) if paging.is_paged())
    }

    /// What is told of the other parts beside the items; `uri` is this one's.
    pub(crate) fn headers(&self, total: i64, uri: &Uri) -> HeaderMap {
        match self {
            Self::Numbered(paging) => paging.headers(total, uri),
            Self::Keyset(_) => HeaderMap::new(),
        }
    }

    /// How many there are in all, where pages are not linked to each other.
    pub(crate) fn total(&self, total: i64) -> HeaderMap {
        match self {
            Self::Numbered(_) => HeaderMap::from_iter([(TOTAL_COUNT, HeaderValue::from(total))]),
            Self::Keyset(_) => HeaderMap::new(),
        }
    }

    /// This part of a list that the service knows only as a whole, and where the next begins. When the item
    /// behind which it should begin is gone, it begins anew.
    pub(crate) fn cut<T>(
        &self,
        mut items: Vec<T>,
        id: impl Fn(&T) -> &str,
    ) -> (Vec<T>, Option<Position>) {
        let Self::Keyset(page) = self else {
            return (items, None);
        };
        let after = page.keyset().after;
        let last = after.and_then(|after| items.iter().position(|item| id(item) == after.id));
        items.drain(..last.map_or(0, |last| last + 1));
        let limit = usize::try_from(page.limit()).unwrap_or(usize::MAX);
        let goes_on = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| goes_on).map(|last| Position {
            id: id(last).to_owned(),
            key: None,
        });
        (items, next)
    }

    /// The items as they are shown; `next` is where the service says that the next page begins.
    pub(crate) fn listing<T>(&self, items: Vec<T>, next: Option<&Position>) -> Listing<T> {
        match self {
            Self::Numbered(_) => Listing::Array(items),
            Self::Keyset(page) => Listing::page(items, next.map(|next| page.cursor(next))),
        }
    }
}

/// Which part of a list was asked for by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paging {
    limit: u32,
    page: u32,
    /// Whether the client asked for a page at all.
    paged: bool,
}

/// Where a page is.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageMeta {
    /// How many there are in all.
    total: i64,
    /// Counted from 1.
    page: u32,
    /// The number of the last page; 1 when there is nothing.
    last_page: i64,
    has_next_page: bool,
    has_previous_page: bool,
}

impl Paging {
    /// From the query; without both it is the whole list as far as it may go.
    pub(crate) fn read(limit: Option<u32>, page: Option<u32>) -> Result<Self, Error> {
        let paged = limit.is_some() || page.is_some();
        let default = if paged {
            DEFAULT_PAGE_LENGTH
        } else {
            LONGEST_LIST
        };
        let paging = Self {
            limit: limit.unwrap_or(default),
            page: page.unwrap_or(1),
            paged,
        };
        if paging.skip() > i64::from(MOST_SKIPPED) {
            let message = format!("must not leave out more than {MOST_SKIPPED} items");
            return Err(Error::invalid(vec![FieldFailure::new(
                "page",
                "too_large",
                message,
            )]));
        }
        Ok(paging)
    }

    /// Whether the client asked for a page and not for the list.
    pub(crate) fn is_paged(self) -> bool {
        self.paged
    }

    /// How many at most.
    pub(crate) fn limit(self) -> i32 {
        i32::try_from(self.limit).unwrap_or(i32::MAX)
    }

    /// How many come before.
    pub(crate) fn skip(self) -> i64 {
        i64::from(self.limit) * (i64::from(self.page) - 1)
    }

    pub(crate) fn meta(self, total: i64) -> PageMeta {
        PageMeta {
            total,
            page: self.page,
            last_page: self.last_page(total),
            has_next_page: self.has_next(total),
            has_previous_page: self.page > 1,
        }
    }

    /// `X-Total-Count`, and `Link` (RFC 8288) to the pages before and after; `uri` is this one's.
    pub(crate) fn headers(self, total: i64, uri: &Uri) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(TOTAL_COUNT, HeaderValue::from(total));
        let mut links = Vec::new();
        if self.page > 1 {
            links.push(link(uri, self.limit, self.page - 1, "prev"));
        }
        if self.has_next(total) {
            let (limit, page) = self.next();
            links.push(link(uri, limit, page, "next"));
        }
        if let Ok(value) = HeaderValue::from_str(&links.join(", "))
            && !links.is_empty()
        {
            headers.insert(header::LINK, value);
        }
        headers
    }

    fn last_page(self, total: i64) -> i64 {
        let limit = i64::from(self.limit);
        ((total + limit - 1) / limit).max(1)
    }

    fn has_next(self, total: i64) -> bool {
        i64::from(self.page) < self.last_page(total)
    }

    /// What a list leaves out goes on in pages.
    fn next(self) -> (u32, u32) {
        if self.paged {
            (self.limit, self.page + 1)
        } else {
            (LONGEST_PAGE, LONGEST_LIST / LONGEST_PAGE + 1)
        }
    }
}

fn link(uri: &Uri, limit: u32, page: u32, relation: &str) -> String {
    let others = parse(uri.query().unwrap_or_default().as_bytes())
        .filter(|(name, _)| name != "limit" && name != "page");
    let query = Serializer::new(String::new())
        .extend_pairs(others)
        .append_pair("limit", &limit.to_string())
        .append_pair("page", &page.to_string())
        .finish();
    format!("<{}?{query}>; rel=\"{relation}\"", uri.path())
}

#[cfg(test)]
mod tests {
    use axum::http::Uri;

    use reen_proto::sagas::v1::ListDeadLettersRequest;

    use super::{Paging, Part};
    use crate::cursor::CursorPage;

    fn link(paging: Paging, total: i64) -> Option<String> {
        let uri = Uri::from_static("/api/v1/products?name=a%20b&page=2&limit=10");
        let headers = paging.headers(total, &uri);
        Some(headers.get("link")?.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_page_links_to_its_neighbours() {
        let paging = Paging::read(Some(10), Some(2)).unwrap();
        assert_eq!((paging.limit(), paging.skip()), (10, 10));
        let path = "/api/v1/products?name=a+b&limit=10";
        let expected = format!("<{path}&page=1>; rel=\"prev\", <{path}&page=3>; rel=\"next\"");
        assert_eq!(link(paging, 21), Some(expected));
        assert_eq!(link(Paging::read(Some(10), None).unwrap(), 10), None);
    }

    #[test]
    fn what_is_known_as_a_whole_is_cut_by_its_ids() {
        let question = ListDeadLettersRequest::default();
        let cut = |cursor: Option<&str>| {
            let part = Part::Keyset(CursorPage::open(Some(2), cursor, &question).unwrap());
            let (items, next) = part.cut(vec!["a", "b", "c"], |item| item);
            let Part::Keyset(page) = part else {
                unreachable!("it was made above")
            };
            (items, next.map(|next| page.cursor(&next)))
        };
        let (first, cursor) = cut(None);
        assert_eq!(first, ["a", "b"]);
        assert_eq!(cut(cursor.as_deref()), (vec!["c"], None));
    }

    #[test]
    fn a_list_goes_on_in_pages() {
        let list = Paging::read(None, None).unwrap();
        assert_eq!((list.limit(), list.skip()), (1_000, 0));
        assert!(link(list, 1_001).unwrap().contains("limit=100&page=11"));
        assert_eq!(link(list, 1_000), None);
    }

    #[test]
    fn the_last_page_is_known() {
        let paging = Paging::read(Some(10), Some(3)).unwrap();
        for (total, last, next) in [(0, 1, false), (30, 3, false), (31, 4, true)] {
            let meta = paging.meta(total);
            assert_eq!(
                (meta.last_page, meta.has_next_page),
                (last, next),
                "{total}"
            );
        }
    }

    #[test]
    fn absurd_pages_are_refused() {
        assert!(Paging::read(Some(100), Some(100_001)).is_ok());
        assert!(Paging::read(Some(100), Some(100_002)).is_err());
    }
}
