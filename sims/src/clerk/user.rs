use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::id;

/// A user of Clerk's.
#[derive(Clone, Debug)]
pub struct User {
    /// Clerk's id, `user_…`.
    pub id: String,
    /// The name, as far as it is known.
    pub first_name: Option<String>,
    /// The rest of it.
    pub last_name: Option<String>,
    /// The primary address.
    pub email: String,
    /// Whether the user proved to read what is sent there.
    pub is_email_verified: bool,
    /// When the user signed up.
    pub created_at: DateTime<Utc>,
    /// When something of this changed last.
    pub updated_at: DateTime<Utc>,
    email_id: String,
}

impl User {
    /// Somebody who signed up a moment ago, with an address that is verified.
    #[must_use]
    pub fn new(first_name: &str, last_name: &str, email: &str) -> Self {
        let now = Utc::now();
        Self {
            id: id("user"),
            first_name: Some(first_name.to_owned()),
            last_name: Some(last_name.to_owned()),
            email: email.to_owned(),
            is_email_verified: true,
            created_at: now,
            updated_at: now,
            email_id: id("idn"),
        }
    }

    /// The same user with another first name, changed a second later.
    #[must_use]
    pub fn renamed(&self, first_name: &str) -> Self {
        Self {
            first_name: Some(first_name.to_owned()),
            ..self.later()
        }
    }

    /// The same user a second later.
    #[must_use]
    pub fn later(&self) -> Self {
        Self {
            updated_at: self.updated_at + Duration::seconds(1),
            ..self.clone()
        }
    }

    /// The user as Clerk's API shows it (<https://clerk.com/docs/reference/backend-api>).
    pub(super) fn to_json(&self) -> Value {
        let mut user = self.profile();
        let rest = credentials_and_limits();
        if let (Some(user), Value::Object(rest)) = (user.as_object_mut(), rest) {
            user.extend(rest);
        }
        user
    }

    fn profile(&self) -> Value {
        json!({
            "id": self.id,
            "object": "user",
            "external_id": null,
            "username": null,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "primary_email_address_id": self.email_id,
            "primary_phone_number_id": null,
            "primary_web3_wallet_id": null,
            "email_addresses": [self.email_address()],
            "phone_numbers": [],
            "web3_wallets": [],
            "passkeys": [],
            "external_accounts": [],
            "saml_accounts": [],
            "enterprise_accounts": [],
            "has_image": false,
            "image_url": "https://img.clerk.com/default",
            "profile_image_url": "https://www.gravatar.com/avatar?d=mp",
            "public_metadata": {},
            "private_metadata": {},
            "unsafe_metadata": {},
            "created_at": self.created_at.timestamp_millis(),
            "updated_at": self.updated_at.timestamp_millis(),
        })
    }

    fn email_address(&self) -> Value {
        let verification = json!({
            "object": "verification_otp",
            "status": if self.is_email_verified { "verified" } else { "unverified" },
            "strategy": "email_code",
            "attempts": 1,
            "expire_at": (self.created_at + Duration::minutes(10)).timestamp_millis(),
        });
        json!({
            "id": self.email_id,
            "object": "email_address",
            "email_address": self.email,
            "reserved": false,
            "verification": verification,
            "linked_to": [],
            "created_at": self.created_at.timestamp_millis(),
            "updated_at": self.created_at.timestamp_millis(),
        })
    }
}

/// What is the same of every user here.
fn credentials_and_limits() -> Value {
    json!({
        "password_enabled": true,
        "two_factor_enabled": false,
        "totp_enabled": false,
        "backup_code_enabled": false,
        "mfa_enabled_at": null,
        "mfa_disabled_at": null,
        "last_sign_in_at": null,
        "last_active_at": null,
        "legal_accepted_at": null,
        "banned": false,
        "locked": false,
        "lockout_expires_in_seconds": null,
        "verification_attempts_remaining": 100,
        "delete_self_enabled": true,
        "create_organization_enabled": true,
    })
}
