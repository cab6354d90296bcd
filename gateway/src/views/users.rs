use reen_proto::auth::v1 as proto;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::AnyOfBuilder;
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::{fields, rfc3339};
use crate::money::Money;

/// What somebody is in the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) enum Role {
    /// Sells.
    #[serde(rename = "ADMIN")]
    Seller,
    /// Buys.
    #[serde(rename = "NADMIN")]
    Buyer,
    /// Owns the products of sellers who left.
    #[serde(rename = "ANONYMOUS")]
    Anonymous,
    /// Runs the shop; to others a buyer.
    #[serde(rename = "OPERATOR")]
    Operator,
}

impl From<i32> for Role {
    fn from(role: i32) -> Self {
        match proto::Role::try_from(role) {
            Ok(proto::Role::Seller) => Self::Seller,
            Ok(proto::Role::Anonymous) => Self::Anonymous,
            Ok(proto::Role::Operator) => Self::Operator,
            _ => Self::Buyer,
        }
    }
}

/// A role that a user can choose.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
pub(crate) enum ChosenRole {
    /// To sell.
    #[serde(rename = "ADMIN")]
    Seller,
    /// To buy.
    #[serde(rename = "NADMIN")]
    Buyer,
}

impl From<ChosenRole> for proto::Role {
    fn from(role: ChosenRole) -> Self {
        match role {
            ChosenRole::Seller => Self::Seller,
            ChosenRole::Buyer => Self::Buyer,
        }
    }
}

/// A user, as the user alone sees it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserView {
    id: String,
    name: String,
    email: String,
    /// Whether the user has proved to read what is sent there.
    email_verified: bool,
    /// Whether signing in with the password takes a code as well.
    second_factor: bool,
    role: Role,
    balance: Money,
    sales_count: i64,
    purchases_count: i64,
    amount_gained: Money,
    amount_spent: Money,
    /// At the identity provider, for who signed in there.
    #[serde(skip_serializing_if = "Option::is_none")]
    clerk_id: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl From<proto::User> for UserView {
    fn from(user: proto::User) -> Self {
        Self {
            id: user.id,
            name: user.name,
            email: user.email,
            email_verified: user.email_verified,
            second_factor: user.second_factor,
            role: user.role.into(),
            balance: Money::from_cents(user.balance_cents),
            sales_count: user.sales_count,
            purchases_count: user.purchases_count,
            amount_gained: Money::from_cents(user.amount_gained_cents),
            amount_spent: Money::from_cents(user.amount_spent_cents),
            clerk_id: user.clerk_id,
            created_at: rfc3339(user.created_at),
            updated_at: rfc3339(user.updated_at),
        }
    }
}

/// What anybody may know of a user.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PublicUserView {
    id: String,
    name: String,
    role: Role,
    sales_count: i64,
    purchases_count: i64,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl From<proto::PublicUser> for PublicUserView {
    fn from(user: proto::PublicUser) -> Self {
        Self {
            id: user.id,
            name: user.name,
            role: user.role.into(),
            sales_count: user.sales_count,
            purchases_count: user.purchases_count,
            created_at: rfc3339(user.created_at),
            updated_at: rfc3339(user.updated_at),
        }
    }
}

/// The whole user for the user, the public part for others.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum SomeUserView {
    Own(UserView),
    Public(PublicUserView),
}

/// Not `oneOf`, as it would be derived: the whole has all that the public part has.
impl PartialSchema for SomeUserView {
    fn schema() -> RefOr<Schema> {
        AnyOfBuilder::new()
            .item(Ref::from_schema_name(UserView::name()))
            .item(Ref::from_schema_name(PublicUserView::name()))
            .into()
    }
}

impl ToSchema for SomeUserView {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((UserView::name().into_owned(), UserView::schema()));
        UserView::schemas(schemas);
        schemas.push((
            PublicUserView::name().into_owned(),
            PublicUserView::schema(),
        ));
        PublicUserView::schemas(schemas);
    }
}

impl From<proto::get_user_response::View> for SomeUserView {
    fn from(view: proto::get_user_response::View) -> Self {
        match view {
            proto::get_user_response::View::Own(user) => Self::Own(user.into()),
            proto::get_user_response::View::Public(user) => Self::Public(user.into()),
        }
    }
}

/// What of a user is to change; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateProfile {
    #[schema(schema_with = fields::user_name)]
    pub(crate) name: Option<String>,
    #[schema(schema_with = fields::email)]
    pub(crate) email: Option<String>,
}

/// What the user wants to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeRole {
    #[schema(inline)]
    pub(crate) role: ChosenRole,
}
