//! What it publishes.

use bson::DateTime;
use bson::oid::ObjectId;
use reen_messaging::{Message, Queue};
use reen_proto::events::QUEUE;
use reen_proto::events::v1::LetterRequested;
use reen_proto::time::from_millis;

/// Where letters are written.
pub(crate) const EVENTS: Queue = Queue { name: QUEUE };

/// Somebody asked for a letter, and that is stored.
pub(crate) fn letter_requested(letter_id: ObjectId) -> Message {
    Message::new(&LetterRequested {
        letter_id: letter_id.to_hex(),
        requested_at: Some(from_millis(DateTime::now().timestamp_millis())),
    })
}
