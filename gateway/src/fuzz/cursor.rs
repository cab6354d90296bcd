use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bolero::check;
use reen_error::{Code, Coded as _};
use reen_proto::orders::v1::ListOrdersRequest;
use reen_proto::paging::v1::Position;
use reen_proto::paging::v1::position::Key;

use super::with_a_byte_changed;
use crate::cursor::CursorPage;
use crate::error::Error;

fn open(cursor: &str) -> Result<CursorPage, Error> {
    CursorPage::open(None, Some(cursor), &ListOrdersRequest::default())
}

#[test]
fn nobody_makes_one_up() {
    check!().for_each(|bytes: &[u8]| {
        let refused = open(&URL_SAFE_NO_PAD.encode(bytes)).unwrap_err();
        assert_eq!(refused.code(), Code::BadCursor);
    });
}

#[test]
fn one_leads_back_and_a_changed_one_nowhere() {
    let first = || CursorPage::open(None, None, &ListOrdersRequest::default()).unwrap();
    check!()
        .with_type::<(String, i64, String, usize, u8)>()
        .for_each(|(id, number, text, position, change)| {
            for key in [
                None,
                Some(Key::Number(*number)),
                Some(Key::Text(text.clone())),
            ] {
                let id = id.clone();
                let place = Position { id, key };
                let cursor = first().cursor(&place);
                assert_eq!(open(&cursor).unwrap().keyset().after, Some(place));
                if let Some(changed) = with_a_byte_changed(&cursor, *position, *change) {
                    assert!(open(&changed).is_err(), "{changed}");
                }
            }
        });
}
