use std::future::Future;

use tokio::task_local;

task_local! {
    static ASKED: Asked;
}

/// A version of the interface. The numbers are part of paths and of the header `Reen-Version`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Version {
    /// Amounts are numbers in major units, lists are arrays with numbered pages.
    #[default]
    First,
    /// Amounts are objects in minor units, lists are pages with cursors.
    Second,
}

impl Version {
    pub(crate) const ALL: [Self; 2] = [Self::First, Self::Second];

    /// `None` when there is no such version.
    pub(crate) fn from_number(number: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|version| version.number() == number)
    }

    pub(crate) const fn number(self) -> &'static str {
        match self {
            Self::First => "1",
            Self::Second => "2",
        }
    }

    /// Below which path it is.
    pub(crate) const fn base(self) -> &'static str {
        match self {
            Self::First => "/api/v1",
            Self::Second => "/api/v2",
        }
    }

    /// That of the request which is being worked on; the first where there is none.
    pub(crate) fn current() -> Self {
        Asked::current().version
    }
}

/// How a request asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) version: Version,
    /// What the client puts before every path: what it is told of paths must begin with it.
    pub(crate) base: &'static str,
}

impl Asked {
    /// Asks on the path of the version itself.
    pub(crate) const fn of(version: Version) -> Self {
        Self {
            version,
            base: version.base(),
        }
    }

    /// How the request asks which is being worked on; as in the first version where there is none.
    pub(crate) fn current() -> Self {
        ASKED
            .try_with(|asked| *asked)
            .unwrap_or(Self::of(Version::First))
    }

    /// Works on `answering` as an answer to a request that asks like this. Tasks that it spawns are
    /// not within.
    pub(crate) async fn scope<F: Future>(self, answering: F) -> F::Output {
        ASKED.scope(self, answering).await
    }

    /// Makes something as an answer to a request that asks like this.
    #[cfg(test)]
    pub(crate) fn sync_scope<T>(self, show: impl FnOnce() -> T) -> T {
        ASKED.sync_scope(self, show)
    }
}

#[cfg(test)]
mod tests {
    use super::{Asked, Version};

    #[test]
    fn a_version_is_known_by_its_number_alone() {
        for version in Version::ALL {
            assert_eq!(Version::from_number(version.number()), Some(version));
        }
        for number in ["", "0", "3", "v1", "01", "1 "] {
            assert_eq!(Version::from_number(number), None, "{number}");
        }
    }

    #[tokio::test]
    async fn who_is_outside_of_every_request_speaks_the_first() {
        assert_eq!(Version::current(), Version::First);
        let within = Asked::of(Version::Second).scope(async { Version::current() });
        assert_eq!(within.await, Version::Second);
    }
}
