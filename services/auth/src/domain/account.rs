use std::fmt;
use std::str::FromStr;

use bson::oid::ObjectId;

const OPENINGS: &str = "house:openings";
const FEES: &str = "house:fees";
const UPGRADES: &str = "house:upgrades";
const USER: &str = "user:";

/// What money is moved between.
///
/// A user's account is there by its name, also when the user is not any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Account {
    User(ObjectId),
    /// Where opening balances come from.
    Openings,
    /// Where listing fees go.
    Fees,
    /// Where the price of becoming a seller goes.
    Upgrades,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "{USER}{id}"),
            Self::Openings => f.write_str(OPENINGS),
            Self::Fees => f.write_str(FEES),
            Self::Upgrades => f.write_str(UPGRADES),
        }
    }
}

/// A name that no account has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UnknownAccount;

impl FromStr for Account {
    type Err = UnknownAccount;

    fn from_str(name: &str) -> Result<Self, UnknownAccount> {
        match name {
            OPENINGS => Ok(Self::Openings),
            FEES => Ok(Self::Fees),
            UPGRADES => Ok(Self::Upgrades),
            _ => name
                .strip_prefix(USER)
                .and_then(|id| ObjectId::parse_str(id).ok())
                .map(Self::User)
                .ok_or(UnknownAccount),
        }
    }
}

#[cfg(test)]
mod tests {
    use bson::oid::ObjectId;

    use super::Account;

    #[test]
    fn an_account_is_found_by_its_name() {
        let accounts = [
            Account::User(ObjectId::from_bytes([7; 12])),
            Account::Openings,
            Account::Fees,
            Account::Upgrades,
        ];
        for account in accounts {
            assert_eq!(account.to_string().parse(), Ok(account));
        }
        for unknown in ["", "user:", "user:me", "house:", "house:gifts"] {
            assert!(unknown.parse::<Account>().is_err(), "{unknown}");
        }
    }
}
