//! Cursors: where a page of a list ended, in a text that clients hand back as it is.
//!
//! A cursor holds the position that the service named, and a digest of it and of the question that the
//! list answers. So one that was cut, typed by hand or taken to another list, filter or order is refused
//! instead of leading anywhere. It is no secret and needs no key: whoever makes one up only asks for another
//! part of a list that is open to them anyway, and the service checks it like any input.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost::{Message, Name};
use reen_error::Code;
use reen_proto::paging::v1::{Keyset, Position};
use ring::digest::{Context, SHA256};

use crate::error::Error;

/// How long a page is when nobody says.
pub(crate) const DEFAULT_LIMIT: u32 = 20;
/// The most that one page holds.
pub(crate) const MOST_ON_A_PAGE: u32 = 100;
/// Room for the name of a product in its longest encoding.
pub(crate) const LONGEST_CURSOR: usize = 1_000;

/// Enough to tell accidents; there is nothing to protect.
const DIGEST_BYTES: usize = 8;

type Digest = [u8; DIGEST_BYTES];

/// A page of a list: where it begins, and how long it may be.
#[derive(Debug)]
pub(crate) struct CursorPage {
    limit: u32,
    after: Option<Position>,
    /// The question that the list answers, encoded.
    question: Vec<u8>,
}

impl CursorPage {
    /// `question` is what the service is asked but for the part of the list.
    pub(crate) fn open<Q: Message + Name>(
        limit: Option<u32>,
        cursor: Option<&str>,
        question: &Q,
    ) -> Result<Self, Error> {
        let mut encoded = Q::full_name().into_bytes();
        encoded.push(0);
        encoded.extend(question.encode_to_vec());
        let after = cursor
            .map(|cursor| read(cursor, &encoded).ok_or_else(|| Error::of(Code::BadCursor)))
            .transpose()?;
        Ok(Self {
            limit: limit.unwrap_or(DEFAULT_LIMIT),
            after,
            question: encoded,
        })
    }

    pub(crate) fn limit(&self) -> u32 {
        self.limit
    }

    /// As the service is asked.
    pub(crate) fn keyset(&self) -> Keyset {
        Keyset {
            after: self.after.clone(),
        }
    }

    /// The cursor of the page that begins at `next`.
    pub(crate) fn cursor(&self, next: &Position) -> String {
        let position = next.encode_to_vec();
        let mut bytes = digest(&self.question, &position).to_vec();
        bytes.extend(position);
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

fn read(cursor: &str, question: &[u8]) -> Option<Position> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (claimed, position) = bytes.split_first_chunk::<DIGEST_BYTES>()?;
    if digest(question, position) != *claimed {
        return None;
    }
    Position::decode(position).ok()
}

fn digest(question: &[u8], position: &[u8]) -> Digest {
    let mut context = Context::new(&SHA256);
    let length = u64::try_from(question.len()).unwrap_or(u64::MAX);
    context.update(&length.to_be_bytes());
    context.update(question);
    context.update(position);
    let mut cut = Digest::default();
    cut.copy_from_slice(&context.finish().as_ref()[..DIGEST_BYTES]);
    cut
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reen_error::{Code, Coded as _};
    use reen_proto::orders::v1::{ListOrdersRequest, ListSalesRequest};
    use reen_proto::paging::v1::Position;
    use reen_proto::paging::v1::position::Key;
    use reen_proto::products::v1::ListProductsRequest;

    use super::{CursorPage, LONGEST_CURSOR};

    fn dear() -> ListProductsRequest {
        ListProductsRequest {
            min_price_cents: Some(100),
            ..ListProductsRequest::default()
        }
    }

    fn position(key: Key) -> Position {
        Position {
            id: "66f0c0ffee66f0c0ffee66f0".to_owned(),
            key: Some(key),
        }
    }

    #[test]
    fn a_cursor_leads_to_where_it_was_made() {
        let page = CursorPage::open(None, None, &dear()).unwrap();
        assert_eq!((page.limit(), page.keyset().after), (20, None));
        for key in [Key::Number(-5), Key::Text("größe".to_owned())] {
            let cursor = page.cursor(&position(key.clone()));
            let next = CursorPage::open(Some(7), Some(&cursor), &dear()).unwrap();
            assert_eq!(next.limit(), 7);
            assert_eq!(next.keyset().after, Some(position(key)));
        }
    }

    #[test]
    fn the_cursor_of_the_longest_name_is_short_enough() {
        let name = Key::Text("\u{1d7d8}".repeat(100));
        let page = CursorPage::open(None, None, &dear()).unwrap();
        assert!(page.cursor(&position(name)).len() <= LONGEST_CURSOR);
    }

    #[test]
    fn a_cursor_is_of_one_list_and_one_question() {
        let page = CursorPage::open(None, None, &dear()).unwrap();
        let cursor = page.cursor(&position(Key::Number(5)));
        let all = ListProductsRequest::default();
        let refused = CursorPage::open(None, Some(&cursor), &all).unwrap_err();
        assert_eq!(refused.code(), Code::BadCursor);
        let orders = CursorPage::open(None, None, &ListOrdersRequest::default()).unwrap();
        let cursor = orders.cursor(&Position::default());
        assert!(CursorPage::open(None, Some(&cursor), &ListSalesRequest::default()).is_err());
    }

    proptest! {
        #[test]
        fn what_was_changed_is_refused(number in any::<i64>(), at in any::<prop::sample::Index>(), letter in "[A-Za-z0-9_-]") {
            let page = CursorPage::open(None, None, &dear()).unwrap();
            let cursor = page.cursor(&position(Key::Number(number)));
            let at = at.index(cursor.len());
            let changed = format!("{}{letter}{}", &cursor[..at], &cursor[at + 1..]);
            let opened = CursorPage::open(None, Some(&changed), &dear());
            prop_assert_eq!(opened.is_ok(), changed == cursor);
        }

        #[test]
        fn nothing_that_is_sent_panics(text in "\\PC*") {
            prop_assert!(CursorPage::open(None, Some(&text), &dear()).is_err());
        }
    }
}
