//! The names of the ledger's accounts.

use bson::oid::ObjectId;

const USER: &str = "user:";
const HOUSE: [&str; 3] = ["house:openings", "house:fees", "house:upgrades"];

/// The account of a user.
pub(crate) fn of_user(id: &str) -> String {
    format!("{USER}{id}")
}

/// Whether there can be an account of this name.
pub(crate) fn is_known(name: &str) -> bool {
    let user = name.strip_prefix(USER);
    HOUSE.contains(&name) || user.is_some_and(|id| ObjectId::parse_str(id).is_ok())
}
