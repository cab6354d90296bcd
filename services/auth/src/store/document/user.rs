use bson::DateTime;
use bson::oid::ObjectId;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::domain::{Contact, Role, User};

/// A user as everything but signing in reads it: without the password's hash.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::store) struct UserDocument {
    #[serde(rename = "_id")]
    pub(in crate::store) id: ObjectId,
    pub(in crate::store) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::store) email: Option<String>,
    #[serde(rename = "emailVerified", default)]
    pub(in crate::store) is_email_verified: bool,
    #[serde(rename = "secondFactor", default)]
    pub(in crate::store) has_second_factor: bool,
    pub(in crate::store) role: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::store) clerk_id: Option<String>,
    pub(in crate::store) balance_cents: i64,
    pub(in crate::store) amount_gained_cents: i64,
    pub(in crate::store) amount_spent_cents: i64,
    pub(in crate::store) sales_count: i64,
    pub(in crate::store) purchases_count: i64,
    pub(in crate::store) created_at: DateTime,
    pub(in crate::store) updated_at: DateTime,
}

/// A user as it is first written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::store) struct NewUserDocument<'a> {
    #[serde(flatten)]
    pub(in crate::store) user: UserDocument,
    /// The address in the form in which it is unique; absent when somebody else is known by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::store) email_key: Option<String>,
    /// Absent when the user signs in elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::store) password_hash: Option<&'a str>,
}

/// What signing in reads of a user.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::store) struct CredentialDocument {
    #[serde(rename = "_id")]
    pub(in crate::store) id: ObjectId,
    /// Absent when the user signs in elsewhere.
    pub(in crate::store) password_hash: Option<SecretString>,
}

impl UserDocument {
    pub(in crate::store) fn new(id: ObjectId, name: &str, role: Role, now: DateTime) -> Self {
        Self {
            id,
            name: name.to_owned(),
            email: None,
            is_email_verified: false,
            has_second_factor: false,
            role,
            clerk_id: None,
            balance_cents: 0,
            amount_gained_cents: 0,
            amount_spent_cents: 0,
            sales_count: 0,
            purchases_count: 0,
            created_at: now,
            updated_at: now,
        }
    }

    pub(in crate::store) fn contact(self) -> Option<Contact> {
        Some(Contact {
            id: self.id,
            name: self.name,
            email: self.email?,
        })
    }
}

impl From<UserDocument> for User {
    fn from(user: UserDocument) -> Self {
        Self {
            id: user.id,
            name: user.name,
            email: user.email,
            is_email_verified: user.is_email_verified,
            has_second_factor: user.has_second_factor,
            role: user.role,
            clerk_id: user.clerk_id,
            balance_cents: user.balance_cents,
            amount_gained_cents: user.amount_gained_cents,
            amount_spent_cents: user.amount_spent_cents,
            sales_count: user.sales_count,
            purchases_count: user.purchases_count,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}
