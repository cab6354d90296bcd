use chrono::Utc;
use serde_json::{Value, json};

use super::{User, id};

/// Something that happened at Clerk, as one message: sent again, it has the same id and the same bytes.
#[derive(Clone, Debug)]
pub struct Event {
    /// The message's id, `msg_…`.
    pub id: String,
    /// The bytes that are signed.
    pub body: String,
}

impl Event {
    /// `user.created`.
    #[must_use]
    pub fn created(user: &User) -> Self {
        Self::of("user.created", &user.to_json())
    }

    /// `user.updated`.
    #[must_use]
    pub fn updated(user: &User) -> Self {
        Self::of("user.updated", &user.to_json())
    }

    /// `user.deleted`, which tells nothing of the user but the id.
    #[must_use]
    pub fn deleted(user: &User) -> Self {
        let deleted = json!({"deleted": true, "id": user.id, "object": "user"});
        Self::of("user.deleted", &deleted)
    }

    /// An event of any type, in the envelope that all have.
    #[must_use]
    pub fn of(kind: &str, data: &Value) -> Self {
        let request = json!({"client_ip": "192.0.2.1", "user_agent": "Mozilla/5.0"});
        let event = json!({
            "data": data,
            "event_attributes": {"http_request": request},
            "instance_id": "ins_reenStandIn",
            "object": "event",
            "timestamp": Utc::now().timestamp_millis(),
            "type": kind,
        });
        Self {
            id: id("msg"),
            body: event.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Event, User};

    #[test]
    fn an_event_tells_of_the_user_as_it_is_then() {
        let ada = User::new("Ada", "Lovelace", "ada@reen.example");
        let event = Event::updated(&ada.renamed("Augusta"));
        let event: Value = serde_json::from_str(&event.body).unwrap();
        assert_eq!(event["type"], "user.updated");
        let told = &event["data"];
        assert_eq!(told["id"], ada.id.as_str());
        assert_eq!(told["first_name"], "Augusta");
        let later = ada.updated_at.timestamp_millis() + 1_000;
        assert_eq!(told["updated_at"], later);
        let primary = &told["primary_email_address_id"];
        assert_eq!(&told["email_addresses"][0]["id"], primary);
    }

    #[test]
    fn a_deletion_tells_the_id_alone() {
        let ada = User::new("Ada", "Lovelace", "ada@reen.example");
        let event: Value = serde_json::from_str(&Event::deleted(&ada).body).unwrap();
        let told = json!({"deleted": true, "id": ada.id, "object": "user"});
        assert_eq!(event["data"], told);
    }
}
