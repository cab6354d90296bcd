//! Users of the identity provider.

use bson::DateTime;
use bson::oid::ObjectId;
use ring::digest::{SHA256, digest};

use super::{Email, Name, User};

const BYTES: usize = 32;

/// A user of Clerk, as an event tells of them.
#[derive(Clone, Debug)]
pub(crate) struct ClerkUser {
    pub(crate) clerk_id: String,
    pub(crate) name: Name,
    /// The primary one. Absent when there is none, or none that we could write to.
    pub(crate) email: Option<Email>,
    /// Whether the user has proved to Clerk to read what is sent to this address.
    pub(crate) is_email_verified: bool,
    /// When Clerk changed the user last.
    pub(crate) updated_at: DateTime,
}

impl ClerkUser {
    /// The address by which others may know the user, if it is proved.
    pub(crate) fn proved_email(&self) -> Option<&Email> {
        self.email.as_ref().filter(|_| self.is_email_verified)
    }
}

/// Whose account a Clerk user's is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Known(ObjectId),
    /// It was made here, under the address that the Clerk user has proved to read.
    Linked(ObjectId),
    /// The same, and whoever made it had proved to read the address as well, here.
    Joined(ObjectId),
    Nobody,
}

/// What the rules say of a Clerk user among those who are here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) owner: Owner,
    /// The address in the form in which it is unique, when it is the user's: proved, and not the one
    /// by which somebody else is known here. Without it the user is written to all the same.
    pub(crate) email_key: Option<String>,
}

impl Owner {
    pub(crate) fn account(self) -> Option<ObjectId> {
        match self {
            Self::Known(id) | Self::Linked(id) | Self::Joined(id) => Some(id),
            Self::Nobody => None,
        }
    }
}

impl Standing {
    /// `known` is the user's account, if there is one, and `holder` who is known here by the address
    /// that the user has proved.
    pub(crate) fn of(user: &ClerkUser, known: Option<&User>, holder: Option<&User>) -> Self {
        let owner = match (known, holder) {
            (Some(known), _) => Owner::Known(known.id),
            (None, Some(holder)) if holder.may_be_linked() => match holder.is_email_verified {
                true => Owner::Joined(holder.id),
                false => Owner::Linked(holder.id),
            },
            (None, _) => Owner::Nobody,
        };
        let is_theirs = holder.is_none_or(|holder| owner.account() == Some(holder.id));
        let email = user.proved_email().filter(|_| is_theirs);
        Self {
            owner,
            email_key: email.map(Email::normal_form),
        }
    }
}

/// What stays of a Clerk user who was deleted: enough to recognise an event that comes late, and
/// nothing that tells who it was. Clerk's ids are too random to be guessed from their hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClerkMark([u8; BYTES]);

impl ClerkMark {
    pub(crate) fn of(clerk_id: &str) -> Self {
        let digest = digest(&SHA256, clerk_id.as_bytes());
        let mut mark = [0; BYTES];
        mark.copy_from_slice(digest.as_ref());
        Self(mark)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use bson::DateTime;
    use bson::oid::ObjectId;

    use super::{ClerkMark, ClerkUser, Owner, Standing};
    use crate::domain::{Email, Name, Role, User};

    fn account(byte: u8, clerk_id: Option<&str>) -> User {
        User {
            id: ObjectId::from_bytes([byte; 12]),
            name: "Ada".to_owned(),
            email: None,
            is_email_verified: false,
            has_second_factor: false,
            role: Role::Buyer,
            clerk_id: clerk_id.map(str::to_owned),
            balance_cents: 0,
            amount_gained_cents: 0,
            amount_spent_cents: 0,
            sales_count: 0,
            purchases_count: 0,
            created_at: DateTime::MIN,
            updated_at: DateTime::MIN,
        }
    }

    fn ada(is_email_verified: bool) -> ClerkUser {
        ClerkUser {
            clerk_id: "user_2aB".to_owned(),
            name: Name::parse("Ada").unwrap(),
            email: Some(Email::parse("Ada@reen.example").unwrap()),
            is_email_verified,
            updated_at: DateTime::MIN,
        }
    }

    fn key() -> Option<String> {
        Some("ada@reen.example".to_owned())
    }

    #[test]
    fn whoever_proves_the_address_of_an_account_gets_it() {
        let local = account(1, None);
        let standing = Standing::of(&ada(true), None, Some(&local));
        assert_eq!(standing.owner, Owner::Linked(local.id));
        assert_eq!(standing.email_key, key());
    }

    #[test]
    fn an_account_whose_address_was_proved_here_is_joined() {
        let verified = User {
            is_email_verified: true,
            ..account(1, None)
        };
        let standing = Standing::of(&ada(true), None, Some(&verified));
        assert_eq!(standing.owner, Owner::Joined(verified.id));
    }

    #[test]
    fn the_account_of_another_stays_apart_with_its_address() {
        let operator = User {
            role: Role::Operator,
            ..account(1, None)
        };
        for holder in [operator, account(1, Some("user_2aC"))] {
            let standing = Standing::of(&ada(true), None, Some(&holder));
            let apart = Standing {
                owner: Owner::Nobody,
                email_key: None,
            };
            assert_eq!(standing, apart);
        }
    }

    #[test]
    fn a_known_user_takes_a_new_address_only_when_it_is_free() {
        let known = account(1, Some("user_2aB"));
        let standing = |holder| Standing::of(&ada(true), Some(&known), holder);
        assert_eq!(standing(None).email_key, key());
        assert_eq!(standing(Some(&known)).email_key, key());
        let taken = standing(Some(&account(2, None)));
        assert_eq!(taken.owner, Owner::Known(known.id), "two accounts stay two");
        assert_eq!(taken.email_key, None);
    }

    #[test]
    fn an_address_that_is_only_claimed_is_nobodys() {
        let standing = Standing::of(&ada(false), None, None);
        assert_eq!(standing.owner, Owner::Nobody);
        assert_eq!(standing.email_key, None);
    }

    #[test]
    fn a_mark_recognises_one_user_and_does_not_name_them() {
        let (one, other) = (ClerkMark::of("user_2aB"), ClerkMark::of("user_2aC"));
        assert_eq!(one, ClerkMark::of("user_2aB"));
        assert_ne!(one, other);
        assert!(!one.as_bytes().windows(3).any(|bytes| bytes == b"2aB"));
    }
}
