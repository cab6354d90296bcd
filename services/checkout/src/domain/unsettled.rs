use bson::DateTime;
use bson::oid::ObjectId;

use super::State;

/// A checkout that should have ended: its page closed, or its payment came, some time ago.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unsettled {
    pub(crate) id: ObjectId,
    pub(crate) state: State,
    /// Stripe's session: the one that was paid, else the one that was opened, if that is known.
    pub(crate) session_id: Option<String>,
    /// When its page closed; when its payment was recorded, once it is paid.
    pub(crate) since: DateTime,
}

/// Which of them are asked for: those since `from` and before `before`, at most `limit`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) from: Option<DateTime>,
    pub(crate) before: DateTime,
    pub(crate) limit: i64,
}
