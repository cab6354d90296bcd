//! What a Clerk event asks of us. Only the fields that are needed are read.

use serde::Deserialize;

/// As long as our own names may be.
const LONGEST_NAME: usize = 100;
const NAMELESS: &str = "Customer";

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

/// A user as Clerk tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClerkUser {
    pub(crate) clerk_id: String,
    pub(crate) name: String,
    /// Empty when there is none.
    pub(crate) email: String,
    /// Unix milliseconds.
    pub(crate) updated_at: i64,
}

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
}

#[derive(Deserialize)]
struct Deleted {
    id: String,
}

/// Reads what an event asks of us.
///
/// # Errors
/// For an event of a type that we use without the fields that we need.
pub(crate) fn read_clerk_event(body: &[u8]) -> Result<ClerkWish, serde_json::Error> {
    let event: Event = serde_json::from_slice(body)?;
    Ok(match event.kind.as_str() {
        "user.created" | "user.updated" => {
            let user: User = serde_json::from_value(event.data)?;
            ClerkWish::Sync(user.into())
        }
        "user.deleted" => {
            let Deleted { id } = serde_json::from_value(event.data)?;
            ClerkWish::Forget { clerk_id: id }
        }
        _ => ClerkWish::Ignore("its type is not used"),
    })
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
            email: email.map(|email| email.email_address).unwrap_or_default(),
            updated_at: user.updated_at,
        }
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
        json!({
            "id": "user_1",
            "first_name": "Bea",
            "last_name": null,
            "username": "bea",
            "email_addresses": [
                {"id": "idn_1", "email_address": "old@reen.example"},
                {"id": "idn_2", "email_address": "bea@reen.example"},
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
    fn a_user_without_an_id_is_unreadable() {
        assert!(read_clerk_event(&event("user.created", &json!({"updated_at": 1}))).is_err());
        let other = read_clerk_event(&event("session.created", &json!({}))).unwrap();
        assert!(matches!(other, ClerkWish::Ignore(_)));
    }
}
