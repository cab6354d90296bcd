use std::time::Duration;

use bson::{DateTime, Document, doc};
use reen_invariants::Invariant::{NothingLost, Once, OneEnd};

use super::{Damage, Harm, in_collection, set, unset};

pub(super) fn sagas() -> Vec<Damage> {
    let done = || doc! {"kind": "order-completed", "status": "done"};
    let undone = || doc! {"kind": "order-completed", "status": "compensated"};
    let expiry = || doc! {"kind": "checkout-expired"};
    // Of a runner that nobody sees, so that no other takes it over.
    let far = DateTime::now().saturating_add_duration(Duration::from_secs(3_600));
    let running = set(doc! {"status": "running", "leaseUntil": far, "dueAt": far});
    let one_end = |filter: Document, harm, says| (filter, harm, OneEnd, says);
    in_collection(
        "EVENTS",
        "sagas",
        [
            one_end(done(), running, "is running and began"),
            one_end(done(), set(doc! {"status": "stuck"}), "is stuck and began"),
            one_end(
                done(),
                set(doc! {"status": "compensated"}),
                "its saga is compensated",
            ),
            one_end(
                done(),
                set(doc! {"state.refund_id": "re_2"}),
                "which its saga refunded",
            ),
            one_end(done(), Harm::Remove, "is completed, and no saga made it so"),
            one_end(
                undone(),
                unset("state.refund_id"),
                "undone without a refund on record",
            ),
            one_end(undone(), set(doc! {"status": "done"}), "its saga is done"),
            (
                expiry(),
                set(doc! {"status": "stuck"}),
                NothingLost,
                "is stuck and began",
            ),
            (
                expiry(),
                Harm::Copy(doc! {"_id": "b"}),
                Once,
                "is a second one of kind",
            ),
            (expiry(), Harm::Remove, NothingLost, "which is not there"),
        ],
    )
}

pub(super) fn messages() -> Vec<Damage> {
    let any = Document::new;
    let waiting = doc! {"messageId": "m", "kind": "reen.x", "putAt": DateTime::now()};
    let says = "of kind reen.x waits in the outbox of orders for less than a minute";
    in_collection(
        "ORDERS",
        "outbox",
        [(any(), Harm::Insert(waiting), NothingLost, says)],
    )
}
