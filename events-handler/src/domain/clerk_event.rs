//! What a Clerk event asks of us. Only the fields that are needed are read, so that a new field changes
//! nothing here.
//!
//! The models of the Clerk crates are not used: they describe what the API answers, every field of it
//! required, and refuse events over fields that nobody needs.

use serde::{Deserialize, Serialize};

/// As long as our own names may be.
const LONGEST_NAME: usize = 100;
const NAMELESS: &str = "Customer";
const ID_PREFIX: &str = "user_";
const LONGEST_ID: usize = 64;
const VERIFIED: &str = "verified";

/// What has to be done about an event of Clerk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClerkWish {
    /// A user was made or changed there.
    Sync(ClerkUser),
    /// A user was deleted there.
    Forget { clerk_id: String },
    /// Nothing, and why.
    Ignore(&'static str),
}

/// A user as Clerk tells of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClerkUser {
    pub(crate) clerk_id: String,
    pub(crate) name: String,
    /// Empty when there is none.
    pub(crate) email: String,
    /// Whether the user proved to Clerk to read what is sent there.
    pub(crate) is_email_verified: bool,
    /// Unix milliseconds.
    pub(crate) updated_at: i64,
}

/// An event of a known type without the fields that it must have.
#[derive(Debug, thiserror::Error)]
#[error("the event cannot be read: {0}")]
pub(crate) struct UnreadableClerkEvent(String);

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    data: serde_json::Value,
}

#[derive(Deserialize)]
struct User {
    id: String,
    first_name: Option<String>,
    last_name: Option<String>,
    username: Option<String>,
    #[serde(default)]
    email_addresses: Vec<EmailAddress>,
    primary_email_address_id: Option<String>,
    updated_at: i64,
}

#[derive(Deserialize)]
struct EmailAddress {
    id: String,
    email_address: String,
    verification: Option<Verification>,
}

#[derive(Deserialize)]
struct Verification {
    status: Option<String>,
}

#[derive(Deserialize)]
struct Deleted {
    id: String,
}

/// Reads what an event asks of us.
///
/// # Errors
/// [`UnreadableClerkEvent`] for an event of a type that we use without the fields that we need.
pub(crate) fn read_clerk_event(body: &[u8]) -> Result<ClerkWish, UnreadableClerkEvent> {
    let event: Event = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    match event.kind.as_str() {
        "user.created" | "user.updated" => {
            let user: User =
                serde_json::from_value(event.data).map_err(|error| unreadable(&error))?;
            check_id(&user.id)?;
            Ok(ClerkWish::Sync(user.into()))
        }
        "user.deleted" => {
            let Deleted { id } =
                serde_json::from_value(event.data).map_err(|error| unreadable(&error))?;
            check_id(&id)?;
            Ok(ClerkWish::Forget { clerk_id: id })
        }
        _ => Ok(ClerkWish::Ignore("its type is not used")),
    }
}

/// Without what is read: the reason is logged, and the event is about somebody.
fn unreadable(error: &serde_json::Error) -> UnreadableClerkEvent {
    let what = match error.classify() {
        serde_json::error::Category::Data => "a field is missing or of another type",
        _ => "it is not JSON",
    };
    UnreadableClerkEvent(what.to_owned())
}

/// Only such ids are found again through our own API.
fn check_id(id: &str) -> Result<(), UnreadableClerkEvent> {
    let is_plain =
        |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if id.len() <= LONGEST_ID && id.strip_prefix(ID_PREFIX).is_some_and(is_plain) {
        return Ok(());
    }
    let why = "the user's id is not one of Clerk's";
    Err(UnreadableClerkEvent(why.to_owned()))
}

impl From<User> for ClerkUser {
    fn from(user: User) -> Self {
        let name = user.name();
        let primary = user.primary_email_address_id.as_deref();
        let mut addresses = user.email_addresses.into_iter();
        let email = addresses.find(|address| Some(address.id.as_str()) == primary);
        Self {
            clerk_id: user.id,
            name,
            is_email_verified: email.as_ref().is_some_and(EmailAddress::is_verified),
            email: email.map(|email| email.email_address).unwrap_or_default(),
            updated_at: user.updated_at,
        }
    }
}

impl EmailAddress {
    fn is_verified(&self) -> bool {
        let verification = self.verification.as_ref();
        let status = verification.and_then(|verification| verification.status.as_deref());
        status == Some(VERIFIED)
    }
}

impl User {
    /// One that our own rules for names let pass.
    fn name(&self) -> String {
        let parts = [&self.first_name, &self.last_name];
        let full: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        let full = full.join(" ");
        let name = match (full.trim(), self.username.as_deref()) {
            ("", Some(username)) => username,
            (full, _) => full,
        };
        let printable = name.chars().filter(|letter| !letter.is_control());
        let name: String = printable.take(LONGEST_NAME).collect();
        match name.trim() {
            "" => NAMELESS.to_owned(),
            name => name.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{ClerkWish, read_clerk_event};

    fn event(kind: &str, data: &Value) -> Vec<u8> {
        serde_json::to_vec(&json!({"type": kind, "object": "event", "data": data})).unwrap()
    }

    fn user() -> Value {
        let verified = json!({"status": "verified", "strategy": "email_code"});
        json!({
            "id": "user_1",
            "first_name": "Bea",
            "last_name": null,
            "username": "bea",
            "email_addresses": [
                {"id": "idn_1", "email_address": "old@reen.example"},
                {"id": "idn_2", "email_address": "bea@reen.example", "verification": verified},
            ],
            "primary_email_address_id": "idn_2",
            "updated_at": 1_654_012_824_306_i64,
        })
    }

    fn synced(data: &Value) -> super::ClerkUser {
        match read_clerk_event(&event("user.updated", data)) {
            Ok(ClerkWish::Sync(user)) => user,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_primary_address_counts() {
        let user = synced(&user());
        assert_eq!(user.email, "bea@reen.example");
        assert_eq!(
            (user.name.as_str(), user.updated_at),
            ("Bea", 1_654_012_824_306)
        );
    }

    #[test]
    fn an_address_is_verified_when_clerk_says_so() {
        assert!(synced(&user()).is_email_verified);
        let mut claimed = user();
        claimed["primary_email_address_id"] = json!("idn_1");
        assert!(!synced(&claimed).is_email_verified, "nothing is said");
        claimed["email_addresses"][0]["verification"] = json!({"status": "unverified"});
        assert!(!synced(&claimed).is_email_verified);
        claimed["primary_email_address_id"] = Value::Null;
        let user = synced(&claimed);
        assert_eq!((user.email.as_str(), user.is_email_verified), ("", false));
    }

    #[test]
    fn a_name_is_found_that_may_be_one() {
        let mut nameless = user();
        nameless["first_name"] = Value::Null;
        assert_eq!(synced(&nameless).name, "bea");
        nameless["username"] = json!("\n");
        assert_eq!(synced(&nameless).name, "Customer");
        nameless["username"] = json!("b".repeat(5_000));
        assert_eq!(synced(&nameless).name.len(), 100);
    }

    #[test]
    fn a_deleted_user_has_nothing_but_an_id() {
        let wish = read_clerk_event(&event(
            "user.deleted",
            &json!({"id": "user_1", "deleted": true}),
        ));
        let expected = ClerkWish::Forget {
            clerk_id: "user_1".to_owned(),
        };
        assert_eq!(wish.unwrap(), expected);
    }

    #[test]
    fn what_is_missing_is_not_guessed_and_not_repeated_in_the_log() {
        let mut timeless = user();
        timeless["updated_at"] = json!("bea@reen.example");
        for (kind, data) in [
            ("user.created", json!({"updated_at": 1})),
            ("user.updated", timeless),
            ("user.deleted", json!({"deleted": true})),
            ("user.deleted", json!({"id": "org_1"})),
            ("user.deleted", json!({"id": "user_a:b"})),
        ] {
            let error = read_clerk_event(&event(kind, &data)).unwrap_err();
            assert!(!error.to_string().contains("bea"), "{error}");
        }
        assert!(read_clerk_event(b"{").is_err());
    }

    #[test]
    fn other_types_are_ignored() {
        let other = read_clerk_event(&event("session.created", &json!({}))).unwrap();
        assert!(matches!(other, ClerkWish::Ignore(_)));
    }
}
