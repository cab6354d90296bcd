//! From what the domain knows to messages.

use bson::DateTime;
use bson::oid::ObjectId;
use prost_types::Timestamp;
use reen_proto::auth::v1 as proto;
use reen_proto::paging::v1::Position;
use reen_proto::time::from_millis;

use crate::domain::{Contact, Role, User};
use crate::service::{Session, UserView};

pub(super) fn session(session: Session) -> proto::Session {
    proto::Session {
        access_token: session.access_token,
        refresh_token: session.refresh_token.expose().to_owned(),
        refresh_expires_at: Some(timestamp(session.refresh_expires_at)),
        user: Some(own(session.user)),
        device_token: session
            .device
            .map(|device| device.expose().to_owned())
            .unwrap_or_default(),
    }
}

pub(super) fn either(user: UserView) -> proto::GetUserResponse {
    use proto::get_user_response::View;

    let view = match user {
        UserView::Own(user) => View::Own(own(user)),
        UserView::Public(user) => View::Public(public(user)),
    };
    proto::GetUserResponse { view: Some(view) }
}

pub(super) fn own(user: User) -> proto::User {
    proto::User {
        id: user.id.to_hex(),
        name: user.name,
        email: user.email.unwrap_or_default(),
        role: role(user.role).into(),
        balance_cents: user.balance_cents,
        sales_count: user.sales_count,
        purchases_count: user.purchases_count,
        amount_gained_cents: user.amount_gained_cents,
        amount_spent_cents: user.amount_spent_cents,
        clerk_id: user.clerk_id,
        created_at: Some(timestamp(user.created_at)),
        updated_at: Some(timestamp(user.updated_at)),
        email_verified: user.is_email_verified,
        second_factor: user.has_second_factor,
    }
}

/// Users, and the one behind whom it goes on.
pub(super) fn users_behind(
    (users, last): (Vec<User>, Option<ObjectId>),
) -> proto::ListUsersResponse {
    // Users are sorted by their ids alone.
    let position = |last: ObjectId| Position {
        id: last.to_hex(),
        key: None,
    };
    proto::ListUsersResponse {
        users: users.into_iter().map(public).collect(),
        total: 0,
        next: last.map(position),
    }
}

pub(super) fn public(user: User) -> proto::PublicUser {
    proto::PublicUser {
        id: user.id.to_hex(),
        name: user.name,
        role: public_role(user.role).into(),
        sales_count: user.sales_count,
        purchases_count: user.purchases_count,
        created_at: Some(timestamp(user.created_at)),
        updated_at: Some(timestamp(user.updated_at)),
    }
}

pub(super) fn contact(contact: Contact) -> proto::Contact {
    proto::Contact {
        id: contact.id.to_hex(),
        name: contact.name,
        email: contact.email,
    }
}

fn role(role: Role) -> proto::Role {
    match role {
        Role::Seller => proto::Role::Seller,
        Role::Buyer => proto::Role::Buyer,
        Role::Anonymous => proto::Role::Anonymous,
        Role::Operator => proto::Role::Operator,
    }
}

/// Who runs the shop is nobody's business: to others an operator is a buyer.
fn public_role(known: Role) -> proto::Role {
    match known {
        Role::Operator => proto::Role::Buyer,
        other => role(other),
    }
}

pub(super) fn timestamp(time: DateTime) -> Timestamp {
    from_millis(time.timestamp_millis())
}
