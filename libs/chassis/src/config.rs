//! From the environment to typed settings. Every problem is reported at once, each by its key.
//!
//! The value of any `KEY` may stand in a file that `KEY_FILE` names instead: this is how containers are
//! given secrets, which would be seen by whoever can look at a process if they were in its environment.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use secrecy::SecretString;
use url::Url;

use crate::identity::{Identity, IdentityError};
use crate::tls::{Certificates, Files};

/// Where settings come from: the process, or a map in tests.
pub trait Environment {
    /// The value of `key`; an empty one counts as absent.
    fn get(&self, key: &str) -> Option<String>;
}

/// The environment of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn get(&self, key: &str) -> Option<String> {
        std::env::var(key).ok().filter(|value| !value.is_empty())
    }
}

impl Environment for HashMap<String, String> {
    fn get(&self, key: &str) -> Option<String> {
        HashMap::get(self, key)
            .filter(|value| !value.is_empty())
            .cloned()
    }
}

/// Everything that is wrong with the settings of one process.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// One sentence for each key that is missing or malformed.
    pub problems: Vec<String>,
}

impl ConfigError {
    /// What is wrong with several parts of the settings, each problem once.
    #[must_use]
    pub fn all_of(errors: impl IntoIterator<Item = Option<Self>>) -> Self {
        let mut problems = Vec::new();
        for problem in errors.into_iter().flatten().flat_map(|it| it.problems) {
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
        Self { problems }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the configuration is not complete: {}",
            self.problems.join("; ")
        )
    }
}

/// Where a gRPC service listens.
#[derive(Clone, Copy, Debug)]
pub struct Listen {
    /// The gRPC listener; port 0 takes a free one.
    pub grpc: SocketAddr,
    /// The admin listener: health and metrics.
    pub admin: SocketAddr,
}

/// Reads keys one after the other and remembers what was wrong.
///
/// Each read answers `None` after noting a problem; read all keys first and use `?` only when the
/// settings are put together, so that every problem is found in one go.
pub struct Reader<'env> {
    environment: &'env dyn Environment,
    problems: Vec<String>,
}

impl<'env> Reader<'env> {
    /// Runs `read` over the environment.
    ///
    /// # Errors
    /// Every key that is missing or malformed.
    pub fn read<T>(
        environment: &'env dyn Environment,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Result<T, ConfigError> {
        let mut reader = Self {
            environment,
            problems: Vec::new(),
        };
        let settings = read(&mut reader);
        match settings {
            Some(settings) if reader.problems.is_empty() => Ok(settings),
            _ => Err(ConfigError {
                problems: reader.problems,
            }),
        }
    }

    /// A value that must be there.
    pub fn required<T>(&mut self, key: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        match self.find(key)? {
            Some(value) => self.parse(key, &value),
            None => self.problem(format!("{key} is not set")),
        }
    }

    /// A value, or `default` when it is absent.
    pub fn or<T>(&mut self, key: &str, default: T) -> Option<T>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        match self.find(key)? {
            Some(value) => self.parse(key, &value),
            None => Some(default),
        }
    }

    /// A value that may be absent: the outer `None` is a problem, the inner one an absence.
    pub fn optional<T>(&mut self, key: &str) -> Option<Option<T>>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        match self.find(key)? {
            Some(value) => self.parse(key, &value).map(Some),
            None => Some(None),
        }
    }

    /// A secret that must be there; it is never printed, not even when it is malformed.
    pub fn secret(&mut self, key: &str) -> Option<SecretString> {
        match self.find(key)? {
            Some(value) => Some(SecretString::from(value)),
            None => self.problem(format!("{key} is not set")),
        }
    }

    /// One or several addresses of the replicas of a peer, separated by commas.
    pub fn peers(&mut self, key: &str, default: &str) -> Option<Vec<Url>> {
        let value = self.find(key)?.unwrap_or_else(|| default.to_owned());
        value
            .split(',')
            .map(|address| self.parse(key, address.trim()))
            .collect()
    }

    /// The listeners of a gRPC service: `BIND_HOST`, `{prefix}_PORT`, `{prefix}_ADMIN_PORT`.
    pub fn listen(&mut self, prefix: &str, grpc_port: u16, admin_port: u16) -> Option<Listen> {
        let grpc = self.address(&format!("{prefix}_PORT"), grpc_port);
        let admin = self.address(&format!("{prefix}_ADMIN_PORT"), admin_port);
        Some(Listen {
            grpc: grpc?,
            admin: admin?,
        })
    }

    /// `BIND_HOST` (default 127.0.0.1) with the port of `key`.
    pub fn address(&mut self, key: &str, default_port: u16) -> Option<SocketAddr> {
        let host = self.or("BIND_HOST", IpAddr::V4(Ipv4Addr::LOCALHOST));
        let port = self.or(key, default_port);
        Some(SocketAddr::new(host?, port?))
    }

    /// The identity of the process `name` among its peers: `SERVICE_IDENTITY_SECRET`, and the paths of
    /// its certificate, its key and the authority of all, `SERVICE_TLS_CERT`, `SERVICE_TLS_KEY` and
    /// `SERVICE_TLS_CA`, where peers speak TLS.
    pub fn identity(&mut self, name: &'static str) -> Option<Identity> {
        let certificates = self.certificates();
        let secret = self.secret("SERVICE_IDENTITY_SECRET")?;
        match (Identity::new(name, &secret), certificates?) {
            (Ok(identity), None) => Some(identity),
            (Ok(identity), Some(certificates)) => Some(identity.with_certificates(certificates)),
            (Err(error @ IdentityError::ShortSecret), _) => {
                self.problem(format!("SERVICE_IDENTITY_SECRET: {error}"))
            }
        }
    }

    /// All of the three files, or none: the outer `None` is a problem, the inner one an absence.
    fn certificates(&mut self) -> Option<Option<Certificates>> {
        let files = Files {
            certificate: self.optional("SERVICE_TLS_CERT")?,
            key: self.optional("SERVICE_TLS_KEY")?,
            authority: self.optional("SERVICE_TLS_CA")?,
        };
        match files.read() {
            Ok(certificates) => Some(certificates),
            Err(error) => self.problem(error.to_string()),
        }
    }

    /// Notes a problem that only the caller can see, such as two settings that do not fit.
    pub fn problem<T>(&mut self, sentence: String) -> Option<T> {
        if !self.problems.contains(&sentence) {
            self.problems.push(sentence);
        }
        None
    }

    /// What the environment says of `key`, or the file that it names by `{key}_FILE`: the outer `None` is
    /// a problem, the inner one an absence.
    fn find(&mut self, key: &str) -> Option<Option<String>> {
        let value = self.environment.get(key);
        let file_key = format!("{key}_FILE");
        let Some(file) = self.environment.get(&file_key) else {
            return Some(value);
        };
        if value.is_some() {
            return self.problem(format!("{key} and {file_key} are both set"));
        }
        match std::fs::read_to_string(&file) {
            // Editors and `echo` end a file with a line break, which is no part of a secret.
            Ok(text) => {
                let text = text.trim_end_matches(['\r', '\n']);
                Some((!text.is_empty()).then(|| text.to_owned()))
            }
            Err(error) => self.problem(format!("{file_key}: {file} cannot be read: {error}")),
        }
    }

    fn parse<T>(&mut self, key: &str, value: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        match value.parse() {
            Ok(parsed) => Some(parsed),
            Err(error) => self.problem(format!("{key} is malformed: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use secrecy::ExposeSecret as _;

    use super::Reader;

    #[test]
    fn every_problem_is_reported_by_its_key() {
        let environment = HashMap::from([("PORT".to_owned(), "eighty".to_owned())]);
        let outcome = Reader::read(&environment, |reader| {
            let port = reader.or::<u16>("PORT", 80);
            let name = reader.required::<String>("NAME");
            Some((port?, name?))
        });
        let problems = outcome.unwrap_err().problems;
        assert_eq!(problems.len(), 2);
        assert!(problems[0].starts_with("PORT is malformed"));
        assert_eq!(problems[1], "NAME is not set");
    }

    fn environment(settings: &[(&str, &str)]) -> HashMap<String, String> {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        settings.iter().map(owned).collect()
    }

    #[test]
    fn a_value_may_stand_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "hush hush\n").unwrap();
        let environment = environment(&[("TOKEN_FILE", file.to_str().unwrap())]);
        let token = Reader::read(&environment, |reader| reader.secret("TOKEN"));
        assert_eq!(token.unwrap().expose_secret(), "hush hush");
        let token = Reader::read(&environment, |reader| reader.optional::<String>("TOKEN"));
        assert_eq!(token.unwrap().as_deref(), Some("hush hush"));
    }

    #[test]
    fn a_file_without_a_value_is_an_absence() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let environment = environment(&[("TOKEN_FILE", file.path().to_str().unwrap())]);
        let token = Reader::read(&environment, |reader| reader.secret("TOKEN"));
        assert_eq!(token.unwrap_err().problems, ["TOKEN is not set"]);
    }

    #[test]
    fn a_file_that_cannot_be_read_or_is_one_too_many_is_named() {
        let environment = environment(&[
            ("TOKEN_FILE", "/nowhere/token"),
            ("NAME_FILE", "/nowhere/name"),
            ("NAME", "reen"),
        ]);
        let outcome = Reader::read(&environment, |reader| {
            let token = reader.secret("TOKEN");
            let name = reader.or("NAME", String::new());
            Some((token?, name?))
        });
        let problems = outcome.unwrap_err().problems;
        assert!(problems[0].starts_with("TOKEN_FILE: /nowhere/token cannot be read"));
        assert_eq!(problems[1], "NAME and NAME_FILE are both set");
    }

    #[test]
    fn several_peers_are_separated_by_commas() {
        let environment = HashMap::new();
        let peers = Reader::read(&environment, |reader| {
            reader.peers("AUTH_SERVICE_URL", "http://a:1, http://b:2")
        });
        assert_eq!(peers.unwrap().len(), 2);
    }
}
