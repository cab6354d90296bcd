use std::time::Duration;

use bson::Document;
use reen_chassis::CallContext;

/// The server counts in whole milliseconds, and takes none for no limit.
const SHORTEST: Duration = Duration::from_millis(1);

/// How long the server may work for the call that is being answered; `None` when nobody waits for it,
/// as with a sweep.
pub(crate) fn time_left() -> Option<Duration> {
    CallContext::time_left().map(|left| left.max(SHORTEST))
}

/// Has the server end a command then.
pub(crate) fn end_in_time(command: &mut Document) {
    if let Some(left) = time_left().and_then(|left| i64::try_from(left.as_millis()).ok()) {
        command.insert("maxTimeMS", left);
    }
}
