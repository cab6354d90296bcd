//! Letters that prove who reads an address.

use std::time::Duration;

use serde::{Deserialize, Serialize};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What a letter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum LetterKind {
    /// Leads to a new password.
    PasswordReset,
    /// Proves that the address is read by whoever has the account.
    EmailVerification,
}

impl LetterKind {
    /// As it is stored.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::PasswordReset => "passwordReset",
            Self::EmailVerification => "emailVerification",
        }
    }

    /// How long the token in it can be used. A mailbox may be read by somebody else later, and what
    /// changes a password is worth more to them.
    pub(crate) fn lifetime(self) -> Duration {
        match self {
            Self::PasswordReset => 30 * MINUTE,
            Self::EmailVerification => DAY,
        }
    }
}

/// To whom a letter goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Addressee {
    pub(crate) kind: LetterKind,
    pub(crate) name: String,
    pub(crate) email: String,
}

#[cfg(test)]
mod tests {
    use super::LetterKind;

    #[test]
    fn a_kind_is_looked_for_under_the_word_by_which_it_is_stored() {
        for kind in [LetterKind::PasswordReset, LetterKind::EmailVerification] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.word());
        }
    }
}
