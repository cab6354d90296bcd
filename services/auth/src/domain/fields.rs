//! The fields of a user as they may be set, named in refusals as the client names them.

use reen_error::FieldFailure;
use secrecy::{ExposeSecret, SecretString};

const LONGEST_NAME: usize = 100;
const NAMELESS: &str = "Customer";
/// RFC 5321, 4.5.3.1, with the brackets that do not count.
const LONGEST_EMAIL: usize = 254;
const LONGEST_LOCAL_PART: usize = 64;
const LONGEST_LABEL: usize = 63;
const SHORTEST_PASSWORD: usize = 8;
const LONGEST_PASSWORD: usize = 128;

/// A user's name: 1 to 100 characters without space around them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name(String);

impl Name {
    pub(crate) fn parse(text: &str) -> Result<Self, FieldFailure> {
        let text = text.trim();
        if text.is_empty() {
            return refused("name", "too_short", "must not be empty");
        }
        if text.chars().count() > LONGEST_NAME {
            let most = format!("must have at most {LONGEST_NAME} characters");
            return refused("name", "too_long", most);
        }
        // Names are written into letters, where a line's end begins another header.
        if text.chars().any(char::is_control) {
            let message = "must not hold control characters";
            return refused("name", "forbidden_character", message);
        }
        Ok(Self(text.to_owned()))
    }

    /// The name of somebody who did not choose it by our rules: what can be kept of it.
    pub(crate) fn of_parts(
        full: [Option<&str>; 2],
        otherwise: Option<&str>,
    ) -> Result<Self, FieldFailure> {
        let full: Vec<&str> = full.into_iter().flatten().collect();
        let full = full.join(" ");
        let name = match (full.trim(), otherwise) {
            ("", Some(otherwise)) => otherwise,
            (full, _) => full,
        };
        let printable = name.chars().filter(|letter| !letter.is_control());
        let name: String = printable.take(LONGEST_NAME).collect();
        match name.trim() {
            "" => Self::parse(NAMELESS),
            name => Self::parse(name),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// An e-mail address that could be one; whether it is shows only when it is written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Email(String);

impl Email {
    pub(crate) fn parse(text: &str) -> Result<Self, FieldFailure> {
        let text = text.trim();
        if text.chars().count() > LONGEST_EMAIL {
            let most = format!("must have at most {LONGEST_EMAIL} characters");
            return refused("email", "too_long", most);
        }
        if !is_plausible(text) {
            return refused("email", "not_an_email", "must be an e-mail address");
        }
        Ok(Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// What makes it the same address as another.
    pub(crate) fn normal_form(&self) -> String {
        normal_form(&self.0)
    }
}

/// What makes an address the same as another, however it is written.
pub(crate) fn normal_form(email: &str) -> String {
    email.trim().to_lowercase()
}

fn is_plausible(email: &str) -> bool {
    let Some((local, domain)) = email.rsplit_once('@') else {
        return false;
    };
    let is_foul = |letter: char| {
        letter.is_whitespace() || letter.is_control() || "@<>()[],;:\\\"".contains(letter)
    };
    let local_is_fine = !local.is_empty()
        && local.len() <= LONGEST_LOCAL_PART
        && !local.contains(is_foul)
        && local.split('.').all(|part| !part.is_empty());
    local_is_fine && domain.contains('.') && domain.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let is_letter = |letter: char| letter.is_alphanumeric() || letter == '-';
    !label.is_empty()
        && label.len() <= LONGEST_LABEL
        && label.chars().all(is_letter)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// A password that a user chose: 8 to 128 characters, whichever.
#[derive(Clone, Debug)]
pub(crate) struct Password(SecretString);

impl Password {
    pub(crate) fn parse(text: SecretString) -> Result<Self, FieldFailure> {
        let length = text.expose_secret().chars().count();
        if length < SHORTEST_PASSWORD {
            let least = format!("must have at least {SHORTEST_PASSWORD} characters");
            return refused("password", "too_short", least);
        }
        if length > LONGEST_PASSWORD {
            let most = format!("must have at most {LONGEST_PASSWORD} characters");
            return refused("password", "too_long", most);
        }
        Ok(Self(text))
    }

    pub(crate) fn into_secret(self) -> SecretString {
        self.0
    }
}

/// Somebody who signs up.
#[derive(Clone, Debug)]
pub(crate) struct NewUser {
    pub(crate) name: Name,
    pub(crate) email: Email,
    pub(crate) password: Password,
}

impl NewUser {
    /// All fields, or everything that is wrong with them.
    pub(crate) fn parse(
        name: &str,
        email: &str,
        password: SecretString,
    ) -> Result<Self, Vec<FieldFailure>> {
        let parsed = (
            Name::parse(name),
            Email::parse(email),
            Password::parse(password),
        );
        match parsed {
            (Ok(name), Ok(email), Ok(password)) => Ok(Self {
                name,
                email,
                password,
            }),
            (name, email, password) => {
                let failures = [name.err(), email.err(), password.err()];
                Err(failures.into_iter().flatten().collect())
            }
        }
    }
}

/// What a user changes of their profile; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProfileChange {
    pub(crate) name: Option<Name>,
    pub(crate) email: Option<Email>,
}

impl ProfileChange {
    /// The fields that are there, or everything that is wrong with them.
    pub(crate) fn parse(
        name: Option<&str>,
        email: Option<&str>,
    ) -> Result<Self, Vec<FieldFailure>> {
        let name = name.map(Name::parse).transpose();
        let email = email.map(Email::parse).transpose();
        match (name, email) {
            (Ok(name), Ok(email)) => Ok(Self { name, email }),
            (name, email) => Err([name.err(), email.err()].into_iter().flatten().collect()),
        }
    }
}

fn refused<T>(field: &str, code: &str, message: impl Into<String>) -> Result<T, FieldFailure> {
    Err(FieldFailure::new(field, code, message))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::SecretString;

    use super::{Email, Name, NewUser, Password, ProfileChange, normal_form};

    fn password(text: &str) -> Result<Password, String> {
        Password::parse(SecretString::from(text)).map_err(|failure| failure.code)
    }

    #[test]
    fn a_name_is_trimmed_and_of_one_to_a_hundred_characters() {
        assert_eq!(
            Name::parse("  Ada Lovelace ").unwrap().as_str(),
            "Ada Lovelace"
        );
        assert!(Name::parse(&"ä".repeat(100)).is_ok());
        assert_eq!(Name::parse(&"ä".repeat(101)).unwrap_err().code, "too_long");
        assert_eq!(Name::parse(" \t ").unwrap_err().code, "too_short");
        let header = Name::parse("Ada\r\nBcc: all@b.example");
        assert_eq!(header.unwrap_err().code, "forbidden_character");
    }

    #[test]
    fn addresses_that_could_be_one() {
        for plausible in [
            "ada@example.com",
            " ada.l+shop@mail.example.co.uk ",
            "o'neil@b-c.example",
            "jörg@bücher.example",
        ] {
            assert!(Email::parse(plausible).is_ok(), "{plausible}");
        }
    }

    #[test]
    fn addresses_that_cannot_be_one() {
        for foul in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@example",
            "ada@@example.com",
            "ada@exa mple.com",
            "ada@example..com",
            "ada@-example.com",
            ".ada@example.com",
            "ada@example.com\r\nBcc: all@b.example",
            "Ada <ada@example.com>",
            "a,b@example.com",
        ] {
            let refused = Email::parse(foul).unwrap_err();
            assert_eq!(refused.code, "not_an_email", "{foul:?}");
        }
        let long = format!("ada@{}.example", "a.".repeat(150));
        assert_eq!(Email::parse(&long).unwrap_err().code, "too_long");
    }

    #[test]
    fn an_address_is_shown_as_given_and_compared_in_lower_case() {
        let email = Email::parse(" Ada@Example.COM ").unwrap();
        assert_eq!(email.as_str(), "Ada@Example.COM");
        assert_eq!(email.normal_form(), "ada@example.com");
    }

    #[test]
    fn a_password_has_eight_to_a_hundred_and_twenty_eight_characters() {
        assert_eq!(password("1234567").unwrap_err(), "too_short");
        assert!(password("12345678").is_ok());
        assert!(password(&"ß".repeat(128)).is_ok());
        assert_eq!(password(&"x".repeat(129)).unwrap_err(), "too_long");
        assert!(!format!("{:?}", password("correct horse")).contains("horse"));
    }

    #[test]
    fn every_failing_field_is_named() {
        let refused = NewUser::parse("", "x", SecretString::from("short")).unwrap_err();
        let fields: Vec<_> = refused
            .iter()
            .map(|failure| failure.field.as_str())
            .collect();
        assert_eq!(fields, ["name", "email", "password"]);
        let refused = ProfileChange::parse(Some(""), Some("x")).unwrap_err();
        assert_eq!(refused.len(), 2);
        let nothing = ProfileChange::parse(None, None).unwrap();
        assert_eq!(nothing, ProfileChange::default());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_stumble(text in any::<String>()) {
            let _either = (Name::parse(&text), Email::parse(&text));
            let normal = normal_form(&text);
            prop_assert_eq!(normal_form(&normal), normal);
        }
    }
}
