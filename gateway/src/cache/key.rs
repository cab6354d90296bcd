use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use prost::Message;

use super::forgotten::{PLACES, Slot};
use crate::version::Version;

/// How old one thing's answer may become.
const LIFETIME: Duration = Duration::from_secs(2);
/// The same of a list, which nobody drops when one of many changes.
const LIST_LIFETIME: Duration = Duration::from_secs(1);

/// What an answer is about, and with it what makes it change.
#[derive(Clone, Copy, Debug)]
pub(super) enum Subject<'a> {
    Product(&'a str),
    Catalogue,
    User(&'a str),
    Users,
}

impl Subject<'_> {
    /// Things share a slot with a few others: dropping one drops these, which costs a load and no
    /// more. Lists share none.
    pub(super) fn slot(self) -> Slot {
        match self {
            Self::Product(id) => place_of(id, 0),
            Self::User(id) => place_of(id, 1),
            Self::Catalogue => Slot::list(0),
            Self::Users => Slot::list(1),
        }
    }

    fn text(self, version: Version) -> String {
        let version = version.number();
        match self {
            Self::Product(id) => format!("v{version}:product:{id}"),
            Self::User(id) => format!("v{version}:user:{id}"),
            Self::Catalogue => format!("v{version}:products:"),
            Self::Users => format!("v{version}:users:"),
        }
    }

    /// Its keys in every version of the interface.
    pub(super) fn texts(self) -> impl Iterator<Item = String> {
        Version::ALL.map(|version| self.text(version)).into_iter()
    }
}

fn place_of(id: &str, kind: u8) -> Slot {
    let mut hasher = DefaultHasher::new();
    kind.hash(&mut hasher);
    id.hash(&mut hasher);
    let places = u64::try_from(PLACES).unwrap_or(u64::MAX);
    Slot::of(usize::try_from(hasher.finish() % places).unwrap_or_default())
}

/// Under which an answer is kept: the version of the interface and the question, so that two
/// questions with the same answer have the same key.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    text: Arc<str>,
    slot: Slot,
    lifetime: Duration,
}

impl Key {
    /// Of one product.
    pub(crate) fn product(version: Version, id: &str) -> Self {
        Self::of(Subject::Product(id), version)
    }

    /// Of what anybody may know of a user.
    pub(crate) fn user(version: Version, id: &str) -> Self {
        Self::of(Subject::User(id), version)
    }

    /// Of the products that `question` asks for; `form` tells how they are shown, as far as the question
    /// does not.
    pub(crate) fn products(version: Version, form: &str, question: &impl Message) -> Self {
        Self::list(Subject::Catalogue, version, form, question)
    }

    /// The same of users.
    pub(crate) fn users(version: Version, form: &str, question: &impl Message) -> Self {
        Self::list(Subject::Users, version, form, question)
    }

    fn of(subject: Subject<'_>, version: Version) -> Self {
        Self {
            text: subject.text(version).into(),
            slot: subject.slot(),
            lifetime: LIFETIME,
        }
    }

    fn list(subject: Subject<'_>, version: Version, form: &str, question: &impl Message) -> Self {
        let mut text = subject.text(version);
        text.push_str(form);
        text.push(':');
        text.push_str(&hex::encode(question.encode_to_vec()));
        Self {
            text: text.into(),
            slot: subject.slot(),
            lifetime: LIST_LIFETIME,
        }
    }

    pub(super) fn text(&self) -> &Arc<str> {
        &self.text
    }

    pub(super) fn slot(&self) -> Slot {
        self.slot
    }

    /// How old the answer may become.
    pub(super) fn lifetime(&self) -> Duration {
        self.lifetime
    }
}

#[cfg(test)]
mod tests {
    use reen_proto::products::v1::ListProductsRequest;

    use super::{Key, Subject};
    use crate::version::Version;

    #[test]
    fn what_is_forgotten_is_what_is_kept() {
        let kept = Key::product(Version::Second, "66f0c0ffee66f0c0ffee0a01");
        let subject = Subject::Product("66f0c0ffee66f0c0ffee0a01");
        assert!(subject.texts().any(|text| *text == **kept.text()));
        assert_eq!(subject.slot(), kept.slot());
    }

    #[test]
    fn other_questions_have_other_keys() {
        let question = |limit: i32| ListProductsRequest {
            limit,
            ..ListProductsRequest::default()
        };
        let keys = [
            Key::products(Version::First, "page", &question(20)),
            Key::products(Version::First, "page", &question(21)),
            Key::products(Version::First, "list", &question(20)),
            Key::products(Version::Second, "page", &question(20)),
            Key::users(Version::First, "page", &question(20)),
            Key::product(Version::First, "a"),
            Key::user(Version::First, "a"),
        ];
        for (number, key) in keys.iter().enumerate() {
            let mut others = keys.iter().skip(number + 1);
            assert!(others.all(|other| other.text() != key.text()), "{key:?}");
        }
    }
}
