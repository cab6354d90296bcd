use bson::DateTime;
use bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

const CLERK_PREFIX: &str = "user_";

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Role {
    Seller,
    Buyer,
    /// Nothing: a user who left, or the owner of what such users leave behind.
    Anonymous,
    /// Buys, and runs the shop.
    Operator,
}

/// A user, with what the ledger says of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) id: ObjectId,
    pub(crate) name: String,
    /// As it was given. Absent once the user has left.
    pub(crate) email: Option<String>,
    /// Whether the user has proved to read what is sent there.
    pub(crate) is_email_verified: bool,
    /// Whether signing in with the password takes a code as well.
    pub(crate) has_second_factor: bool,
    pub(crate) role: Role,
    /// The id at the identity provider, when the user came from there.
    pub(crate) clerk_id: Option<String>,
    pub(crate) balance_cents: i64,
    pub(crate) amount_gained_cents: i64,
    pub(crate) amount_spent_cents: i64,
    pub(crate) sales_count: i64,
    pub(crate) purchases_count: i64,
    pub(crate) created_at: DateTime,
    pub(crate) updated_at: DateTime,
}

/// Name and address to write to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contact {
    pub(crate) id: ObjectId,
    pub(crate) name: String,
    pub(crate) email: String,
}

/// What a user may not do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("your role does not allow this")]
    Forbidden,
    #[error("the balance is too low")]
    InsufficientBalance,
    #[error("you have this role already")]
    AlreadyInRole,
    #[error("the role of an operator changes by the command line only")]
    IsOperator,
    /// The role was paid for, and whoever decides on refunds should not be paid by orders.
    #[error("a seller cannot be an operator; that takes an account of its own")]
    IsSeller,
}

impl User {
    /// Whether this user has the role that is asked for, if one is.
    pub(crate) fn check_role(&self, required: Option<Role>) -> Result<(), Refusal> {
        match required {
            Some(role) if role != self.role => Err(Refusal::Forbidden),
            _ => Ok(()),
        }
    }

    pub(crate) fn check_can_pay(&self, amount_cents: i64) -> Result<(), Refusal> {
        if amount_cents > self.balance_cents {
            return Err(Refusal::InsufficientBalance);
        }
        Ok(())
    }

    /// Whether the user may choose this role.
    pub(crate) fn check_can_become(&self, role: Role) -> Result<(), Refusal> {
        match self.role {
            Role::Operator => Err(Refusal::IsOperator),
            known if known == role => Err(Refusal::AlreadyInRole),
            _ => Ok(()),
        }
    }

    /// Whether the account may become that of a Clerk user who has proved to read its address.
    ///
    /// An operator's may not: who runs the shop is decided by the command line alone, not by whoever
    /// administers the identity provider.
    pub(crate) fn may_be_linked(&self) -> bool {
        self.clerk_id.is_none() && matches!(self.role, Role::Buyer | Role::Seller)
    }

    /// The role of this user as an operator, or as none.
    pub(crate) fn role_as_operator(&self, is_operator: bool) -> Result<Role, Refusal> {
        match (self.role, is_operator) {
            (Role::Buyer, true) => Ok(Role::Operator),
            (Role::Operator, false) => Ok(Role::Buyer),
            (Role::Seller, true) => Err(Refusal::IsSeller),
            (role, _) => Ok(role),
        }
    }
}

/// How a user is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UserKey {
    Local(ObjectId),
    /// The id at the identity provider.
    Clerk(String),
}

impl UserKey {
    /// What `key` names; nothing when no user can have it.
    pub(crate) fn parse(key: &str) -> Option<Self> {
        if key.starts_with(CLERK_PREFIX) {
            return Some(Self::Clerk(key.to_owned()));
        }
        ObjectId::parse_str(key).ok().map(Self::Local)
    }
}

#[cfg(test)]
mod tests {
    use bson::DateTime;
    use bson::oid::ObjectId;

    use super::{Refusal, Role, User, UserKey};

    fn buyer(balance_cents: i64) -> User {
        User {
            id: ObjectId::from_bytes([1; 12]),
            name: "Ada".to_owned(),
            email: None,
            is_email_verified: false,
            has_second_factor: false,
            role: Role::Buyer,
            clerk_id: None,
            balance_cents,
            amount_gained_cents: 0,
            amount_spent_cents: 0,
            sales_count: 0,
            purchases_count: 0,
            created_at: DateTime::MIN,
            updated_at: DateTime::MIN,
        }
    }

    #[test]
    fn the_last_cent_can_be_spent() {
        assert_eq!(buyer(5).check_can_pay(5), Ok(()));
        assert_eq!(buyer(5).check_can_pay(6), Err(Refusal::InsufficientBalance));
        assert_eq!(
            buyer(-1).check_can_pay(0),
            Err(Refusal::InsufficientBalance)
        );
    }

    #[test]
    fn roles_are_asked_for_or_not() {
        assert_eq!(buyer(0).check_role(None), Ok(()));
        assert_eq!(buyer(0).check_role(Some(Role::Buyer)), Ok(()));
        assert_eq!(
            buyer(0).check_role(Some(Role::Seller)),
            Err(Refusal::Forbidden)
        );
        assert_eq!(
            buyer(0).check_can_become(Role::Buyer),
            Err(Refusal::AlreadyInRole)
        );
    }

    #[test]
    fn operators_are_made_of_buyers_and_do_not_choose_another_role() {
        let operator = User {
            role: Role::Operator,
            ..buyer(0)
        };
        let seller = User {
            role: Role::Seller,
            ..buyer(0)
        };
        assert_eq!(buyer(0).role_as_operator(true), Ok(Role::Operator));
        assert_eq!(operator.role_as_operator(true), Ok(Role::Operator));
        assert_eq!(operator.role_as_operator(false), Ok(Role::Buyer));
        assert_eq!(seller.role_as_operator(true), Err(Refusal::IsSeller));
        assert_eq!(seller.role_as_operator(false), Ok(Role::Seller));
        for role in [Role::Buyer, Role::Seller] {
            assert_eq!(operator.check_can_become(role), Err(Refusal::IsOperator));
        }
    }

    #[test]
    fn only_buyers_and_sellers_without_a_clerk_user_are_linked_to_one() {
        let with_role = |role| User { role, ..buyer(0) };
        assert!(with_role(Role::Buyer).may_be_linked());
        assert!(with_role(Role::Seller).may_be_linked());
        assert!(!with_role(Role::Operator).may_be_linked());
        assert!(!with_role(Role::Anonymous).may_be_linked());
        let linked = User {
            clerk_id: Some("user_2x".to_owned()),
            ..buyer(0)
        };
        assert!(!linked.may_be_linked());
    }

    #[test]
    fn a_user_is_asked_for_by_either_id() {
        let id = ObjectId::from_bytes([7; 12]);
        assert_eq!(UserKey::parse(&id.to_hex()), Some(UserKey::Local(id)));
        let clerk = UserKey::Clerk("user_2x".to_owned());
        assert_eq!(UserKey::parse("user_2x"), Some(clerk));
        assert_eq!(UserKey::parse("nobody"), None);
    }
}
